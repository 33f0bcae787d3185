// Package report shows a plan to people: on a terminal, or as a document that can
// be pasted into a review.
package report

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"althing/plan"
)

// columns is how wide text is.
const columns = 80

// A writer writes paragraphs, and keeps the first error.
type writer struct {
	to  io.Writer
	err error
}

func (w *writer) printf(format string, args ...any) {
	if w.err == nil {
		_, w.err = fmt.Fprintf(w.to, format, args...)
	}
}

// para writes text in lines, each but the first behind so many spaces; the first
// behind a prefix that is as wide.
func (w *writer) para(prefix string, text string) {
	indent := strings.Repeat(" ", utf8.RuneCountInString(prefix))
	at := 0
	for i, word := range strings.Fields(text) {
		width := utf8.RuneCountInString(word)
		switch {
		case i == 0:
			w.printf("%s", prefix)
			at = len(indent)
		case at+1+width > columns:
			w.printf("\n%s", indent)
			at = len(indent)
		default:
			w.printf(" ")
			at++
		}
		w.printf("%s", word)
		at += width
	}
	w.printf("\n")
}

// Text writes a plan for a terminal: what is recommended first, what it rests on
// last.
func Text(to io.Writer, p *plan.Plan) error {
	w := &writer{to: to}
	w.printf("%s\n\n", p.Protocol.Name)
	w.para("  ", p.Protocol.Description)
	w.para("  ", p.Protocol.Guarantee)
	for _, s := range sections(p) {
		w.printf("\n%s\n", s.title)
		wide := 0
		for _, l := range s.lines {
			wide = max(wide, utf8.RuneCountInString(l.name))
		}
		for _, l := range s.lines {
			w.para(fmt.Sprintf("  %-*s  ", wide, l.name), l.text)
		}
	}
	w.printf("\nWhen something fails\n")
	for i := range p.FailureScenarios {
		s := &p.FailureScenarios[i]
		w.printf("  %s\n", s.Scenario)
		w.para("    ", s.Behavior)
		w.para("    → ", s.Recovery)
		if s.Measured != nil {
			w.para("    ▪ ", measured(s.Measured))
		}
	}
	w.list("\nInstead\n", alternatives(p))
	w.list("\nMind\n", p.Notes)
	w.printf("\nEvidence\n")
	for i := range p.Evidence {
		e := &p.Evidence[i]
		w.para("  - ", claim(e))
		if e.Command != "" {
			w.printf("      $ %s\n", e.Command)
		}
	}
	return w.err
}

func (w *writer) list(title string, items []string) {
	for i, item := range items {
		if i == 0 {
			w.printf("%s", title)
		}
		w.para("  - ", item)
	}
}

func (w *writer) items(title string, items []string) {
	for i, item := range items {
		if i == 0 {
			w.printf("\n## %s\n\n", title)
		}
		w.printf("- %s\n", item)
	}
}

// Markdown writes a plan as a document.
func Markdown(to io.Writer, p *plan.Plan) error {
	w := &writer{to: to}
	w.printf("# %s\n\n%s\n\n%s\n", p.Protocol.Name, p.Protocol.Description, p.Protocol.Guarantee)
	for _, s := range sections(p) {
		w.printf("\n## %s\n\n| | |\n|---|---|\n", s.title)
		for _, l := range s.lines {
			w.printf("| %s | %s |\n", cell(l.name), cell(l.text))
		}
	}
	w.printf("\n## When something fails\n\n| scenario | what happens | how it ends | measured |\n|---|---|---|---|\n")
	for i := range p.FailureScenarios {
		s := &p.FailureScenarios[i]
		found := ""
		if s.Measured != nil {
			found = measured(s.Measured)
		}
		w.printf("| %s | %s | %s | %s |\n", s.Scenario, cell(s.Behavior), cell(s.Recovery), cell(found))
	}
	w.items("Instead", alternatives(p))
	w.items("Mind", p.Notes)
	w.printf("\n## Evidence\n\n| claim | value | rests on | again |\n|---|---|---|---|\n")
	for i := range p.Evidence {
		e := &p.Evidence[i]
		command := ""
		if e.Command != "" {
			command = "`" + e.Command + "`"
		}
		w.printf("| %s | %s | %s | %s |\n", cell(e.Claim), cell(e.Value), cell(rests(e)), cell(command))
	}
	return w.err
}

// cell is text that a table of Markdown takes.
func cell(text string) string { return strings.ReplaceAll(text, "|", `\|`) }

// A section is a title and lines, each with a name.
type section struct {
	title string
	lines []line
}

type line struct{ name, text string }

func sections(p *plan.Plan) []section {
	return slices.DeleteFunc([]section{
		{"Configure", configure(p)}, {"Place", place(p)}, {"Bears", bears(p)}, {"Expect", expect(p)},
	}, func(s section) bool { return len(s.lines) == 0 })
}

func configure(p *plan.Plan) (lines []line) {
	add := func(name, format string, args ...any) {
		lines = append(lines, line{name, fmt.Sprintf(format, args...)})
	}
	c := &p.Configuration
	if p.NRW != nil {
		add("replicas of a key", "N = %d, a read waits for R = %d, a write for W = %d", p.NRW.N, p.NRW.R, p.NRW.W)
	} else if p.CAP == "AP" {
		add("a write is on", "%d of %d nodes when it is answered", c.Quorum, c.Voters)
	} else {
		add("quorum", "%d of %d nodes", c.Quorum, c.Voters)
	}
	if c.Election > 0 {
		add("to go on after a failure", "%d of %d nodes", c.Election, c.Voters)
	}
	add("heartbeat", "%d ms", c.HeartbeatMS)
	if silence := p.Silence(); strings.Contains(silence, "drawn") {
		add("election timeout", "%d to %d ms, drawn", c.TimeoutMS, 2*c.TimeoutMS)
	} else {
		add("timeout", "%d ms: %s%s", c.TimeoutMS, strings.ToLower(silence[:1]), silence[1:])
	}
	if c.ClockWaitMS > 0 {
		add("commit wait", "%d ms", c.ClockWaitMS)
	}
	add("request timeout", "%d ms", c.RequestMS)
	r := &p.Retry
	add("retries", "%d tries; pauses from %d ms, ×%v, to %d ms, ±%v%%", r.Attempts, r.InitialMS, r.Multiplier, r.MaxMS,
		100*r.Jitter)
	add("results are kept", "%d s; a client may try for %.4g s", r.DedupWindowS, r.HorizonS)
	return lines
}

func place(p *plan.Plan) (lines []line) {
	if s := p.Partitioning; s != nil {
		text := s.Name + ": " + s.Why
		if s.Points > 0 {
			text += fmt.Sprintf("; %d points a node, shares within ±%.2g%% of each other", s.Points, 100*s.Imbalance)
		}
		if s.MovedByOne > 0 {
			text += fmt.Sprintf("; one node more takes %.2g%% of all keys", 100*s.MovedByOne)
		}
		if s.SplitBytes > 0 {
			text += fmt.Sprintf("; a range splits at %d MiB or %v requests a second", s.SplitBytes>>20, s.SplitRate)
		}
		lines = append(lines, line{"keys", text})
		if s.StaleRequest != "" {
			lines = append(lines, line{"epochs", s.StaleRequest})
		}
	}
	if p.Placement == nil {
		return lines
	}
	var regions []string
	for _, l := range p.Latency {
		if n := p.Placement.Replicas[l.Region]; n > 0 {
			regions = append(regions, fmt.Sprintf("%s %d", l.Region, n))
		}
	}
	lines = append(lines, line{"nodes", strings.Join(regions, ", ")})
	if p.Placement.Leader != "" {
		lines = append(lines, line{"leader", p.Placement.Leader + ", where clients wait least on average"})
	}
	return lines
}

func bears(p *plan.Plan) []line {
	t := &p.FaultTolerance
	reached, text := t.Crashes, count(t.Crashes, "node")+" down"
	if t.Liars > 0 {
		reached, text = t.Liars, count(t.Liars, "liar")
	}
	if reached != t.Asked {
		text += fmt.Sprintf(" (asked: %d)", t.Asked)
	}
	if t.Condition != "" {
		text += ": " + t.Condition
	}
	disks := "none: one that is lost may take acknowledged writes with it"
	if t.Durable > 0 {
		disks = fmt.Sprintf("%d, and no acknowledged write with them", t.Durable)
	}
	lines := []line{{"failures", text}, {"lost disks", disks}}
	if p.Placement != nil {
		region := "no: the one with most nodes must not be lost"
		if t.AnyRegion {
			region = "any one"
			if t.Then != nil {
				region += ", and then " + count(*t.Then, "further node")
			}
		}
		lines = append(lines, line{"loss of a region", region})
	}
	return append(lines, line{"class", p.CAP + " (CAP), " + p.PACELC + " (PACELC)"})
}

func expect(p *plan.Plan) (lines []line) {
	for _, l := range p.Latency {
		name := "latency"
		if l.Region != "" {
			name += " in " + l.Region
		}
		lines = append(lines, line{name, fmt.Sprintf("write %s ms, read %s ms", digits(l.WriteMS), digits(l.ReadMS))})
	}
	lines = append(lines, line{"availability", fmt.Sprintf("writes %s%%, reads %s%%; writes fail %s minutes a year",
		percent(p.Availability.Write), percent(p.Availability.Read), digits(p.Availability.DownMinutes))})
	switch s := p.Staleness; {
	case s == nil:
	case s.Bound != "":
		lines = append(lines, line{"staleness", s.Bound})
	default:
		lines = append(lines, line{"staleness", fmt.Sprintf("right after a write %s%% of reads show it, 99.9%% after "+
			"%s ms; no more than %s behind, 999 times in 1,000", digits(100*s.Fresh), digits(s.WithinMS),
			count(s.Versions, "version"))})
	}
	return lines
}

func alternatives(p *plan.Plan) (items []string) {
	for _, a := range p.Alternatives {
		text := fmt.Sprintf("%s: %s; but %s.", a.Name, a.For, a.Lost)
		if a.Simulated != "" {
			text += " " + a.Simulated
		}
		items = append(items, text)
	}
	return items
}

func measured(m *plan.Measured) string {
	text := fmt.Sprintf("measured: p50 %s ms, p99 %s ms, no answer for %s ms; ", digits(m.P50MS), digits(m.P99MS),
		digits(m.OutageMS))
	if m.LostWrites == 0 && m.StaleReads == 0 {
		text += "no write lost, no read stale"
	} else {
		text += fmt.Sprintf("%s lost, %s stale", count(m.LostWrites, "write"), count(m.StaleReads, "read"))
	}
	if m.Violation != "" {
		text += "; BROKEN: " + m.Violation
	}
	if m.Contradicts != "" {
		text += "; CONTRADICTS: " + m.Contradicts
	}
	return fmt.Sprintf("%s (seed %d)", text, m.Seed)
}

func claim(e *plan.Evidence) string {
	text := fmt.Sprintf("%s: %s [%s]", e.Claim, e.Value, rests(e))
	if e.Verdict == plan.Contradicted {
		return "CONTRADICTED: " + text
	}
	return text
}

func rests(e *plan.Evidence) string {
	text := e.Source
	if e.Formula != "" {
		text = e.Formula + "; " + text
	}
	if e.Seed != 0 {
		text += fmt.Sprintf("; seed %d", e.Seed)
	}
	if e.Verdict != plan.Computed {
		text += "; " + e.Verdict
	}
	return text
}

func count(n int, what string) string {
	switch n {
	case 0:
		return "no " + what
	case 1:
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func percent(x float64) string { return strconv.FormatFloat(100*x, 'g', 8, 64) }

// digits are four of a number, or all before its point.
func digits(x float64) string {
	if x >= 1000 {
		return strconv.FormatFloat(x, 'f', 0, 64)
	}
	return strconv.FormatFloat(x, 'g', 4, 64)
}
