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
// that is not used leaves every byte as it was. Products are rounded before they
// are added (mul), so that amd64 and arm64, which could do both in one step, send
// the same bytes: the golden files hold on both.
//
// Who knows that nothing will happen for a while, as a clock that is moved by hand
// does, can let a source make its samples ahead in a goroutine of its own
// (Prefetch).
//
// Random numbers begin anew every half minute. A source that nobody listens to
// therefore need not compute what nobody hears: it makes up for the last minute
// when somebody does.
//
// # What a change of the state does
//
//	eyes            alpha, most at O1 and O2; no blinks when closed
//	levels          met at 2 and 0.1 Hz; alpha, beta and theta a little
//	contact, worn   noise, hum and drift in eeg and pow; dev; eq; met null
//	battery         dev, eq
//	signalStrength  dev
//	loss            INTERPOLATED and holes in eeg and mot; sampleRateQuality and eq
//	head            mot; artefacts in eeg; eq
//	face            blinks, glances and muscles in eeg and pow; fac; eq
//	mentalCommand   com, by what the loaded profile has trained
//	erp, ssvep, motorImagery, waveforms    eeg and pow
//	rawCq           RAW_CQ in eeg
//
// # What is known and what is guessed
//
// Columns, rates, number formats, the converter's steps, the level of 4200 uV,
// the band power algorithm, the grids of the motion sensors and the overall
// qualities reproduce what Cortex documents or what was seen on the wire. How the
// detections err, how fast qualities settle, the steps of Battery, the scale of
// the old gyroscopes and everything listed in a model's Unknown are guesses, and
// say so where they are made.
package streams
