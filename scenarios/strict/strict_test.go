package strict_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/fakecortex/fakecortex/scenarios/strict"
)

type inner struct {
	Name  string          `json:"name" rule:"required,short"`
	Wait  strict.Duration `json:"wait" default:"2s" max:"1m"`
	Share *float64        `json:"share" min:"0" max:"1"`
}

type outer struct {
	One  inner          `json:"one"`
	Many []inner        `json:"many" rule:"single" max:"3"`
	By   map[int]string `json:"by"`
	Any  strict.JSON    `json:"any"`
	On   bool           `json:"on" default:"true"`
	Word string         `json:"word" enum:"red|green|on" default:"red"`
	N    int            `json:"n" min:"1" max:"9" default:"5"`
	U    uint64         `json:"u"`
	Tags []string       `json:"tags" default:""`
}

func decode(text string, vars map[string]string) (outer, error) {
	var v outer
	n, errs := strict.Parse("f", []byte(text))
	if n == nil {
		return v, errs.Err()
	}
	d := strict.Decoder{Vars: vars}
	d.Decode(n, &v)
	return v, append(errs, d.Errors...).Err()
}

func TestDecode(t *testing.T) {
	v, err := decode(`
one: first
many: {name: 7, wait: 500ms, share: 1}
by: {-32019: full, 3: "x"}
any: {b: [1, 1.0, "1", true, null, no], a: {}}
word: on
n: 0x7
u: 18446744073709551615
tags: [a, "true"]
`, nil)
	require.NoError(t, err)
	assert.Equal(t, "first", v.One.Name)
	assert.Equal(t, 2*time.Second, v.One.Wait.D(), "a short form has its defaults")
	assert.Equal(t, "7", v.Many[0].Name, "a text may look like a number")
	assert.Equal(t, 1.0, *v.Many[0].Share)
	assert.Equal(t, map[int]string{-32019: "full", 3: "x"}, v.By)
	assert.Equal(t, `{"a":{},"b":[1,1.0,"1",true,null,"no"]}`, string(v.Any))
	assert.True(t, v.On)
	assert.Equal(t, "on", v.Word)
	assert.Equal(t, 7, v.N)
	assert.Equal(t, uint64(1<<64-1), v.U)
	assert.Equal(t, []string{"a", "true"}, v.Tags)

	v, err = decode("{one: a}", nil)
	require.NoError(t, err)
	assert.Equal(t, 5, v.N)
	assert.NotNil(t, v.Tags)
	assert.Empty(t, v.Tags)
}

func TestMistakes(t *testing.T) {
	for text, want := range map[string]string{
		"one: a\nworf: red":                  `f:2:1: "worf" is not a key that is known here, did you mean "word"? want one, many, by, any, on, word, n, u or tags`,
		"one: {}":                            `f:1:6: one: name is missing; want a text`,
		"one: [a]":                           `f:1:6: one: a list is not a mapping; want the keys name, wait or share`,
		"one: a\nn: 10":                      `f:2:4: n: 10 is out of range; want a whole number from 1 to 9`,
		"one: a\nn: 1.5":                     `f:2:4: n: 1.5 is not a whole number; want a whole number from 1 to 9`,
		"one: a\nn: \"5\"":                   `f:2:4: n: "5" is not a whole number because of its quotes; want a whole number from 1 to 9`,
		"one: a\non: yes":                    `f:2:5: on: yes is not true or false; want true or false`,
		"one: true":                          `f:1:6: one: true is not a text; want a text`,
		"one: a\nword: grene":                `f:2:7: word: "grene" is not known, did you mean "green"? want red, green or on`,
		"one: {name: a, wait: 2m}":           `f:1:22: one.wait: 2m is out of range; want a duration from 0s to 1m`,
		"one: {name: a, wait: 2}":            `f:1:22: one.wait: 2 is not a duration; want a number with a unit, such as 1.5s, 200ms, 2h or 30d`,
		"one: {name: a, share: .nan}":        `f:1:23: one.share: .nan is not a number; want a number from 0 to 1`,
		"one: a\nmany: [a, b, c, d]":         `f:2:7: many: 4 items is out of range; want a list of at most 3 items`,
		"one: a\nby: {x: y}":                 `f:2:6: by: "x" is not a number; want a code such as -32019`,
		"one: a\none: b":                     `f:2:1: "one" stands here a second time; want each key once`,
		"one: a\ntags: {a: b}":               `f:2:7: tags: a mapping is not a list; want a list`,
		"one: a\nany: *x":                    `f:2:6: alias *x: there is no anchor &x before it`,
		"one: a\nany: !!str x":               `f:2:6: tags such as !!str are not used here`,
		"one: ${x}":                          `f:1:6: one: ${x} is not a variable of this document, did you mean "y"? want y`,
		"one: ${y":                           `f:1:6: one: ${y has a ${ without its }`,
		"one: a\nmany:\n  - b\n  - {nam: c}": "f:4:5: many[1]: name is missing; want a text\nf:4:6: many[1]: \"nam\" is not a key that is known here, did you mean \"name\"? want name, wait or share",
	} {
		_, err := decode(text, map[string]string{"y": "1"})
		assert.EqualError(t, err, want, text)
	}
}

func TestVariables(t *testing.T) {
	vars := map[string]string{"n": "3", "on": "false", "who": "me"}
	v, err := decode("one: \"${who} and $${who}\"\nn: ${n}\non: \"${on}\"\nany: {a: \"${n}\", b: \"x${n}\"}", vars)
	require.NoError(t, err)
	assert.Equal(t, "me and ${who}", v.One.Name)
	assert.Equal(t, 3, v.N)
	assert.False(t, v.On)
	assert.Equal(t, `{"a":3,"b":"x3"}`, string(v.Any), "a variable in quotes is what its text is")
}

func TestMerge(t *testing.T) {
	parse := func(s string) *strict.Node {
		n, errs := strict.Parse("f", []byte(s))
		require.Empty(t, errs)
		return n
	}
	base := parse("one: {name: a, wait: 1s}\nmany: [x]\nn: 2\ntags: [a]")
	over := parse("one: {name: b}\nmany: [y]\nn: null\ntags: [b]")
	var v outer
	d := strict.Decoder{}
	d.Decode(strict.Merge(base, over, map[string]bool{"many": true}), &v)
	require.Empty(t, d.Errors)
	assert.Equal(t, "b", v.One.Name)
	assert.Equal(t, time.Second, v.One.Wait.D())
	require.Len(t, v.Many, 2)
	assert.Equal(t, "x", v.Many[0].Name)
	assert.Equal(t, []string{"b"}, v.Tags)
	assert.Equal(t, 5, v.N, "null brings the default back")

	var again outer
	d = strict.Decoder{}
	d.Decode(base, &again)
	assert.Equal(t, "a", again.One.Name, "the base is as it was")
	assert.Equal(t, 2, again.N)
}

func TestDurations(t *testing.T) {
	for text, want := range map[string]time.Duration{"1.5s": 1500 * time.Millisecond, "0": 0, "30d": 720 * time.Hour, "-1h": -time.Hour, "0.5d": 12 * time.Hour} {
		var d strict.Duration
		require.NoError(t, d.UnmarshalText([]byte(text)))
		assert.Equal(t, want, d.D())
	}
	for _, text := range []string{"", "1", "soon", "1e400d", "200000d", "nand", "2000000h"} {
		var d strict.Duration
		assert.Error(t, d.UnmarshalText([]byte(text)), text)
	}
	rapid.Check(t, func(t *rapid.T) {
		d := strict.Duration(rapid.Int64Range(0, int64(time.Hour*24*365)).Draw(t, "d"))
		var again strict.Duration
		require.NoError(t, again.UnmarshalText([]byte(d.String())))
		assert.Equal(t, d, again)
	})
}

func TestNearest(t *testing.T) {
	words := []string{"headsetOff", "headsetOn", "blink", "quota"}
	for name, want := range map[string]string{
		"headsetof": "headsetOff", "HEADSETON": "headsetOn", "blnik": "blink", "qouta": "quota", "zebra": "", "": "",
		strings.Repeat("blink", 100): "",
	} {
		assert.Equal(t, want, strict.Nearest(name, words), name)
	}
}
