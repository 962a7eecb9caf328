package scenarios

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// wanted is a JSON value to compare with: an object matches one that has more
// members, a list matches one that holds its elements in any order, "*" matches
// anything that is there, and everything else has to be equal.
type wanted struct {
	value any
	set   bool
}

func want(raw JSON) wanted {
	if len(raw) == 0 {
		return wanted{}
	}
	v, err := parseJSON(raw)
	return wanted{v, err == nil}
}

func parseJSON(raw []byte) (any, error) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var v any
	err := dec.Decode(&v)
	return v, err
}

// differs returns what is wrong with raw, "" when it matches.
func (w wanted) differs(raw []byte, name string) string {
	if !w.set {
		return ""
	}
	if len(raw) == 0 {
		raw = []byte("{}") // params may be left out
	}
	got, err := parseJSON(raw)
	if err != nil {
		return name + " is not JSON"
	}
	return difference(w.value, got, name)
}

func difference(want, got any, path string) string {
	switch w := want.(type) {
	case map[string]any:
		g, ok := got.(map[string]any)
		if !ok {
			break
		}
		for _, k := range slices.Sorted(maps.Keys(w)) {
			v, ok := g[k]
			if !ok {
				return fmt.Sprintf("%s.%s is absent, want %s", path, k, short(w[k]))
			}
			if d := difference(w[k], v, path+"."+k); d != "" {
				return d
			}
		}
		return ""
	case []any:
		g, ok := got.([]any)
		if !ok {
			break
		}
		for _, x := range w {
			if !slices.ContainsFunc(g, func(y any) bool { return difference(x, y, "") == "" }) {
				return fmt.Sprintf("%s is %s without %s", path, short(got), short(x))
			}
		}
		return ""
	case json.Number:
		if g, ok := got.(json.Number); ok {
			a, errA := w.Float64()
			b, errB := g.Float64()
			if errA == nil && errB == nil && a == b {
				return ""
			}
		}
	default:
		if want == "*" || want == got {
			return ""
		}
	}
	return fmt.Sprintf("%s is %s, want %s", path, short(got), short(want))
}

func short(v any) string {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if enc.Encode(v) != nil {
		return fmt.Sprint(v)
	}
	return cut(string(bytes.TrimSpace(out.Bytes())))
}

func cut(s string) string {
	if len(s) > 100 {
		return s[:97] + "..."
	}
	return s
}
