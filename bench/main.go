package main

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"strings"
	"time"
)

// plan is how much is measured.
type plan struct {
	frames  int           // of the run at full speed
	repeats int           // of that run, and of the start
	clients []int         // on the real clock
	lasting time.Duration // of each of those
	idle    int           // clients that do nothing
}

var (
	whole = plan{frames: 400_000, repeats: 5, clients: []int{1, 100, 400}, lasting: 10 * time.Second, idle: 2000}
	short = plan{frames: 8_000, repeats: 1, clients: []int{1, 4}, lasting: time.Second, idle: 20}
)

func main() {
	if len(os.Args) > 1 && os.Args[1] == bareCommand {
		exit(serveBare(os.Args[2:]))
	}
	b := bench{plan: whole}
	quick := flag.Bool("short", false, "a run of seconds, to see that everything runs")
	flag.StringVar(&b.binary, "fakecortex", "", "the built command (required)")
	flag.StringVar(&b.python, "python", "", "a Python that has websockets; empty leaves it out")
	flag.StringVar(&b.node, "node", "", "a folder whose node_modules have ws, with baseline.js; empty leaves it out")
	flag.IntVar(&b.eeg, "eeg", 256, "the rate of the eeg, 256 or 128 Hz")
	crowd := flag.Bool("crowd", false, "measures only clients on the real clock")
	flag.StringVar(&b.script, "script", "bench/baseline.py", "the Python server")
	flag.Parse()
	if *quick {
		b.plan = short
	}
	if b.binary == "" {
		exit(fmt.Errorf("--fakecortex is missing: the path of the built command"))
	}
	if b.eeg != 256 && b.eeg != 128 {
		exit(fmt.Errorf("--eeg %d: an EPOC X has 256 or 128", b.eeg))
	}
	exit(b.run(*crowd))
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// bench is one run.
type bench struct {
	plan
	binary, python, node, script string
	eeg                          int
	dir, world                   string
	pki                          pki
	rows                         []row
}

// row is one line of the table: the figure of each contestant, ours first.
type row struct {
	what   string
	values [4]float64 // NaN: not measured
	format string
}

// The contestants, in the order of the table.
const (
	ours = iota
	bare
	python
	node
)

var names = [4]string{"fakecortex", "bare Go", "Python websockets", "Node ws"}

func (b *bench) run(crowd bool) (err error) {
	if b.dir, err = os.MkdirTemp("", "fakecortex-bench-"); err != nil {
		return err
	}
	defer os.RemoveAll(b.dir)
	load := "unknown"
	if text, err := os.ReadFile("/proc/loadavg"); err == nil {
		load = strings.Join(strings.Fields(string(text))[:3], " ")
	}
	if err := b.prepare(); err != nil {
		return err
	}
	all := []func() error{b.fullSpeed, b.onTheClock, b.start, b.idleClients}
	if crowd {
		all = []func() error{b.onTheClock}
	}
	for _, measure := range all {
		if err := measure(); err != nil {
			return err
		}
	}
	fmt.Printf("eeg at %d Hz, %d frames a second for each client; %d cores, %s/%s, %s, load average before the run %s\n\n",
		b.eeg, b.framesPerSecond(), runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, runtime.Version(), load)
	b.print()
	return nil
}

// print writes the table, with the ratio of ours to each of the others.
func (b *bench) print() {
	fmt.Printf("| |")
	for _, n := range names {
		fmt.Printf(" %s |", n)
	}
	fmt.Printf("\n| --- | --- | --- | --- | --- |\n")
	for _, r := range b.rows {
		fmt.Printf("| %s |", r.what)
		for i, v := range r.values {
			switch {
			case v != v:
				fmt.Print(" - |")
			case i == ours || v == 0 || r.values[ours] != r.values[ours]:
				fmt.Printf(" "+r.format+" |", v)
			default:
				fmt.Printf(" "+r.format+" (%.2g) |", v, r.values[ours]/v)
			}
		}
		fmt.Println()
	}
	fmt.Println("\nIn brackets: fakecortex divided by that one.")
}
