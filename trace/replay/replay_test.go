package replay_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"althing/process"
	"althing/protocol"
	"althing/sim"
	"althing/trace"
	"althing/trace/replay"
	"althing/world/worldtest"
)

// simulate returns the trace of a run, and its bytes.
func simulate(t *testing.T, p process.Protocol, o sim.Options) (*replay.Trace, sim.Result) {
	t.Helper()
	var file bytes.Buffer
	o.Trace = &file
	r, err := sim.Run(p, o)
	if err != nil {
		t.Fatal(err)
	}
	all, err := replay.Read(&file)
	if err != nil {
		t.Fatal(err)
	}
	return all, r
}

// What the dice did can be done again from the trace alone, for every protocol, under
// all faults.
func TestRunIsTheSameAgain(t *testing.T) {
	for _, p := range protocol.All {
		for seed := range uint64(2) {
			all, r := simulate(t, p, sim.Options{Seed: seed, Faults: sim.All, Duration: time.Second})
			if v, err := replay.Run(p, all); v != nil || err != nil || uint64(len(all.Events)) != r.Events {
				t.Errorf("%s, seed %d: %d events: %v, %v", p.Name, seed, len(all.Events), v, err)
			}
		}
	}
}

// A trace that was changed departs, where it was changed.
func TestRunSaysWhereItDeparts(t *testing.T) {
	p := worldtest.Protocol(worldtest.NoBug)
	all, _ := simulate(t, p, short)
	for name, change := range map[string]func(e *trace.Event){
		"a message that is not there":  func(e *trace.Event) { e.Msg = "Nothing" },
		"a message from elsewhere":     func(e *trace.Event) { e.From = 9 },
		"a message that says other":    func(e *trace.Event) { e.Fields = "Commit=77" },
		"another effect":               func(e *trace.Event) { e.Effects = nil; e.Last++ },
		"an event that does not exist": func(e *trace.Event) { e.Kind = "wish" },
		"a violation of nothing":       func(e *trace.Event) { e.Kind, e.Note = "violation", "Agreement: no" },
	} {
		changed := *all
		changed.Events = append([]trace.Event(nil), all.Events...)
		at := 0
		for i := range changed.Events {
			if changed.Events[i].Kind == "deliver" && i > 50 {
				at = i
				break
			}
		}
		change(&changed.Events[at])
		var d *replay.Departure
		if _, err := replay.Run(p, &changed); !errors.As(err, &d) || d.Seq != uint64(at+1) {
			t.Errorf("%s at event %d: %v", name, at+1, err)
		}
	}
	// Code that has changed, and a protocol that breaks a promise which the trace kept.
	if _, err := replay.Run(worldtest.Protocol(worldtest.AckEarly), all); err == nil {
		t.Error("another protocol did the same")
	}
	blank := *all
	blank.Header.World = ""
	if _, err := replay.Run(p, &blank); !errors.Is(err, replay.ErrWorld) {
		t.Errorf("a trace of no world: %v", err)
	}
	blank.Header.World = "replicas=0"
	if _, err := replay.Run(p, &blank); err == nil {
		t.Error("a world of nobody")
	}
}

// short suits the protocol of package worldtest, whose primary must live.
var short = sim.Options{Seed: 1, Whole: true, Faults: sim.All &^ (sim.LoseDisk | sim.Corrupt),
	Duration: 3 * time.Second}

// Each bug that an event shows is shrunk to few events, of which none can be spared.
func TestShrink(t *testing.T) {
	for bug, name := range map[worldtest.Bug]string{
		worldtest.AckEarly: "Agreement", worldtest.CommitTwice: "Order", worldtest.Forge: "Validity",
		worldtest.BadTimer: "Contract", worldtest.Crashes: "Panic", worldtest.Rewind: "Staleness",
	} {
		p, o := worldtest.Protocol(bug), short
		for o.Seed = 1; ; o.Seed++ {
			if r, _ := sim.Run(p, o); r.Violation != nil && r.Violation.Name == name {
				break
			}
			if o.Seed > 300 {
				t.Fatalf("bug %d is not found", bug)
			}
		}
		all, r := simulate(t, p, o)
		if v, err := replay.Run(p, all); err != nil || v == nil || v.Error() != r.Violation.Error() {
			t.Errorf("bug %d: %v, %v", bug, v, err)
		}
		s, err := replay.Shrink(p, all, 0)
		if err != nil {
			t.Fatal(err)
		}
		if s.Violation == nil || s.Violation.Name != name || len(s.Events) > 60 || s.Past >= s.Before {
			t.Errorf("bug %d: %v: %v", bug, s, s.Violation)
		}
		steps, err := s.Steps(p)
		if err != nil || len(steps) != len(s.Events) {
			t.Fatal(err)
		}
		for i := range steps {
			if strings.Contains(steps[i].Without, "all the same") || len(steps[i].Lines()) < 2 {
				t.Errorf("bug %d, step %d of %d: %v", bug, i+1, len(steps), steps[i].Lines())
			}
		}
		// The short one is a trace, too.
		again := &replay.Trace{Header: s.Header, Events: s.Events}
		if _, v, err := replay.Play(p, again.Header, again.Events); err != nil || v == nil {
			t.Errorf("bug %d: played again %v, %v", bug, v, err)
		}
	}
	all, _ := simulate(t, worldtest.Protocol(worldtest.NoBug), short)
	if _, err := replay.Shrink(worldtest.Protocol(worldtest.NoBug), all, 0); !errors.Is(err, replay.ErrPasses) {
		t.Errorf("nothing is broken: %v", err)
	}
}

// The causes of an event, by hand.
func TestPast(t *testing.T) {
	events := []trace.Event{
		{Seq: 1, Kind: "start", Node: 1},
		{Seq: 2, Kind: "start", Node: 2},
		{Seq: 3, Kind: "start", Node: 3},
		{Seq: 4, Kind: "timeout", Node: 1},
		{Seq: 5, Kind: "timeout", Node: 3},
		{Seq: 6, Kind: "duplicate", From: 1, To: 2, Sent: 4},
		{Seq: 7, Kind: "drop", From: 1, To: 3, Sent: 4},
		{Seq: 8, Kind: "timeout", Node: 1},
		{Seq: 9, Kind: "deliver", Node: 2, From: 1, Sent: 4},
		{Seq: 10, Kind: "cut", From: 1, To: 2},
		{Seq: 11, Kind: "timeout", Node: 3},
	}
	for root, want := range map[int]string{8: "1 2 4 6 9", 4: "3 5", 10: "3 5 11", 7: "1 4 8"} {
		var got []string
		for _, e := range replay.Past(events, root) {
			got = append(got, string(rune('0'+e.Seq%10)))
		}
		if text := strings.Join(got, " "); text != strings.ReplaceAll(want, "11", "1") {
			t.Errorf("causes of event %d: %s, want %s", root+1, text, want)
		}
	}
	if n := len(replay.Past(events, 8, 10)); n != 8 {
		t.Errorf("the causes of two: %d", n)
	}
}
