package main

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/fakecortex/fakecortex/scenarios"
)

// passed reports whether nothing is wrong with the client.
func (o *outcome) passed() bool {
	return o.verdict.Passed && len(o.verdict.Failures) == 0 && !slices.ContainsFunc(o.verdict.Findings, o.counts)
}

// failed reports whether the command failed or something is wrong with the client.
func (o *outcome) failed() bool { return o.code != 0 || !o.passed() }

// met says how many of the expectations were met.
func (o *outcome) met() string {
	n := len(o.verdict.Expectations)
	return fmt.Sprintf("%d of %d met", n-len(o.missed()), n)
}

// counts reports whether a finding of the linter is a failure.
func (o *outcome) counts(f scenarios.Finding) bool {
	order := []string{string(scenarios.Hint), string(scenarios.Suspicious), string(scenarios.Mistake)}
	least := slices.Index(order, o.failOn)
	return least >= 0 && slices.Index(order, string(f.Severity)) >= least
}

// missed are the expectations that were not met.
func (o *outcome) missed() []scenarios.Outcome {
	return slices.DeleteFunc(slices.Clone(o.verdict.Expectations), func(x scenarios.Outcome) bool { return x.Passed })
}

// elapsed is a virtual instant as time since the start.
func (o *outcome) elapsed(at int64) string {
	return time.Duration(at - o.start.UnixNano()).Round(time.Millisecond).String()
}

// summary is what a user reads behind the output of the command.
func (o *outcome) summary() string {
	var b strings.Builder
	missed := o.missed()
	fmt.Fprintf(&b, "fakecortex: %s: %s", o.scenario.Name, o.ended)
	switch n := len(o.verdict.Expectations); {
	case n == 0:
	case len(missed) == 0:
		fmt.Fprintf(&b, ", %s met", count(n, "expectation"))
	default:
		fmt.Fprintf(&b, ", %d of %s not met", len(missed), count(n, "expectation"))
	}
	if n := len(o.verdict.Findings); n > 0 {
		fmt.Fprintf(&b, ", %s of the linter", count(n, "finding"))
	}
	fmt.Fprintf(&b, " (seed %d)\n", o.seed)
	if o.clients == 0 {
		b.WriteString("  no client has connected: the command should use $FAKECORTEX_URL and trust the CA in $FAKECORTEX_CA\n")
	}
	for _, x := range missed {
		fmt.Fprintf(&b, "  not met: the client %s\n    %s\n", x.Name, x.Message)
	}
	for _, f := range o.verdict.Failures {
		fmt.Fprintf(&b, "  could not be done: %s\n", f)
	}
	for _, f := range o.verdict.Findings {
		if f.Severity == scenarios.Mistake || o.counts(f) {
			fmt.Fprintf(&b, "  %s: %s (%s)\n    %s\n    %s\n", f.Severity, f.Text, f.Page, f.Advice, f.Link)
		}
	}
	return b.String()
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return strconv.Itoa(n) + " " + what + "s"
}

// matrixTable sums several runs up.
func matrixTable(outcomes []outcome) string {
	var b bytes.Buffer
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "\nscenario\tcommand\texpectations\tlinter\t")
	for i := range outcomes {
		o := &outcomes[i]
		mark := ""
		if o.failed() {
			mark = "FAILED"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", o.scenario.Name, o.ended, o.met(), count(len(o.verdict.Findings), "finding"), mark)
	}
	_ = w.Flush() // into memory
	return b.String()
}

// report is the whole story in Markdown.
func report(outcomes []outcome) []byte {
	var b bytes.Buffer
	if len(outcomes) > 1 {
		b.WriteString("# fakecortex\n\n| scenario | command | expectations | linter | |\n| --- | --- | --- | --- | --- |\n")
		for i := range outcomes {
			o := &outcomes[i]
			mark := "passed"
			if o.failed() {
				mark = "**failed**"
			}
			fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", o.scenario.Name, o.ended, o.met(), count(len(o.verdict.Findings), "finding"), mark)
		}
		b.WriteByte('\n')
	}
	for i := range outcomes {
		outcomes[i].report(&b)
	}
	return b.Bytes()
}

func (o *outcome) report(b *bytes.Buffer) {
	fmt.Fprintf(b, "# %s\n\n", o.scenario.Name)
	if o.scenario.Title != "" {
		fmt.Fprintf(b, "%s.\n\n", strings.TrimSuffix(o.scenario.Title, "."))
	}
	if o.scenario.GoodClient != "" {
		fmt.Fprintf(b, "A good client: %s\n\n", o.scenario.GoodClient)
	}
	fmt.Fprintf(b, "- command: `%s`\n- it ended: %s, after %s\n- connections: %d\n- virtual time: %s, clock %s, seed %d\n", strings.Join(o.command, " "), o.ended,
		o.took.Round(time.Millisecond), o.clients, o.virtual.Round(time.Millisecond), o.clock, o.seed)
	if len(o.verdict.Expectations) > 0 {
		b.WriteString("\n## Expectations\n\n")
	}
	for _, x := range o.verdict.Expectations {
		if x.Passed {
			fmt.Fprintf(b, "- met: the client %s\n", x.Name)
			continue
		}
		fmt.Fprintf(b, "- **not met**: the client %s\n  - %s\n", x.Name, x.Message)
		if x.Why != "" {
			fmt.Fprintf(b, "  - why: %s\n", x.Why)
		}
	}
	if len(o.verdict.Findings) > 0 {
		b.WriteString("\n## Linter\n\n")
	}
	for _, f := range o.verdict.Findings {
		where := ""
		if f.Conn != 0 {
			where = fmt.Sprintf(" on connection %d", f.Conn)
		}
		fmt.Fprintf(b, "- %s, `%s`: %s\n  - %s\n  - page [%s](%s); %s, first at %s%s\n", f.Severity, f.Rule, f.Text, f.Advice, f.Page, f.Link,
			count(f.Count, "time"), o.elapsed(f.At), where)
	}
	if len(o.verdict.Failures) > 0 {
		b.WriteString("\n## Could not be done\n\n")
	}
	for _, f := range o.verdict.Failures {
		fmt.Fprintf(b, "- %s\n", f)
	}
	b.WriteByte('\n')
}

// The JUnit format, as most readers of it understand it.
type (
	junitSuites struct {
		XMLName  xml.Name     `xml:"testsuites"`
		Tests    int          `xml:"tests,attr"`
		Failures int          `xml:"failures,attr"`
		Time     string       `xml:"time,attr"`
		Suites   []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name       string          `xml:"name,attr"`
		Tests      int             `xml:"tests,attr"`
		Failures   int             `xml:"failures,attr"`
		Time       string          `xml:"time,attr"`
		Properties []junitProperty `xml:"properties>property"`
		Cases      []junitCase     `xml:"testcase"`
		Out        string          `xml:"system-out,omitempty"`
	}
	junitProperty struct {
		Name  string `xml:"name,attr"`
		Value string `xml:"value,attr"`
	}
	junitCase struct {
		Class   string        `xml:"classname,attr"`
		Name    string        `xml:"name,attr"`
		Time    string        `xml:"time,attr"`
		Failure *junitFailure `xml:"failure,omitempty"`
	}
	junitFailure struct {
		Message string `xml:"message,attr"`
		Text    string `xml:",chardata"`
	}
)

// junit returns the results as JUnit XML: a suite for each scenario, in it a case
// for the command, one for each expectation, and one for each finding that
// counts.
func junit(outcomes []outcome) ([]byte, error) {
	seconds := func(d time.Duration) string { return strconv.FormatFloat(d.Seconds(), 'f', 3, 64) }
	var all junitSuites
	var took time.Duration
	for i := range outcomes {
		o := &outcomes[i]
		class := "fakecortex." + o.scenario.Name
		suite := junitSuite{Name: o.scenario.Name, Time: seconds(o.took), Properties: []junitProperty{
			{"seed", strconv.FormatUint(o.seed, 10)}, {"clock", o.clock}, {"virtualTime", o.virtual.String()},
		}}
		add := func(name, failure, text string) {
			test := junitCase{Class: class, Name: name, Time: "0"}
			if failure != "" {
				test.Failure = &junitFailure{Message: failure, Text: text}
				suite.Failures++
			}
			suite.Cases = append(suite.Cases, test)
		}
		failure := ""
		if o.code != 0 {
			failure = o.ended
		}
		add("command: "+strings.Join(o.command, " "), failure, "")
		suite.Cases[0].Time = suite.Time
		for _, x := range o.verdict.Expectations {
			add("the client "+x.Name, x.Message, x.Why)
		}
		for _, f := range o.verdict.Failures {
			add("the timeline", f, "")
		}
		for _, f := range o.verdict.Findings {
			if o.counts(f) {
				add("linter: "+f.Rule, f.Text, f.Advice+" See "+f.Link)
			} else {
				suite.Out += fmt.Sprintf("%s: %s See %s\n", f.Severity, f.Text, f.Link)
			}
		}
		suite.Tests = len(suite.Cases)
		all.Suites = append(all.Suites, suite)
		all.Tests += suite.Tests
		all.Failures += suite.Failures
		took += o.took
	}
	all.Time = seconds(took)
	text, err := xml.MarshalIndent(all, "", "  ")
	if err != nil {
		return nil, err
	}
	return append([]byte(xml.Header), append(text, '\n')...), nil
}
