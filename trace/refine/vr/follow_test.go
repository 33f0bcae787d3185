package vr

import (
	"errors"
	"strings"
	"testing"
	"time"

	"althing/process"
	"althing/protocol/vr"
	"althing/sim"
	"althing/trace"
	"althing/trace/refine/refinetest"
	"althing/trace/refine/steps"
)

// TestRuns: each run, under all faults, is one of the specification.
func TestRuns(t *testing.T) { refinetest.Runs(t, OnDisk, vr.Protocol, 25) }

// TestDiskless: so is each of replicas without disks.
func TestDiskless(t *testing.T) { refinetest.Runs(t, Diskless, vr.Diskless, 25) }

// much is a run in which much happens, and nobody asks for another group.
func much(t testing.TB, p process.Protocol) []byte {
	t.Helper()
	return refinetest.Record(t, p,
		sim.Options{Seed: 11, Nodes: 5, Faults: sim.All, Duration: 4 * time.Second})
}

// commits is a lie about what is handed to the application.
func commits(f func(all []string) []string) func(*trace.Event) bool {
	return func(e *trace.Event) bool {
		for i := range e.Effects {
			if x := &e.Effects[i]; x.Kind == "Commit" {
				x.Entries = f(x.Entries)
				return true
			}
		}
		return false
	}
}

// unsaved is a lie that leaves out a record of which no message in the step speaks.
func unsaved(e *trace.Event) bool {
	for i := range e.Effects {
		if x := &e.Effects[i]; x.Kind == "Save" && x.Msg == "Lived" {
			e.Effects = e.Effects[:i:i]
			return true
		}
	}
	return false
}

// lies are one for each thing that is compared, and what is said of it.
var lies = map[string]func(*trace.Event) bool{
	"last 9999,":             refinetest.Event("deliver", func(e *trace.Event) { e.Last = 9999 }),
	"commit 9999;":           refinetest.Event("deliver", func(e *trace.Event) { e.Commit = 9999 }),
	"records become durable": refinetest.Event("sync", func(e *trace.Event) { e.N += 100 }),
	"records survive":        refinetest.Event("crash", func(e *trace.Event) { e.N += 100 }),
	"StartView by": func(e *trace.Event) bool {
		was := e.Role
		if was == "view-change" {
			e.Role = "primary"
		}
		return was != e.Role
	},
	"its change to that view is durable": refinetest.AtOnce("DoViewChange"),
	"it saves Lived {View=7":             refinetest.Effect("Save", "Lived View=", "Lived View=7"),
	"which is not what it may say":       refinetest.Effect("SendNow", "Commit View=", "Commit View=7"),
	"it hands over": commits(func(all []string) []string {
		return append(all[:len(all)-1:len(all)-1], all[len(all)-1]+"!")
	}),
	"which is not entry": commits(func(all []string) []string { return append(all, all[0]) }),
	"PrepareOk by":       refinetest.Effect("Send", " N=", " N=9"),
	"it is primary, and sends its log": func(e *trace.Event) bool {
		if e.Kind != "timeout" || e.Role == "primary" {
			return false
		}
		e.Effects = append(e.Effects, trace.Effect{Kind: "SendNow", To: 1, Msg: "Prepare", Fields: "View=0"})
		return e.Node == 1
	},
}

// TestLies: a run of which one thing is told otherwise is none.
func TestLies(t *testing.T) {
	on, off := map[string]func(*trace.Event) bool{}, map[string]func(*trace.Event) bool{}
	for said, tell := range lies {
		on[said], off[said] = tell, tell
	}
	on["the primary of its view said something"] = refinetest.Event("timeout",
		func(e *trace.Event) { e.Epoch = 9999 })
	on["it does not save that it is in view"] = unsaved
	on["it saves Entries {"] = refinetest.Effect("Save", "no-op", "put k x")
	on["it saves what follows 9"] = refinetest.Effect("Save",
		"Entries Prev=1 Entries=[2@", "Entries Prev=91 Entries=[92@")
	on["it saves view 7"] = refinetest.Effect("Checkpoint", "View=", "View=7")
	on["its disk has so many entries"] = refinetest.AtOnce("PrepareOk")
	off["it recovers, and nobody answered"] = func(e *trace.Event) bool {
		e.Epoch += 9999
		return e.Kind == "timeout" && e.Role == "recovering"
	}
	off["it sends RecoveryResponse"] = refinetest.Effect("Send", "RecoveryResponse View=", "RecoveryResponse View=7")
	off["Recover by"] = refinetest.Event("restart", func(e *trace.Event) { e.Role = "backup" })
	refinetest.Lies(t, OnDisk, much(t, vr.Protocol), on)
	refinetest.Lies(t, Diskless, much(t, vr.Diskless), off)
}

// TestForm: what is no trace of this protocol is not said to be one that is wrong.
func TestForm(t *testing.T) {
	begin := trace.Event{Seq: 1, Kind: "start", Node: 1, Role: "backup"}
	for _, x := range []trace.Effect{
		{Kind: "Save", Msg: "Scroll"},
		{Kind: "Save", Msg: "Lived", Fields: "View=x"},
		{Kind: "Save", Msg: "Entries", Fields: "Prev=3 Entries=[3@1 put k v]"},
		{Kind: "SendNow", Msg: "Prepare", Fields: "View=-1"},
		{Kind: "Commit", Entries: []string{"1@ x"}},
	} {
		begin.Effects = []trace.Effect{x}
		if err := refinetest.Follow(t, OnDisk, []trace.Event{begin}); !errors.Is(err, trace.ErrForm) {
			t.Errorf("%+v: %v", x, err)
		}
	}
}

// TestEnds: with a request for another group the specification ends, and nothing
// after it is judged.
func TestEnds(t *testing.T) {
	told := []trace.Event{
		{Seq: 1, Kind: "start", Node: 1, Role: "backup",
			Effects: []trace.Effect{{Kind: "Checkpoint", Msg: "Checkpoint", Fields: "Group={1}"}}},
		{Seq: 2, Kind: "submit", Node: 1, Role: "backup", Reqs: []string{"members {1,2}"},
			Effects: []trace.Effect{{Kind: "Refuse", Entries: []string{"members {1,2}"}}}},
		{Seq: 3, Kind: "sync", Node: 1, N: 1},
		{Seq: 4, Kind: "timeout", Node: 1, Role: "primary", Epoch: 7, Last: 9},
	}
	var d *steps.Deviation
	if err := refinetest.Follow(t, OnDisk, told); !errors.As(err, &d) || d.Event.Seq != 4 {
		t.Errorf("a request that was refused: %v", err)
	}
	told[1].Effects = nil
	if err := refinetest.Follow(t, OnDisk, told); err != nil {
		t.Error(err)
	}
}

// TestNames: the model has the actions of the specification, and no others.
func TestNames(t *testing.T) {
	names := map[string]string{}
	for name, a := range actions {
		names[name] = strings.TrimSpace("i " + a.params)
	}
	refinetest.Names(t, "ViewstampedReplication", names)
}

// TestExport: all actions are written, as TraceViewstampedReplication.tla reads them.
func TestExport(t *testing.T) {
	text := ""
	for s, run := range map[*steps.Specification][]byte{
		OnDisk: much(t, vr.Protocol), Diskless: much(t, vr.Diskless)} {
		m, err := s.Export(refinetest.Reader(t, run))
		if err != nil {
			t.Fatal(err)
		}
		text += m.Text + m.Config
	}
	for name := range actions {
		if name != "StepDown" && !strings.Contains(text, `a |-> "`+name+`"`) {
			t.Errorf("the runs have no %s", name)
		}
	}
	for _, want := range []string{
		`[a |-> "Request", i |-> `, `, o |-> "`, ` |-> [type |-> "Recovery", from |-> `,
		`, m |-> [type |-> "RecoveryResponse", view |-> `, `, m |-> [type |-> "Image", view |-> `,
		`, m |-> [type |-> "Prepare", view |-> 1, from |-> 2, prev |-> 0, prevView |-> 0, ` +
			`entries |-> <<[view |-> 1, op |-> `,
		`, seen |-> [role |-> "backup", view |-> `, "    N = 5\n", "    Diskless = TRUE\n", "    Diskless = FALSE\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the modules have no %q", want)
		}
	}
}

func BenchmarkFollow(b *testing.B) {
	run := much(b, vr.Protocol)
	b.ReportAllocs()
	b.SetBytes(int64(len(run)))
	for b.Loop() {
		if err := OnDisk.Follow(refinetest.Reader(b, run), nil); err != nil {
			b.Fatal(err)
		}
	}
}
