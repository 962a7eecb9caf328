package streams

import "slices"

// The actions of the detections, in the order of getDetectionInfo. They are the
// Names of the columns of com and fac.
var (
	mentalActions = []string{
		"neutral", "push", "pull", "lift", "drop", "left", "right", "rotateLeft", "rotateRight", "rotateClockwise", "rotateCounterClockwise",
		"rotateForwards", "rotateReverse", "disappear",
	}
	eyeActions   = []string{"neutral", "blink", "winkL", "winkR", "lookL", "lookR", "lookU", "lookD"}
	upperActions = []string{"neutral", "surprise", "frown"}
	lowerActions = []string{"neutral", "smile", "clench", "laugh", "smirkLeft", "smirkRight"}

	sysDetections = []string{"mentalCommand", "facialExpression"}
	sysEvents     = []string{
		"MC_Started", "MC_Succeeded", "MC_Failed", "MC_Completed", "MC_DataErased", "MC_Rejected", "MC_Reset", "MC_AutoSamplingNeutralCompleted",
		"MC_SignatureUpdated",
		"FE_Started", "FE_Succeeded", "FE_Failed", "FE_Completed", "FE_DataErased", "FE_Rejected", "FE_Reset",
	}
	bands = [...]string{"theta", "alpha", "betaL", "betaH", "gamma"}
)

// MentalActions returns the mental commands as getDetectionInfo lists them.
func MentalActions() []string { return slices.Clone(mentalActions) }

// FacialActions returns the facial expressions as getDetectionInfo lists them.
func FacialActions() []string {
	return []string{
		"neutral", "blink", "winkL", "winkR", "horiEye", "surprise", "frown", "smile", "clench", "laugh", "smirkLeft", "smirkRight",
	}
}

// TrainableExpressions returns those that can be trained: not the actions of the
// eyes, nor laugh and the smirks.
func TrainableExpressions() []string {
	return []string{"neutral", "surprise", "frown", "smile", "clench"}
}

// SysEvents returns the events of sys.
func SysEvents() []string { return slices.Clone(sysEvents) }

// SysSample fills s with a sys sample: the detection ("mentalCommand" or
// "facialExpression") and the event ("MC_Started"). It reports false for a word
// that Cortex does not use. due is the instant on the host's clock.
func (s *Source) SysSample(dst *Sample, due int64, detection, event string) bool {
	d, e := slices.Index(sysDetections, detection), slices.Index(sysEvents, event)
	if d < 0 || e < 0 {
		return false
	}
	*dst = Sample{Kind: SYS, Due: due, Stamp: s.stamp(due), Values: append(dst.Values[:0], int64(d), int64(e))}
	return true
}

// layouts builds the columns of every stream of one headset (Data sample object
// page). A stream that the headset does not have stays nil.
func layouts(m *Model, sensors, motion []string, d Dialect) (out [NumKinds]*Layout) {
	add := func(kind Kind, columns ...Column) {
		out[kind] = &Layout{Kind: kind, Columns: columns, BareZero: d.BareZero}
	}
	integer := func(name string) Column { return Column{Name: name, Type: Int} }
	float := func(name string, decimals uint8) Column { return Column{Name: name, Type: Float, Decimals: decimals} }
	action := func(name string, names []string) Column { return Column{Name: name, Type: Action, Names: names} }

	eeg := []Column{integer("COUNTER"), integer("INTERPOLATED")}
	for _, sensor := range sensors {
		eeg = append(eeg, float(sensor, 3))
	}
	if m.Flex && d.FlexHighBit {
		eeg = append(eeg, float("HighBitFlex", 3))
	}
	if m.Flex && d.FlexFlag {
		eeg = append(eeg, integer("SaturationFlag"))
	}
	eeg = append(eeg, float("RAW_CQ", 3), integer("MARKER_HARDWARE"))
	if !d.NoMarkers {
		eeg = append(eeg, Column{Name: "MARKERS", Type: Markers})
	}
	add(EEG, eeg...)

	if len(motion) > 0 {
		gyro := motion[0] == "GYROX"
		mot := []Column{integer("COUNTER_MEMS"), integer("INTERPOLATED_MEMS")}
		for _, name := range motion {
			if gyro {
				mot = append(mot, integer(name))
			} else {
				mot = append(mot, float(name, 6))
			}
		}
		add(MOT, mot...)
	}

	dev := []Column{integer("Battery"), float("Signal", 6)}
	for _, sensor := range sensors {
		dev = append(dev, Column{Name: sensor, Type: Int, Group: true})
	}
	if !d.DevNoOverall {
		dev = append(dev, Column{Name: "OVERALL", Type: Int, Group: true})
	}
	battery := []Column{integer("BatteryPercent")}
	eq := []Column{integer("batteryPercent")}
	if m.TwoBatteries {
		battery = []Column{integer("batteryLeftPercent"), integer("batteryRightPercent")}
		eq = battery
	}
	if !d.DevNoPercent {
		dev = append(dev, battery...)
	}
	add(DEV, dev...)

	if !d.NoEQ {
		eq = append(slices.Clone(eq), integer("overall"), float("sampleRateQuality", 6))
		for _, sensor := range sensors {
			eq = append(eq, integer(sensor))
		}
		add(EQ, eq...)
	}

	pow := make([]Column, 0, len(sensors)*len(bands))
	for _, sensor := range sensors {
		for _, band := range bands {
			pow = append(pow, float(sensor+"/"+band, 3))
		}
	}
	add(POW, pow...)

	if m.detects(sensors) {
		if m.Met {
			var met []Column
			for _, c := range metColumns(m, d) {
				if c.flag {
					met = append(met, Column{Name: c.name, Type: Bool})
				} else {
					met = append(met, float(c.name, d.MetDecimals))
				}
			}
			add(MET, met...)
			add(METLow, met...)
		}
		if m.Com {
			add(COM, action("act", mentalActions), float("pow", 6))
		}
		if m.Fac {
			add(FAC, action("eyeAct", eyeActions), action("uAct", upperActions), float("uPow", 6), action("lAct", lowerActions), float("lPow", 6))
		}
	}
	add(SYS, action("event", sysDetections), action("msg", sysEvents))
	return out
}

// metric numbers the performance metrics.
type metric uint8

const (
	attention metric = iota
	engagement
	excitement
	longExcitement
	stress
	relaxation
	interest
	focus
	cognitiveStress
	numMetrics
)

type metColumn struct {
	name   string
	metric metric
	flag   bool
}

func metColumns(m *Model, d Dialect) []metColumn {
	short := [numMetrics]string{"attention", "eng", "exc", "lex", "str", "rel", "int", "foc", "cognitiveStress"}
	order := []metric{attention, engagement, excitement, longExcitement, stress, relaxation, interest}
	switch {
	case m.MetCognitive:
		order = []metric{attention, cognitiveStress}
	case d.Met == MetAttentionLast:
		order = []metric{engagement, excitement, longExcitement, stress, relaxation, interest, attention}
	case d.Met == MetFocus || d.Met == MetNoFlags:
		order = []metric{engagement, excitement, longExcitement, stress, relaxation, interest, focus}
	}
	var columns []metColumn
	for _, x := range order {
		if x != longExcitement && (d.Met != MetNoFlags || m.MetCognitive) { // lex has no flag
			columns = append(columns, metColumn{short[x] + ".isActive", x, true})
		}
		columns = append(columns, metColumn{short[x], x, false})
	}
	return columns
}
