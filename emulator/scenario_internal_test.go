package emulator

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/fakecortex/fakecortex/emulator/api"
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

// plainScenario has one of everything.
func plainScenario(t *testing.T) *scenarios.Scenario {
	s, err := scenarios.LoadBytes("plain.yaml", []byte(plainDocument), scenarios.Options{})
	require.NoError(t, err)
	// Something that is there can be changed.
	s.World.LoginOSUser = &scenarios.OSUser{}
	s.World.Licenses[0].Applications = []string{"a"}
	return s
}

// TestEveryFieldOfAWorldIsRead changes each field of a document and looks whether
// the service's world becomes another one; and each field of the service's world
// is one that some field of a document changes.
func TestEveryFieldOfAWorldIsRead(t *testing.T) {
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	plain := plainScenario(t)
	usual, err := worldOf(&plain.Document, start)
	require.NoError(t, err)
	var paths []string
	eachField(reflect.ValueOf(&plain.Document).Elem(), "", func(path string, _ reflect.Value) {
		if !slices.Contains(paths, path) {
			paths = append(paths, path)
		}
	})
	require.Greater(t, len(paths), 150, "the walk reaches the fields")
	before, changed := flat(usual), map[string]bool{}
	for _, path := range paths {
		read := slices.Contains(usedElsewhere(), path)
		// A boolean can be the usual value already, so both are tried.
		for variant := range 2 {
			doc := plainScenario(t)
			eachField(reflect.ValueOf(&doc.Document).Elem(), "", func(p string, v reflect.Value) {
				if p == path {
					change(t, path, v, variant)
				}
			})
			got, err := worldOf(&doc.Document, start)
			if err != nil {
				read = true
				continue
			}
			read = read || !reflect.DeepEqual(usual, got)
			after := flat(got)
			for name, v := range before {
				if was, ok := after[name]; !ok || !reflect.DeepEqual(was, v) {
					changed[name] = true
				}
			}
		}
		assert.True(t, read, "%s is not read", path)
	}
	for name := range before {
		assert.True(t, changed[name] || slices.Contains(notOfDocuments(), name), "World.%s: no field of a document changes it", name)
	}
}

// notOfDocuments are fields of the service's world that a document does not
// choose field by field.
func notOfDocuments() []string {
	return []string{
		"Seed", "RecordStorage.Dir", "RecordStorage.Memory", "RecordStorage.Shared", "ExportFolders.Root", "ExportFolders.Map", "Keeper", // options
		"NewApplication", // an application with clientId *
		// How a world stands later on.
		"Applications[].TokensExpired", "Licenses[].DebitDay", "Licenses[].DebitedToday",
		"Profiles[].Profile.Data.MentalCommand.Total", "Profiles[].Profile.Data.FacialExpression.Total",
	}
}

// flat lists the fields of a world by path; of lists it takes the first element.
func flat(world api.World) map[string]any {
	out := map[string]any{}
	var walk func(path string, v reflect.Value)
	walk = func(path string, v reflect.Value) {
		switch {
		case v.Kind() == reflect.Pointer && !v.IsNil() && v.Type().Elem().Kind() == reflect.Struct && v.Type() != reflect.TypeFor[*time.Location]():
			walk(path, v.Elem())
		case v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Struct && v.Len() > 0:
			walk(path+"[]", v.Index(0))
		case v.Kind() == reflect.Struct && v.Type() != reflect.TypeFor[time.Time]():
			for i := range v.NumField() {
				if f := v.Type().Field(i); f.IsExported() {
					walk(strings.TrimPrefix(path+"."+f.Name, "."), v.Field(i))
				}
			}
		default:
			out[path] = v.Interface()
		}
	}
	walk("", reflect.ValueOf(world))
	return out
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
			"world.licenses.optOut":          {"on", "off"},
			"world.rules.mute.stream":        {"dev", "mot"},
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

// plainDocument has one of everything, with as little set as there can be.
const plainDocument = `
world:
  users: [{username: u}]
  applications: [{clientId: c}]
  licenses: [{id: l}]
  headsets: [{id: EPOCX-00000001, settings: {}}]
  profiles: [{name: p, brainMap: [{action: push}]}]
  subjects: [{subjectName: s, attributes: [{name: a, value: b}]}]
  records: [{title: r, markers: [{at: 1s, value: x, label: l}]}]
  flexMappings: [{name: m, mappings: {CMS: TP8, DRL: P6}}]
  rules: {mute: [eeg]}
texts: {errors: {-32000: {}}, warnings: {0: {}}}
`

// eachField calls fn for each field of a document's world, compat and texts,
// with its path; elements of lists have no number in it. Lists and objects of
// plain values are one field.
func eachField(v reflect.Value, path string, fn func(path string, v reflect.Value)) {
	switch v.Kind() {
	case reflect.Struct:
		if v.Type().PkgPath() != reflect.TypeFor[scenarios.Document]().PkgPath() || v.Type() == reflect.TypeFor[scenarios.Instant]() ||
			v.Type() == reflect.TypeFor[scenarios.Zone]() || v.Type() == reflect.TypeFor[scenarios.SignalPatch]() {
			break
		}
		for i := range v.NumField() {
			name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
			if path == "" && name != "world" && name != "compat" && name != "texts" {
				continue
			}
			eachField(v.Field(i), strings.TrimPrefix(path+"."+name, "."), fn)
		}
		return
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Struct {
			for i := range v.Len() {
				eachField(v.Index(i), path, fn)
			}
			return
		}
	case reflect.Map:
		if v.Type().Elem().Kind() == reflect.Struct {
			for _, k := range v.MapKeys() {
				element := reflect.New(v.Type().Elem()).Elem() // one that fn can change
				element.Set(v.MapIndex(k))
				eachField(element, path, fn)
				v.SetMapIndex(k, element)
			}
			return
		}
	case reflect.Pointer:
		if v.Type().Elem().Kind() == reflect.Struct && v.Type().Elem() != reflect.TypeFor[scenarios.Instant]() && !v.IsNil() {
			eachField(v.Elem(), path, fn)
			return
		}
	}
	fn(path, v)
}
