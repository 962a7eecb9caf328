package api

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/fakecortex/fakecortex/streams"
)

// DefaultVersion is the Cortex version that a world simulates unless it names one.
const DefaultVersion = "4.8.32"

// Compat names every difference between Cortex versions that this package
// knows. It is chosen once by the world's Cortex version.
type Compat struct {
	Version string

	BuiDateTypo         bool // 2.0: getCortexInfo spelled buidDate (cortex-example #25)
	OldAccessText       bool // 2.0: another message of requestAccess (cortex-example #25)
	ErrorData           bool // since 2.6: errors carry data.behavior (a log of 2.7; when it came is a guess)
	OldTexts            bool // before 2.6: texts of 2019
	LastLoginTime       bool // since 2.3
	CustomName          bool // since 2.2 logs: headset objects carry customName
	SessionCustomName   bool // the headset of a session carries it too: documented, absent in logs of 2.6 to 3.x
	HeadbandPosition    bool // since 2.4
	VirtualFields       bool // since 2.6: isVirtual, isDfuMode, virtualHeadsetId
	DFUFields           bool // since 3.0: dfuTypes, firmwareDisplay
	PerformanceMetrics  bool // since 2.6: sessions carry performanceMetrics
	AttentionMetric     bool // since 3.0: attention replaces foc
	AppDrivenScan       bool // since 3.7: nothing is found before controlDevice refresh
	Warning0OnClose     bool // newest documentation: updateSession close sends warning 0 too
	Warning0IsText      bool // before 2.2: the message of warning 0 is a text (cortex-example #36)
	HeadsetWarningFirst bool // 103 stands before 0 and 1 (cortex-example #203); the order is inferred
	MetIsActive         bool // since 2.2.1
	RecordLocalOnly     bool // since 2.2.1
	RecordExperimentID  bool // since 2.2.1
	OrderByApplication  bool // since 2.5: queryRecords orders by applicationId
	RecordSubject       bool // since 3.0: absent in logs of 2019 and 2020
	PlusFormats         bool // since 3.7.5: EDFPLUS and BDFPLUS
	Warning30           bool // since 4.0: warning 30 tells of a record that is ready, 18 before
	ExportGate          Gate // what exportRecord waits for
	AsyncUpdateHeadset  bool // since 2.4: the answer to updateHeadset is not its result
	ConfigMapping       bool // since 4.7: configMapping exists (2025; the version is a guess)
	ProfileRequired     bool // 2.0: Advanced BCI methods require profile even with session, "" will do
	ProfileChannels     bool // since 3.6.5: profiles are of one kind of headset, queryProfile shows readOnly and eegChannels
	Dialect             streams.Dialect
}

// Gate is what a record must have waited for before exportRecord takes it.
type Gate string

// The gates, as three ages of the exportRecord page tell them.
const (
	GateDisconnect Gate = "disconnect" // its headset is disconnected
	GateWarning18  Gate = "warning18"
	GateWarning30  Gate = "warning30"
)

// NewCompat returns the behaviour of a Cortex version such as "4.8.32" or "2.7".
func NewCompat(version string) (Compat, error) {
	v, err := parseVersion(version)
	if err != nil {
		return Compat{}, err
	}
	since := func(major, minor, patch int) bool { return slices.Compare(v[:], []int{major, minor, patch}) >= 0 }
	gate := GateDisconnect
	if since(2, 7, 0) {
		gate = GateWarning18
	}
	if since(4, 0, 0) {
		gate = GateWarning30
	}
	return Compat{
		Version:             version,
		BuiDateTypo:         !since(2, 1, 0),
		OldAccessText:       !since(2, 1, 0),
		ErrorData:           since(2, 6, 0),
		OldTexts:            !since(2, 6, 0),
		LastLoginTime:       since(2, 3, 0),
		CustomName:          true,
		SessionCustomName:   !since(2, 6, 0) || since(4, 0, 0),
		HeadbandPosition:    since(2, 4, 0),
		VirtualFields:       since(2, 6, 0),
		DFUFields:           since(3, 0, 0),
		PerformanceMetrics:  since(2, 6, 0),
		AttentionMetric:     since(3, 0, 0),
		AppDrivenScan:       since(3, 7, 0),
		Warning0OnClose:     since(4, 0, 0),
		Warning0IsText:      !since(2, 2, 0),
		HeadsetWarningFirst: true,
		MetIsActive:         since(2, 2, 1),
		AsyncUpdateHeadset:  since(2, 4, 0),
		ConfigMapping:       since(4, 7, 0),
		ProfileRequired:     !since(2, 1, 0),
		ProfileChannels:     since(3, 6, 5),
		RecordLocalOnly:     since(2, 2, 1),
		RecordExperimentID:  since(2, 2, 1),
		OrderByApplication:  since(2, 5, 0),
		RecordSubject:       since(3, 0, 0),
		PlusFormats:         since(3, 7, 5),
		Warning30:           since(4, 0, 0),
		ExportGate:          gate,
		Dialect:             streams.DialectFor(v[0], v[1], v[2]),
	}, nil
}

// dialect is the dialect of the streams with the metrics that the fields of
// Compat say, which a world may have changed.
func (c *Compat) dialect() streams.Dialect {
	d := c.Dialect
	attention := d.Met == streams.MetAttentionFirst || d.Met == streams.MetAttentionLast
	switch {
	case !c.MetIsActive:
		d.Met = streams.MetNoFlags
	case !c.AttentionMetric && attention, d.Met == streams.MetNoFlags && !c.AttentionMetric:
		d.Met = streams.MetFocus
	case c.AttentionMetric && !attention:
		d.Met = streams.MetAttentionFirst
	}
	return d
}

// since reports whether this Cortex has what came with a version such as 2.4; an
// empty version has always been there.
func (c *Compat) since(version string) bool {
	if version == "" {
		return true
	}
	v, err := parseVersion(c.Version)
	if err != nil {
		return true
	}
	w, err := parseVersion(version)
	return err == nil && slices.Compare(v[:], w[:]) >= 0
}

func parseVersion(s string) (v [3]int, err error) {
	parts := strings.Split(s, ".")
	if len(parts) < 2 || len(parts) > 3 {
		return v, fmt.Errorf("cortexVersion %q: want a version such as %s", s, DefaultVersion)
	}
	for i, p := range parts {
		n, err := strconv.Atoi(p)
		if err != nil || n < 0 {
			return v, fmt.Errorf("cortexVersion %q: want a version such as %s", s, DefaultVersion)
		}
		v[i] = n
	}
	if v[0] < 2 {
		return v, fmt.Errorf("cortexVersion %q: Cortex 1 is not simulated, the oldest is 2.0", s)
	}
	return v, nil
}
