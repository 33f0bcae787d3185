// Package result is what a comparison measured, as a table and as JSON.
package result

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
)

// A Row is one system under one load. Fields that a part of the comparison
// does not measure are 0.
type Row struct {
	Part      string  `json:"part"`   // of the comparison
	System    string  `json:"system"` // who did it
	Load      string  `json:"load"`   // what was asked
	PerSecond float64 `json:"per_second,omitempty"`
	P50       float64 `json:"p50_us,omitempty"`
	P99       float64 `json:"p99_us,omitempty"`
	CPU       float64 `json:"cpu_us_per_op,omitempty"` // user and system, of all servers
	Allocs    float64 `json:"allocs_per_op,omitempty"`
	Errors    uint64  `json:"errors,omitempty"`
}

// A Verdict is a ratio of two numbers of one run beside what is aimed at.
type Verdict struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"`
	Goal  float64 `json:"goal"`
	Most  bool    `json:"at_most"` // Goal is an upper bound; else a lower one
	Met   bool    `json:"met"`
}

// AtLeast judges a value whose goal is a lower bound.
func AtLeast(name string, value, goal float64) Verdict {
	return Verdict{Name: name, Value: value, Goal: goal, Met: value >= goal}
}

// AtMost judges a value whose goal is an upper bound. A value of 0 was not
// measured, and does not meet it.
func AtMost(name string, value, goal float64) Verdict {
	return Verdict{Name: name, Value: value, Goal: goal, Most: true, Met: value > 0 && value <= goal}
}

// A Report is one run of the comparison.
type Report struct {
	Machine  map[string]string `json:"machine"`
	Rows     []Row             `json:"rows"`
	Verdicts []Verdict         `json:"verdicts"`
}

// Medians joins the rows of repeated runs: each number becomes the median of
// those that say the same part, system and load. Errors are added up. Order is
// that of the first appearance.
func Medians(rows []Row) []Row {
	type key struct{ part, system, load string }
	var order []key
	all := make(map[key][]Row)
	for _, r := range rows {
		k := key{r.Part, r.System, r.Load}
		if all[k] == nil {
			order = append(order, k)
		}
		all[k] = append(all[k], r)
	}
	joined := make([]Row, 0, len(order))
	for _, k := range order {
		rs := all[k]
		row := Row{Part: k.part, System: k.system, Load: k.load}
		row.PerSecond = median(rs, func(r *Row) float64 { return r.PerSecond })
		row.P50 = median(rs, func(r *Row) float64 { return r.P50 })
		row.P99 = median(rs, func(r *Row) float64 { return r.P99 })
		row.CPU = median(rs, func(r *Row) float64 { return r.CPU })
		row.Allocs = median(rs, func(r *Row) float64 { return r.Allocs })
		for i := range rs {
			row.Errors += rs[i].Errors
		}
		joined = append(joined, row)
	}
	return joined
}

// median is the lower one of the two in the middle, if there are two.
func median(rows []Row, of func(*Row) float64) float64 {
	values := make([]float64, len(rows))
	for i := range rows {
		values[i] = of(&rows[i])
	}
	slices.Sort(values)
	return values[(len(values)-1)/2]
}

// Find returns the row of that name; ok is false if it was not measured.
func Find(rows []Row, part, system, load string) (row Row, ok bool) {
	for _, r := range rows {
		if r.Part == part && r.System == system && r.Load == load {
			return r, true
		}
	}
	return Row{}, false
}

// WriteText writes the report for people, as Markdown, so that it can be kept.
func (r *Report) WriteText(w io.Writer) error {
	part := ""
	t := tabwriter.NewWriter(w, 0, 0, 1, ' ', 0)
	for _, row := range r.Rows {
		if row.Part != part {
			part = row.Part
			fmt.Fprintf(t, "\n**%s**\n\n", part)
			fmt.Fprintln(t, "| system\t| load\t| per second\t| p50 µs\t| p99 µs\t| CPU µs/op\t| allocs/op\t| errors\t|")
			fmt.Fprintln(t, "|---\t|---\t|---:\t|---:\t|---:\t|---:\t|---:\t|---:\t|")
		}
		fmt.Fprintf(t, "| %s\t| %s\t| %s\t| %s\t| %s\t| %s\t| %s\t| %d\t|\n", row.System, row.Load,
			Number(row.PerSecond), Number(row.P50), Number(row.P99), Number(row.CPU), Number(row.Allocs), row.Errors)
	}
	if len(r.Verdicts) > 0 {
		fmt.Fprintf(t, "\n**goals**\n\n| what\t| measured\t| goal\t| met\t|\n|---\t|---:\t|---:\t|---\t|\n")
	}
	for _, v := range r.Verdicts {
		sign, met := "≥", "no"
		if v.Most {
			sign = "≤"
		}
		if v.Met {
			met = "yes"
		}
		fmt.Fprintf(t, "| %s\t| %.2f\t| %s %g\t| %s\t|\n", v.Name, v.Value, sign, v.Goal, met)
	}
	return t.Flush()
}

// Replace puts text between the lines "<!-- begin NAME -->" and "<!-- end NAME
// -->" of a document, in place of what is there. It fails, and changes nothing,
// if the document has no such lines.
func Replace(path, name, text string) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("read the document: %w", err)
	}
	begin, end := "<!-- begin "+name+" -->\n", "<!-- end "+name+" -->\n"
	head, rest, ok := strings.Cut(string(b), begin)
	_, tail, ended := strings.Cut(rest, end)
	if !ok || !ended {
		return fmt.Errorf("write tables into %s: it has no lines %q and %q", path, begin, end)
	}
	text = head + begin + "\n" + strings.Trim(text, "\n") + "\n\n" + end + tail
	return os.WriteFile(path, []byte(text), 0o644) // for all to read
}

// Number writes v with three digits that matter, nothing for 0.
func Number(v float64) string {
	switch {
	case v == 0:
		return ""
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	}
	return fmt.Sprintf("%.*f", cmp.Or(min(int(10/v), 2), 1), v)
}
