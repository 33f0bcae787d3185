package planning

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"althing/internal/terminal"
	"althing/plan"
	"althing/plan/prove"
	"althing/process"
	"althing/sim"
)

// A run that contradicts the plan ends the command with 1, and the plan is shown all
// the same, with what was found; one that does not, with 0; and none is done unasked
// where nobody watches.
func TestProve(t *testing.T) {
	problem, level, nodes, yes, no := "consensus", "linearizable", 3, true, false
	for _, c := range []struct {
		prove      *bool
		lost, code int
		says       string
	}{
		{&yes, 0, terminal.ExitOK, "no write lost"},
		{&yes, 2, terminal.ExitBad, "CONTRADICTS"},
		{&no, 2, terminal.ExitOK, "When something fails"},
		{nil, 2, terminal.ExitOK, "When something fails"},
	} {
		runs := 0
		command := Command{Prove: c.prove, Output: "text", proof: prove.Options{
			Measure: func(p process.Protocol, trial sim.Trial) sim.Measured {
				runs++
				m := sim.Measure(p, trial)
				m.Lost = make([]string, c.lost)
				return m
			}}}
		command.Problem, command.Consistency, command.Nodes = &problem, &level, &nodes
		var out, err bytes.Buffer
		to := terminal.Output{Out: &out, Err: &err}
		if code := to.Fail(command.Run(&to)); code != c.code {
			t.Errorf("%v lost: exit %d, not %d: %s", c.lost, code, c.code, err.String())
		}
		if text := strings.Join(strings.Fields(out.String()), " "); !strings.Contains(text, c.says) {
			t.Errorf("it lacks %q:\n%s", c.says, out.String())
		}
		if asked := c.prove == &yes; asked != (runs > 0) {
			t.Errorf("%d runs", runs)
		}
	}
}

// A bar is drawn for whoever watches, and for nobody else.
func TestProgress(t *testing.T) {
	if progress(new(bytes.Buffer)) != nil {
		t.Error("a bar in a file")
	}
}

// Every form of a plan is one, and distances can be given as flags.
func TestForms(t *testing.T) {
	problem, nodes := "replication", 3
	for form, want := range map[string]string{
		"json": `"fra"`, "yaml": "fra:", "md": "| fra", "text": "latency in fra",
	} {
		command := Command{Output: form, Explain: true}
		command.Problem, command.Nodes = &problem, &nodes
		command.Regions, command.RTT = []string{"fra", "ams"}, []string{"fra:ams=7.5ms"}
		var out, err bytes.Buffer
		to := terminal.Output{Out: &out, Err: &err}
		if fail := command.Run(&to); fail != nil {
			t.Fatal(fail)
		}
		if form == "json" {
			var p plan.Plan
			if fail := json.Unmarshal(out.Bytes(), &p); fail != nil || p.Placement.Replicas["fra"] != 2 {
				t.Errorf("%v, %+v", fail, p.Placement)
			}
		} else if !strings.Contains(out.String(), want) {
			t.Errorf("%s lacks %q:\n%s", form, want, out.String())
		}
	}
	for _, wrong := range []string{"fra:ams", "fra=3ms", ":ams=3ms", "fra:ams=3"} {
		command := Command{Output: "text"}
		command.RTT = []string{wrong}
		to := terminal.Output{Out: new(bytes.Buffer), Err: new(bytes.Buffer)}
		if code := to.Fail(command.Run(&to)); code != terminal.ExitUsage {
			t.Errorf("--rtt=%s: exit %d", wrong, code)
		}
	}
}
