// Package export keeps the data of records and writes it to files.
//
// # Keeping
//
// A [Recorder] takes every sample that was streamed, as the fixed-point values
// of package streams, so that a file holds exactly what a subscriber received,
// also of streams that nobody subscribed to. Stop turns it into a [Recording],
// which any number of readers can read at once.
//
// Samples are stored in chunks of up to 4096 values, column by column, each
// column in the shortest of a few delta codings. An EPOC X at 256 Hz with
// 64 Hz motion and all other streams takes 19 MB per hour (24 as pure noise; a
// headset at 128 Hz about 14). [Storage].Memory, 4 MiB unless set, bounds what
// of that stays in memory; the rest is in one temporary file per record, which
// has no name (so that a crash leaves nothing behind) where the system allows
// that, and goes with [Recording.Delete]. [Recording.WriteTo] and
// [ReadRecording] keep a recording over a restart. Every chunk and the whole
// kept form carry a checksum: damage is an error, never wrong data.
//
// # Writing
//
// [Export] writes what exportRecord promises (exportRecord page), under the
// names that EmotivPRO gives:
//
//	CSV V2    one table of all chosen streams, a row per eeg sample
//	CSV V1    one table per stream, with a line of labels
//	EDF       eeg with contact and EEG quality; .md.edf the motion
//	EDFPLUS   one file, every stream at its rate, markers as annotations
//	BDFPLUS   the same with 24 bits: no decimal of an EEG value is lost
//
// and with each a JSON file and, if asked for, a CSV of the markers. Either all
// files of a job appear, whole, or none. [Folders] maps the folder the client
// names to one of ours and keeps every write below a root.
//
// EDF needs some decisions that no public file of Cortex settles. Data records
// last 1 s (5 s for the 6.4 Hz of an MN8); the last one is filled up with the
// last value. Samples lie on the grid of their stream's nominal rate by their
// index; a missing one repeats the one before. The time stamp signals tell the
// seconds since the start time in the header and the milliseconds, since neither
// a header field nor 16 bits can hold the seconds since 1970. A plus file starts
// at the first sample, to 0.1 ms: its first annotation holds the part of the
// start time that the header's whole seconds cannot. Other streams begin on the
// nearest step of their own grid. Ranges are chosen so that a digital step is a
// count of the headset's converter where that fits; every value reads back
// within half a step. What EDF cannot hold is ASCII-fied (header) or cut (values
// beyond seven digits).
//
// readers_check.py reads the files of all formats with pyedflib, MNE and pandas
// and compares every value: go test -tags readers.
package export
