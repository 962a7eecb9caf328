package api

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/fakecortex/fakecortex/emulator/rpc"
)

// elsewhere are methods that EMOTIV documents, or once did, and that the desktop
// service of today does not have.
func elsewhere() [][2]string {
	return [][2]string{
		{"login", "Cortex 1 and the mobile library: on the desktop EMOTIV Launcher logs in"},
		{"loginWithAuthenticationCode", "mobile library"},
		{"logout", "Cortex 1 and the mobile library"},
		{"acceptLicense", "Cortex 1 and the mobile library"},
		{"freeUpRecords", "mobile library"},
		{"mentalCommandActionLevel", "Cortex 1"},
	}
}

// tableCell is a text for a cell of a table.
func tableCell(s string) string {
	if s == "" {
		return "-"
	}
	return strings.ReplaceAll(s, "|", "\\|")
}

func parityPage(t *testing.T) string {
	world := DefaultWorld()
	world.VirtualHeadsetMethods = true
	registry := newBench(t, world).service.registry
	var page bytes.Buffer
	say := func(format string, args ...any) { fmt.Fprintf(&page, format+"\n", args...) }
	say("# What is simulated, method by method\n")
	say("Made from the tables that the service itself works with, by `go test ./emulator/api -run TestParityPage -update`; a test holds it")
	say("against them. Every method of this page is served, those for virtual headsets where world.virtualHeadsetMethods is on. What is")
	say("guessed, since no public source tells it, is said.\n")
	say("Besides the codes in the tables every method can answer -32602 for a value of a wrong type or kind and -32018 for a missing parameter,")
	say("a method with `cortexToken` -32014, -32015, -32033, -32034, -32102 and -32170 as well, in the order: required parameters, signature,")
	say("expiry, application, user, access right, values, objects, states. That order is a guess. **Bold** parameters are required.")
	chapter := ""
	for _, m := range registry.Methods() {
		if m.Chapter != chapter {
			chapter = m.Chapter
			say("\n## %s\n", chapter)
			say("| method | since | parameters | errors | warnings | guessed |")
			say("| --- | --- | --- | --- | --- | --- |")
		}
		say("| `%s`: %s | %s | %s | %s | %s | %s |", m.Name, tableCell(m.Doc), tableCell(m.Since), params(m), codes(m.Errors), codes(m.Warnings), tableCell(m.Guessed))
	}
	say("\n## Not served\n")
	say("| method | why |")
	say("| --- | --- |")
	for _, m := range elsewhere() {
		say("| `%s` | %s |", m[0], m[1])
		_, served := registry.Lookup(m[0])
		require.False(t, served, "%s is served", m[0])
	}
	for _, warnings := range []bool{false, true} {
		title := "Errors"
		if warnings {
			title = "Warnings"
		}
		say("\n## %s\n", title)
		say("A scenario replaces any text and code under `texts`.\n")
		say("| code | name | text | when | source |")
		say("| --- | --- | --- | --- | --- |")
		for _, row := range codeTable {
			if row.Warning == warnings {
				text, when := "`"+row.Text+"`", row.When
				if row.Guessed {
					text += " (guessed)"
				}
				if row.OldText != "" {
					text += "; before 2.6 `" + row.OldText + "`"
				}
				if row.Since != "" {
					when += " (since " + row.Since + ")"
				}
				if row.Unreachable != "" {
					when = "never: " + row.Unreachable
				}
				say("| %d | %s | %s | %s | %s |", row.Code, tableCell(row.Name), tableCell(text), tableCell(when), tableCell(row.Source))
			}
		}
	}
	say("\n## Versions\n")
	say("`--cortex-version`, `world.cortexVersion` and the Go library choose one from 2.0 on; a scenario overrides single behaviours under `compat`.")
	say("Methods and parameters that are newer than the version are not there.\n")
	say("| behaviour | what | in versions |")
	say("| --- | --- | --- |")
	rows := compatRows()
	for _, field := range compatFields(t) {
		if spans, ok := rows[field[0]]; ok {
			var in []string
			for _, s := range spans {
				switch {
				case s.from == "" && s.to == "":
					in = append(in, "all")
				case s.from == "":
					in = append(in, "before "+s.to)
				case s.to == "":
					in = append(in, "since "+s.from)
				default:
					in = append(in, s.from+" until "+s.to)
				}
			}
			say("| %s | %s | %s |", field[0], tableCell(field[1]), strings.Join(in, ", "))
		}
	}
	return page.String()
}

func params(m *rpc.Method[*Call]) string {
	var out []string
	for _, p := range m.Params {
		text := "`" + p.Name + "`"
		if p.Required {
			text = "**" + text + "**"
		}
		text += " " + p.Type.String()
		if len(p.Enum) > 0 {
			var quoted []string
			for _, e := range p.Enum {
				quoted = append(quoted, strconv.Quote(e))
			}
			text += ": " + strings.Join(quoted, ", ")
		}
		if p.Since != "" {
			text += " (since " + p.Since + ")"
		}
		if p.Doc != "" {
			text += " (" + strings.TrimSuffix(p.Doc, ".") + ")"
		}
		out = append(out, text)
	}
	return tableCell(strings.Join(out, "; "))
}

func codes(list []int) string {
	out := make([]string, len(list))
	for i, c := range list {
		out[i] = strconv.Itoa(c)
	}
	return tableCell(strings.Join(out, ", "))
}

// compatFields returns the fields of Compat with their comments.
func compatFields(t *testing.T) (out [][2]string) {
	file, err := parser.ParseFile(token.NewFileSet(), "compat.go", nil, parser.ParseComments)
	require.NoError(t, err)
	ast.Inspect(file, func(n ast.Node) bool {
		if spec, ok := n.(*ast.TypeSpec); ok && spec.Name.Name == "Compat" {
			for _, f := range spec.Type.(*ast.StructType).Fields.List {
				for _, name := range f.Names {
					out = append(out, [2]string{name.Name, strings.TrimSpace(f.Comment.Text())})
				}
			}
		}
		return true
	})
	require.NotEmpty(t, out)
	return out
}

// TestParityPage holds docs/parity.md against the service.
func TestParityPage(t *testing.T) {
	const file = "../../docs/parity.md"
	page := parityPage(t)
	if *update {
		require.NoError(t, os.WriteFile(file, []byte(page), 0o644))
	}
	have, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, strings.Split(page, "\n"), strings.Split(string(have), "\n"), "run go test ./emulator/api -run TestParityPage -update")
}

// TestMethodsAreDescribed: each method says what a page of documentation needs.
func TestMethodsAreDescribed(t *testing.T) {
	world := DefaultWorld()
	world.VirtualHeadsetMethods = true
	chapters := []string{}
	for _, m := range newBench(t, world).service.registry.Methods() {
		require.NotEmpty(t, m.Doc, m.Name)
		require.True(t, strings.HasSuffix(m.Doc, "."), "%s: %s", m.Name, m.Doc)
		require.NotEmpty(t, m.Chapter, m.Name)
		if i := slices.Index(chapters, m.Chapter); i >= 0 {
			require.Equal(t, len(chapters)-1, i, "%s: its chapter is in two places", m.Name)
		} else {
			chapters = append(chapters, m.Chapter)
		}
	}
}

// TestEveryDocumentedMethodIsServed: these are the methods that the contents of
// the Cortex API documentation list, chapter by chapter.
func TestEveryDocumentedMethodIsServed(t *testing.T) {
	registry := newBench(t, DefaultWorld()).service.registry
	for chapter, methods := range map[string]string{
		"Authentication":    "getCortexInfo getUserLogin requestAccess hasAccessRight authorize generateNewToken getUserInformation getLicenseInfo",
		"Headset":           "controlDevice queryHeadsets updateHeadset updateHeadsetCustomInfo syncWithHeadsetClock configMapping",
		"Sessions":          "createSession updateSession querySessions",
		"Data Subscription": "subscribe unsubscribe",
		"Records": "createRecord stopRecord updateRecord deleteRecord exportRecord queryRecords getRecordInfos configOptOut " +
			"requestToDownloadRecordData",
		"Markers":  "injectMarker updateMarker",
		"Subjects": "createSubject updateSubject deleteSubjects querySubjects getDemographicAttributes",
		"BCI":      "queryProfile getCurrentProfile setupProfile loadGuestProfile getDetectionInfo training",
		"Advanced BCI": "getTrainedSignatureActions getTrainingTime facialExpressionSignatureType facialExpressionThreshold " +
			"mentalCommandActiveAction mentalCommandBrainMap mentalCommandGetSkillRating mentalCommandTrainingThreshold mentalCommandActionSensitivity",
	} {
		for _, name := range strings.Fields(methods) {
			m, served := registry.Lookup(name)
			require.True(t, served, name)
			require.Equal(t, chapter, m.Chapter, name)
		}
	}
}
