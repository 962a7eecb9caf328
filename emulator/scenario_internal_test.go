package emulator

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/fakecortex/fakecortex/scenarios"
)

// usedElsewhere are fields that plan, listen and arrivals read, not worldOf.
func usedElsewhere() []string {
	return []string{
		"world.timings.connectTimeout", // with the outcome timeout only
		"world.headsets.arrival.delay", "world.headsets.arrival.jitter", "world.headsets.arrival.burst",
		"world.clock", "world.startTime", "world.seed", "world.limits.outbox", "world.limits.message", "world.limits.connections",
	}
}

// TestEveryFieldOfAWorldIsReadOrListed changes each field of a document and
// looks whether the service's world becomes another one. What does not is in the
// list of which users are warned, and nothing else is.
func TestEveryFieldOfAWorldIsReadOrListed(t *testing.T) {
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	load := func() *scenarios.Scenario {
		s, err := scenarios.LoadBytes("plain.yaml", []byte(plainDocument), scenarios.Options{})
		require.NoError(t, err)
		// Something that is there can be changed.
		s.World.LoginOSUser = &scenarios.OSUser{}
		s.World.Licenses[0].Applications = []string{"a"}
		return s
	}
	plain := load()
	usual, err := worldOf(&plain.Document, start)
	require.NoError(t, err)
	var paths, unread []string
	eachField(reflect.ValueOf(&plain.Document).Elem(), "", func(path string, _ reflect.Value) {
		if !slices.Contains(paths, path) {
			paths = append(paths, path)
		}
	})
	require.Greater(t, len(paths), 150, "the walk reaches the fields")
	for _, path := range paths {
		if slices.Contains(usedElsewhere(), path) {
			continue
		}
		read := false
		// A boolean can be the usual value already, so both are tried.
		for variant := range 2 {
			doc := load()
			eachField(reflect.ValueOf(&doc.Document).Elem(), "", func(p string, v reflect.Value) {
				if p == path {
					change(t, path, v, variant)
				}
			})
			got, err := worldOf(&doc.Document, start)
			read = read || err != nil || !reflect.DeepEqual(usual, got)
		}
		if !read {
			unread = append(unread, path)
		}
	}
	for _, path := range unread {
		assert.True(t, slices.ContainsFunc(unsimulated(), func(field string) bool { return below(path, field) }), "%s is not read, and users are not told", path)
	}
	for _, field := range unsimulated() {
		covered := 0
		for _, path := range paths {
			if below(path, field) {
				covered++
				assert.True(t, slices.Contains(unread, path), "%s is listed as not simulated, and is read", path)
			}
		}
		assert.Positive(t, covered, "%s is no field", field)
	}
}

// change gives a field another value.
func change(t *testing.T, path string, v reflect.Value, variant int) {
	t.Helper()
	require.True(t, v.CanSet(), path)
	switch x := v.Addr().Interface().(type) {
	case *scenarios.Instant:
		*x = scenarios.Instant{T: time.Date(2031, 1, 1, 0, 0, 0, 0, time.UTC)}
		return
	case **scenarios.Instant:
		*x = &scenarios.Instant{T: time.Date(2031, 1, 1, 0, 0, 0, 0, time.UTC)}
		return
	case *scenarios.Zone:
		*x = scenarios.Zone{Name: "x", Location: time.FixedZone("x", 3600)}
		return
	case *scenarios.SignalPatch:
		s, err := scenarios.LoadBytes("x.yaml", []byte("world: {headsets: [{id: EPOCX-1, signal: {eyes: closed}}]}"), scenarios.Options{})
		require.NoError(t, err)
		*x = s.World.Headsets[0].Signal
		return
	case *scenarios.JSON:
		*x = scenarios.JSON(`"other"`)
		return
	}
	switch v.Kind() {
	case reflect.String:
		words, ok := map[string][]string{
			"world.cortexVersion":            {"2.0.0", "3.0.0"},
			"world.discovery.mode":           {"auto", "strict"},
			"world.applications.status":      {"pending", "declined"},
			"world.headsets.status":          {"off", "on"},
			"world.headsets.connect.outcome": {"stuck", "timeout"},
			"world.cloud.status":             {"offline", "failing"},
			"world.headsets.settings.mode":   {"EPOC", "EPOCPLUS"},
			"world.headsets.connectedBy":     {"usb cable", "dongle"},
			"world.headsets.model":           {"EPOC", "INSIGHT"},
			"world.rules.trainingResult":     {"fail", "alternate"},
			"world.rules.doubleSubscribe":    {"twice", "failure"},
			"world.rules.unknownStream":      {"invalidParams", "failure"},
			"world.rules.unknownParameter":   {"invalidParams", "ignore"},
			"world.rules.debitTooLarge":      {"ignore", "error"},
			"world.rules.flexWithoutMapping": {"error", "ok"},
			"world.rules.trainingWithoutSys": {"error", "silent"},
			"world.disk":                     {"low", "critical"},
			"world.service":                  {"starting", "zombie"},
			"world.applications.optOut":      {"on", "lockedOn"},
			"compat.exportGate":              {"warning18", "warning30"},
		}[path]
		if !ok {
			words = []string{"one", "two"}
		}
		v.SetString(words[variant])
	case reflect.Bool:
		v.SetBool(variant == 0)
	case reflect.Int, reflect.Int64:
		v.SetInt(v.Int() + 7)
	case reflect.Uint64:
		v.SetUint(v.Uint() + 7)
	case reflect.Float64:
		v.SetFloat(v.Float() + 0.5)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		change(t, path, v.Elem(), variant)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		if v.Index(0).Kind() == reflect.String {
			v.Index(0).SetString("x")
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(reflect.ValueOf("x").Convert(v.Type().Key()), reflect.New(v.Type().Elem()).Elem())
	default:
		t.Fatalf("%s is a %s", path, v.Kind())
	}
}
