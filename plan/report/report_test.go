package report_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"althing/plan"
	"althing/plan/report"
)

func made(t *testing.T) *plan.Plan {
	t.Helper()
	r, err := plan.Parse([]byte(`
distributed_context:
  problem_type: consensus
  consistency_requirement: linearizable
  cluster_config: {nodes: 5, failure_tolerance: 2, regions: [VA, OR, IR], survive_region: true}
`))
	if err != nil {
		t.Fatal(err)
	}
	p, err := plan.Make(r)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// What a terminal shows fits it, but for commands, and leaves nothing out.
func TestText(t *testing.T) {
	p := made(t)
	p.FailureScenarios[0].Measured = &plan.Measured{P50MS: 1.5, P99MS: 3, OutageMS: 2500, Seed: 7,
		LostWrites: 2, Contradicts: "nothing is lost"}
	var b strings.Builder
	if err := report.Text(&b, p); err != nil {
		t.Fatal(err)
	}
	for l := range strings.Lines(b.String()) {
		if n := utf8.RuneCountInString(strings.TrimSuffix(l, "\n")); n > 80 && !strings.Contains(l, "$ ") {
			t.Errorf("%d columns: %s", n, l)
		}
	}
	text := strings.Join(strings.Fields(b.String()), " ")
	want := []string{"3 of 5 nodes", "any one, and then no further node",
		"no answer for 2500 ms; 2 writes lost, no read stale; CONTRADICTS: nothing is lost (seed 7)"}
	for _, s := range p.FailureScenarios {
		want = append(want, s.Scenario+" "+s.Behavior+" → "+s.Recovery)
	}
	for _, e := range p.Evidence {
		want = append(want, e.Claim+": "+e.Value)
	}
	for _, a := range p.Alternatives {
		want = append(want, a.Name, a.Lost)
	}
	for _, w := range want {
		if !strings.Contains(text, w) {
			t.Errorf("it lacks %q", w)
		}
	}
}

// A table of Markdown has as many cells in each row as in its head.
func TestMarkdown(t *testing.T) {
	var b strings.Builder
	if err := report.Markdown(&b, made(t)); err != nil {
		t.Fatal(err)
	}
	cells, rows := 0, 0
	for l := range strings.Lines(b.String()) {
		n := strings.Count(l, "|") - strings.Count(l, `\|`)
		switch {
		case !strings.HasPrefix(l, "|"):
			cells = 0
		case cells == 0:
			cells = n
		case n != cells:
			t.Errorf("%d bars, not %d: %s", n, cells, l)
		}
		if cells > 0 {
			rows++
		}
	}
	if rows < 30 {
		t.Errorf("%d rows", rows)
	}
}
