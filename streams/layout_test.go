package streams

import (
	"fmt"
	"math"
	"math/big"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestAppendFixed(t *testing.T) {
	for _, tc := range []struct {
		v        int64
		decimals uint8
		point    bool
		want     string
	}{
		{0, 3, true, "0.0"}, {0, 3, false, "0"}, {4215000, 3, true, "4215.0"}, {4215000, 3, false, "4215"}, {4036410, 3, true, "4036.41"},
		{-3775, 3, true, "-3.775"}, {-1, 6, true, "-0.000001"}, {1000000, 6, true, "1.0"}, {345774, 6, true, "0.345774"}, {100, 6, true, "0.0001"},
		{560504521, 9, false, "0.560504521"}, {5, 1, true, "0.5"}, {7, 0, false, "7"}, {16274577745166, 4, true, "1627457774.5166"},
		{math.MaxInt64, 4, true, "922337203685477.5807"}, {-math.MaxInt64, 3, true, "-9223372036854775.807"},
	} {
		assert.Equal(t, tc.want, string(AppendFixed(nil, tc.v, tc.decimals, tc.point)))
	}
	rapid.Check(t, func(r *rapid.T) {
		v, decimals := rapid.Int64Min(-math.MaxInt64).Draw(r, "v"), rapid.Uint8Range(0, 9).Draw(r, "decimals")
		got := string(AppendFixed([]byte("x"), v, decimals, true))[1:]
		value, ok := new(big.Rat).SetString(got)
		require.True(t, ok, got)
		want := big.NewRat(v, 1)
		want.Quo(want, new(big.Rat).SetInt64(pow10[decimals]))
		require.Zero(t, value.Cmp(want), "%d, %d digits: %s", v, decimals, got)
		require.Contains(t, got, ".")
		if !strings.HasSuffix(got, ".0") {
			require.False(t, strings.HasSuffix(got, "0"), got)
		}
	})
	// A sample prints the usual ones in a shorter way.
	rapid.Check(t, func(r *rapid.T) {
		v, point := rapid.Int64Range(-1, 10_001_000).Draw(r, "v"), rapid.Bool().Draw(r, "point")
		v -= v % rapid.SampledFrom([]int64{1, 10, 100, 1000}).Draw(r, "zeros")
		l := &Layout{Columns: []Column{{Type: Float, Decimals: 3}}, BareZero: !point}
		require.Equal(r, "["+string(AppendFixed(nil, v, 3, point))+"]", string(l.AppendSample(nil, &Sample{Values: []int64{v}})))
	})
}

func TestAppendTime(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		stamp := rapid.OneOf(rapid.Int64Range(0, 1e15), rapid.Int64Range(17e12, 18e12)).Draw(r, "stamp")
		stamp -= stamp % rapid.SampledFrom([]int64{1, 10, 100, 1000, 10000, 100000}).Draw(r, "zeros")
		require.Equal(r, string(AppendFixed(nil, stamp, 4, true)), string(AppendTime(nil, stamp)))
	})
}

func TestAppendSample(t *testing.T) {
	for _, v := range []int64{0, 9, 10, 99, 100, 255, 999, 1000, 8192, -1, -10, math.MaxInt64, math.MinInt64 + 1} {
		line := (&Layout{Columns: []Column{{Name: "n", Type: Int}}}).AppendSample(nil, &Sample{Values: []int64{v}})
		assert.Equal(t, fmt.Sprintf("[%d]", v), string(line))
	}
	l := &Layout{Kind: DEV, Columns: []Column{
		{Name: "Battery", Type: Int}, {Name: "Signal", Type: Float, Decimals: 6}, {Name: "AF3", Type: Int, Group: true}, {Name: "OVERALL", Type: Int, Group: true},
		{Name: "BatteryPercent", Type: Int},
	}}
	assert.Equal(t, `["Battery","Signal",["AF3","OVERALL"],"BatteryPercent"]`, string(l.AppendCols(nil)))
	x := &Sample{Values: []int64{3, 1e6, 4, 100, 80}}
	assert.Equal(t, `[3,1.0,[4,100],80]`, string(l.AppendSample(nil, x)))
	l.BareZero, l.Columns = true, l.Columns[:4]
	assert.Equal(t, `["Battery","Signal",["AF3","OVERALL"]]`, string(l.AppendCols(nil)))
	assert.Equal(t, `[3,1,[4,100]]`, string(l.AppendSample(nil, x)))

	l = &Layout{Columns: []Column{
		{Name: "a.isActive", Type: Bool}, {Name: "a", Type: Float, Decimals: 6}, {Name: "act", Type: Action, Names: []string{"neutral", "push"}},
		{Name: "MARKERS", Type: Markers},
	}}
	assert.Equal(t, `[false,null,"push",[]]`, string(l.AppendSample(nil, &Sample{Values: []int64{0, Null, 1, 0}})))
	assert.Equal(t, `[true,0.5,"neutral",[{"value":1}]]`, string(l.AppendSample(nil, &Sample{Values: []int64{1, 500000, 0, 0}, Markers: []byte(`{"value":1}`)})))
}

func TestSysSample(t *testing.T) {
	s := testSource(t, "EPOCX", func(c *SourceConfig) { c.ClockOffset = 250_000_000 })
	var x Sample
	require.True(t, s.SysSample(&x, testStart+1e9, "mentalCommand", "MC_Started"))
	assert.Equal(t, `sys ["mentalCommand","MC_Started"] 1700000001.25`, wire(s, &x))
	require.True(t, s.SysSample(&x, testStart+2e9, "facialExpression", "FE_Rejected"))
	assert.Equal(t, `sys ["facialExpression","FE_Rejected"] 1700000002.25`, wire(s, &x))
	assert.False(t, s.SysSample(&x, 0, "mentalCommand", "MC_NoEvent"))
	assert.False(t, s.SysSample(&x, 0, "Mental Command", "MC_Started"))
}

func TestParseKind(t *testing.T) {
	for k := range Kind(NumKinds) {
		parsed, ok := ParseKind(k.String())
		require.True(t, ok)
		if k == METLow {
			assert.Equal(t, MET, parsed)
		} else {
			assert.Equal(t, k, parsed)
		}
	}
	_, ok := ParseKind("EEG")
	assert.False(t, ok)
}
