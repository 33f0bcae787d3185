// Package calc is the calculators of the command line: each a question that comes up
// before there is a cluster, answered by a function of the libraries below. A command
// checks its flags, calls that function, and prints what it returned, for people or
// as JSON.
package calc

import (
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"althing/internal/terminal"
)

// Commands are the calculators, each a command below one.
type Commands struct {
	Quorum        quorumCommand        `cmd:"" help:"How many, or which, nodes make a quorum; what it bears."`
	Availability  availabilityCommand  `cmd:"" help:"How likely a quorum is up, and how long of a year it is not."`
	Staleness     stalenessCommand     `cmd:"" help:"How old reads are, of N, R and W and a network."`
	Timeouts      timeoutsCommand      `cmd:"" help:"Heartbeats and election timeouts, and what a crash costs."`
	Latency       latencyCommand       `cmd:"" help:"What clients wait for, by where the leader is."`
	Replication   replicationCommand   `cmd:"" help:"What copies cost, and how far behind they are."`
	Ring          ringCommand          `cmd:"" help:"How evenly a ring spreads keys, and what moves."`
	Confirmations confirmationsCommand `cmd:"" help:"How sure so many blocks make a payment."`
}

// form is the flag that all have.
type form struct {
	Output string `short:"o" enum:"text,json" default:"text"`
}

// print writes an answer as JSON, or as its lines.
func (f form) print(to *terminal.Output, answer interface{ text(io.Writer) }) error {
	if f.Output == "json" {
		return to.JSON(answer)
	}
	w := tabwriter.NewWriter(to.Out, 0, 0, 2, ' ', 0)
	answer.text(w)
	return w.Flush()
}

// line prints a name and what is said of it.
func line(w io.Writer, name, format string, args ...any) {
	fmt.Fprintf(w, "  %s\t%s\n", name, fmt.Sprintf(format, args...))
}

// milliseconds is a duration as JSON has it; its names end in _ms.
func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func allMilliseconds(ds []time.Duration) []float64 {
	all := make([]float64, len(ds))
	for i, d := range ds {
		all[i] = milliseconds(d)
	}
	return all
}

// brief rounds a duration to three or four digits.
func brief(d time.Duration) time.Duration {
	unit := time.Duration(1)
	for d/unit >= 10_000 {
		unit *= 10
	}
	return d.Round(unit)
}

// chance prints a probability so that small ones and those near 1 can be read.
func chance(p float64) string {
	switch {
	case p == 0 || p >= .001 && p <= .999:
		return fmt.Sprintf("%.4g%%", 100*p)
	case p < .001:
		return fmt.Sprintf("%.3g", p)
	}
	return rest(1 - p)
}

// rest prints how likely something is that is not with chance u, with one or two
// digits of what is missing to all.
func rest(u float64) string {
	digits := 0
	if u > 0 {
		digits = max(0, int(math.Ceil(-math.Log10(u))))
	}
	return fmt.Sprintf("%.*f%%", min(digits, 15), 100-100*u)
}

// count prints a number of things.
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// rounded has twelve digits, as many as are meant.
func rounded(v float64) float64 {
	r, err := strconv.ParseFloat(strconv.FormatFloat(v, 'g', 12, 64), 64)
	if err != nil {
		return v
	}
	return r
}

// finite is nil for what JSON cannot say.
func finite(v float64) *float64 {
	if math.IsInf(v, 0) || math.IsNaN(v) {
		return nil
	}
	v = rounded(v)
	return &v
}

// whole returns an error unless a flag's value is within bounds.
func whole(flag string, value, low, high int) error {
	if value < low || value > high {
		return terminal.Wrong(flag, value, "expected from %d to %d", low, high)
	}
	return nil
}

// share returns an error unless a flag's value is a probability.
func share(flag string, value float64) error {
	if !(value >= 0 && value <= 1) {
		return terminal.Wrong(flag, value, "expected from 0 to 1")
	}
	return nil
}

// span returns an error unless a flag's value is a time within bounds.
func span(flag string, value, low, high time.Duration) error {
	if value < low || value > high {
		return terminal.Wrong(flag, value, "expected from %v to %v", low, high)
	}
	return nil
}

// unnamed says what a library's error says without the name of its package, and
// several errors in one line.
func unnamed(err error) string {
	lines := strings.Split(err.Error(), "\n")
	for i, l := range lines {
		if _, text, found := strings.Cut(l, ": "); found {
			lines[i] = text
		}
	}
	return strings.Join(lines, "; ")
}
