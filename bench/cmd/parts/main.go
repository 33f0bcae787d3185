// Command parts runs the benchmarks of the packages that people import by
// themselves, beside those of their peers, and prints tables of medians.
package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"time"

	"github.com/alecthomas/kong"
	"golang.org/x/perf/benchfmt"

	"althing/bench/result"
)

// parts are what is measured. Directories are relative to this module.
var parts = []struct{ title, dir, pkg string }{
	{"clock", "..", "./clock"},
	{"interval tree clocks (clock/itc)", "..", "./clock/itc"},
	{"crdt", "..", "./crdt"},
	{"partition", "..", "./partition"},
	{"quorum", "..", "./quorum"},
	{"the best strategy (quorum/balance)", "..", "./quorum/balance"},
	{"staleness of partial quorums (quorum/staleness)", "..", "./quorum/staleness"},
	{"peers of clock and partition", ".", "./peers"},
}

type run struct {
	Count int           `default:"3" help:"How often each is run; medians are printed."`
	Time  time.Duration `default:"200ms" help:"How long each is run."`
	Into  string        `help:"A document: what stands in it between the marks of 'parts' is replaced by the tables."`
}

func main() {
	var r run
	k := kong.Parse(&r, kong.Name("parts"), kong.Description("Measures the packages that stand by themselves."))
	k.FatalIfErrorf(r.run())
}

func (r *run) run() error {
	var text bytes.Buffer
	w := io.MultiWriter(os.Stdout, &text)
	for _, p := range parts {
		cmd := exec.Command("go", "test", "-run", "^$", "-bench", ".", "-benchmem",
			"-benchtime", r.Time.String(), "-count", fmt.Sprint(r.Count), p.pkg)
		cmd.Dir, cmd.Stderr = p.dir, os.Stderr
		out, err := cmd.Output()
		if err != nil {
			return fmt.Errorf("run the benchmarks of %s: %w\n%s", p.pkg, err, out)
		}
		fmt.Fprintf(w, "\n**%s**\n\n| benchmark | ns/op | B/op | allocs/op |\n|---|---:|---:|---:|\n", p.title)
		if err := table(w, out); err != nil {
			return fmt.Errorf("read the benchmarks of %s: %w", p.pkg, err)
		}
	}
	if r.Into == "" {
		return nil
	}
	return result.Replace(r.Into, "parts", text.String())
}

// table writes one line for each benchmark, in the order in which they ran.
func table(w io.Writer, output []byte) error {
	var names []string
	values := map[string][]float64{} // by name and unit
	in := benchfmt.NewReader(bytes.NewReader(output), "benchmarks")
	for in.Scan() {
		switch rec := in.Result().(type) {
		case *benchfmt.SyntaxError:
			return rec
		case *benchfmt.Result:
			full := cores.ReplaceAllString(rec.Name.String(), "")
			if !slices.Contains(names, full) {
				names = append(names, full)
			}
			for _, unit := range []string{"sec/op", "B/op", "allocs/op"} {
				if v, ok := rec.Value(unit); ok {
					values[full+unit] = append(values[full+unit], v)
				}
			}
		}
	}
	if err := in.Err(); err != nil {
		return err
	}
	if len(names) == 0 {
		return errors.New("there are none")
	}
	for _, n := range names {
		fmt.Fprintf(w, "| %s | %s | %.0f | %.0f |\n", n, result.Number(1e9*median(values[n+"sec/op"])),
			median(values[n+"B/op"]), median(values[n+"allocs/op"]))
	}
	return nil
}

// cores is what go test puts behind a name: how many there are.
var cores = regexp.MustCompile(`-\d+$`)

// median is the lower one of the two in the middle, if there are two; 0 of none.
func median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	slices.Sort(values)
	return values[(len(values)-1)/2]
}
