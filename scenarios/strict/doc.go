// Package strict reads YAML (and so JSON) documents written by hand into Go
// structs, and says all that is wrong with them at once, each with its place.
//
//	source --Parse--> Node --Merge--> Node --Decode--> struct + Positions
//
// A Node is the document with the file, line and column of every value. Merge
// lays one document over another, so that a value still knows which file it
// came from. Decode fills a struct whose tags say what is allowed; Schema turns
// the same tags into a JSON Schema for editors.
//
// # Tags
//
//	Status string `json:"status" enum:"off|on" default:"on" doc:"what it is"`
//	Rate   int    `json:"rate" min:"0" max:"256" rule:"required"`
//
// json names the key. enum lists the words of a string. min and max bound
// numbers and durations, and the number of items of a list. default is the text
// of the value of an absent key. ref says that the text names something else, for
// the caller to look up in Decoder.Refs. doc is the description in the schema. rule
// holds flags:
//
//	required   the key must be there
//	short      a mapping of this struct may be written as this field's value alone
//	single     a list of one element may be written as the element alone
//
// # Bounds
//
// A file has at most 256 KiB and 10,000 lines, a document at most 64 levels and
// 50,000 values with its aliases written out, so a hostile document costs no more
// than a large honest one.
package strict
