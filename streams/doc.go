// Package streams makes time and signals: the virtual clock and its scheduler,
// the catalogue of headsets, and everything a headset sends.
//
// # A headset
//
// A Model is an entry of the catalogue. A Source is one connected headset on
// one simulated head. It knows nothing of sessions, sockets or JSON-RPC: it is
// asked when its next sample is due (NextDue), told to run until an instant
// (Advance), and hands out Samples. A Layout prints a stream's columns and
// samples as Cortex prints them (Data sample object page):
//
//	model, _ := streams.ModelForID("EPOCX-0A1B2C3D")
//	source, err := streams.NewSource(streams.SourceConfig{
//		Model: model, Settings: model.DefaultSettings(), Seed: 1, Start: start,
//		Dialect: streams.DefaultDialect(), State: streams.DefaultState(),
//	})
//	...
//	source.Advance(start+1e9, streams.KindSet(streams.EEG), func(s *streams.Sample) {
//		line = source.Layout(s.Kind).AppendSample(line[:0], s)
//	})
//
// Samples are numbered, and everything about a sample follows from its number:
// the instant at which it is due, its COUNTER, its `time`. Sample 0 comes one
// period after the start, so that ten seconds hold exactly 2,560 samples of
// 256 Hz. Nothing is added up, so nothing drifts.
//
// # The simulation
//
// Everything comes from one EEG. It is generated an eighth of a second at a time
// per sensor: noise with a spectrum of 1/f^exponent, half of it shared with the
// neighbours; alpha, theta, beta and mu as damped oscillators with their
// topographies; muscles; hum; a drifting level. On top, exact to the sample, lie
// blinks, glances, evoked and steady-state responses, movement artefacts and
// injected waveforms. The sum is put on the grid of the headset's converter.
// pow is computed from just these values; dev and eq from contact, loss and
// artefacts; met, com and fac from the same State; mot from the pose of the head.
//
// A State says what the head does. It can be changed at any time (Update), and
// things can happen once (Blink, Trigger, Stimulus). What was put into the
// signal is told to the Truth function.
//
// What is sent depends on the seed, the configuration and what was changed when.
// It does not depend on which streams are asked for, nor on how Advance was
// called. Each part draws its random numbers from its own sequence, so a feature
// that is not used leaves every byte as it was.
package streams
