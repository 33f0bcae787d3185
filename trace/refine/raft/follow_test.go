package raft

import (
	"errors"
	"strings"
	"testing"
	"time"

	"althing/protocol/raft"
	"althing/sim"
	"althing/trace"
	"althing/trace/refine/refinetest"
)

// TestRuns: each run of Raft, under all faults, is one of the specification.
func TestRuns(t *testing.T) { refinetest.Runs(t, Specification, raft.Protocol, 60) }

// much is a run in which much happens.
func much(t testing.TB) []byte {
	t.Helper()
	return refinetest.Record(t, raft.Protocol,
		sim.Options{Seed: 51, Nodes: 5, Faults: sim.All, Duration: 4 * time.Second})
}

// lies are one for each thing that is compared, and what is said of it.
var lies = map[string]func(*trace.Event) bool{
	"term 9999,":               refinetest.Event("deliver", func(e *trace.Event) { e.Epoch = 9999 }),
	"last 9999,":               refinetest.Event("deliver", func(e *trace.Event) { e.Last = 9999 }),
	"commit 9999;":             refinetest.Event("deliver", func(e *trace.Event) { e.Commit = 9999 }),
	"BecomeLeader":             refinetest.Event("deliver", func(e *trace.Event) { e.Role = "leader" }),
	"the replica is candidate": refinetest.Event("start", func(e *trace.Event) { e.Role = "candidate" }),
	"records become durable":   refinetest.Event("sync", func(e *trace.Event) { e.N += 100 }),
	"messages leave": refinetest.Event("sync", func(e *trace.Event) {
		e.Effects = append(e.Effects, trace.Effect{})
	}),
	"records survive": refinetest.Event("crash", func(e *trace.Event) { e.N += 100 }),
	"application's state in event": func(e *trace.Event) bool {
		e.Sent++
		return e.Msg == "InstallSnapshot" && e.Kind == "deliver"
	},
	"nobody sent that message": func(e *trace.Event) bool {
		e.From += 40
		return e.Msg == "AppendEntries" && e.Effects != nil && e.Effects[0].Kind != "SendNow" && e.Last > 3
	},
	"hands over": func(e *trace.Event) bool {
		for i := range e.Effects {
			if x := &e.Effects[i]; x.Kind == "Commit" {
				x.Entries = []string{x.Entries[0] + "!"}
				return true
			}
		}
		return false
	},
	"though it does not lead and nobody sent anything": func(e *trace.Event) bool {
		e.Effects = append(e.Effects, trace.Effect{Kind: "Save", Msg: "Entries", Fields: "Entries=[1@1 no-op]"})
		return e.Kind == "timeout"
	},
	"and nobody asked": func(e *trace.Event) bool {
		e.Effects = append(e.Effects, trace.Effect{Kind: "Save", Msg: "HardState", Fields: "Term=1 Vote=99"})
		return e.Kind == "timeout"
	},
	"it goes back from term": func(e *trace.Event) bool {
		e.Effects = append(e.Effects, trace.Effect{Kind: "Save", Msg: "HardState"})
		return e.Kind == "timeout" && e.Epoch > 0
	},
	"and nobody told it": func(e *trace.Event) bool {
		e.Effects = append(e.Effects, trace.Effect{Kind: "Commit"})
		return e.Kind == "timeout"
	},
	"it leads, and changes its log": func(e *trace.Event) bool {
		return e.Role == "leader" && e.Kind == "submit" && refinetest.Effect("Save", "Prev=", "Prev=1")(e)
	},
	"its log becomes": func(e *trace.Event) bool {
		return e.Role == "follower" && len(e.Effects) > 2 &&
			refinetest.Effect("Save", "Entries Prev=", "Entries Prev=1")(e)
	},
	"it saves term":                refinetest.Effect("Save", "HardState Term=", "HardState Term=1"),
	"and a log of":                 refinetest.Effect("Checkpoint", "Term=", "Term=1"),
	"which is not what it may say": refinetest.Effect("SendNow", "AppendEntries Term=", "AppendEntries Term=1"),
	"AcknowledgeOwn": refinetest.Effect("Send", "AppendReply Term=1 OK Match=1",
		"AppendReply Term=1 OK Match=2"),
	"SendVote": refinetest.AtOnce("Vote"),
	"did not get through": func(e *trace.Event) bool {
		e.Kind, e.Note = "violation", "Panic: because"
		return true
	},
}

// TestLies: a run of which one thing is told otherwise is none.
func TestLies(t *testing.T) { refinetest.Lies(t, Specification, much(t), lies) }

// TestGone: a replica that lost its disk is not seen again.
func TestGone(t *testing.T) {
	all := refinetest.Events(t, much(t))[:200]
	last := &all[len(all)-1]
	all = append(all, trace.Event{Seq: last.Seq + 1, Kind: "losedisk", Node: 1})
	all = append(all, trace.Event{Seq: last.Seq + 2, Kind: "restart", Node: 1, Role: "follower"})
	if err := refinetest.Follow(t, Specification, all); err == nil || !strings.Contains(err.Error(), "here again") {
		t.Error(err)
	}
}

// TestForm: what is no trace of Raft is not said to be one that is wrong.
func TestForm(t *testing.T) {
	begin := trace.Event{Seq: 1, Kind: "start", Node: 1, Role: "follower"}
	for _, x := range []trace.Effect{
		{Kind: "Save", Msg: "Entries", Fields: "Prev=x"},
		{Kind: "Save", Msg: "Entries", Fields: "Entries=[1@1 no-op"},
		{Kind: "Save", Msg: "Entries", Fields: "Entries=[0@1 no-op]"},
		{Kind: "Save", Msg: "Entries", Fields: "Entries=[1@ no-op]"},
		{Kind: "Save", Msg: "Entries", Fields: "Entries=[1@1 members {1,x}]"},
		{Kind: "Save", Msg: "Entries", Fields: "Entries=[1@1 members 1]"},
		{Kind: "Save", Msg: "Scroll"},
		{Kind: "SendNow", Msg: "AppendEntries", Fields: "Prev=4 Entries=[4@1 no-op]"},
		{Kind: "SendNow", Msg: "Vote", Fields: "Term=-1"},
		{Kind: "Commit", Entries: []string{"2@1 no-op"}},
	} {
		begin.Effects = []trace.Effect{x}
		if err := refinetest.Follow(t, Specification, []trace.Event{begin}); !errors.Is(err, trace.ErrForm) {
			t.Errorf("%+v: %v", x, err)
		}
	}
}
