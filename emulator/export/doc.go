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
// 64 Hz motion and all other streams takes about 24 MB per hour (as noise; a
// headset at 128 Hz about 14). [Storage].Memory, 4 MiB unless set, bounds what
// of that stays in memory; the rest is in one temporary file per record, which
// has no name (so that a crash leaves nothing behind) where the system allows
// that, and goes with [Recording.Delete]. [Recording.WriteTo] and
// [ReadRecording] keep a recording over a restart. Every chunk and the whole
// kept form carry a checksum: damage is an error, never wrong data.
package export
