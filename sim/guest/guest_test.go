package guest

import (
	"testing"
	"time"

	"althing/history"
	"althing/process"
	"althing/sim/dice"
)

// TestLearn: of what a store answers a history has one value or none; and a guest
// hands on the token that it got.
func TestLearn(t *testing.T) {
	var g Guest
	d := dice.New(1, 1)
	for answer, want := range map[string]history.Op{
		`{1:2}`:             {},
		`{1:2} "a \"b\" c"`: {Result: `a "b" c`},
		`{1:2} "a" "b"`:     {Blind: true},
		`{1:2} broken`:      {Blind: true},
	} {
		o := history.Op{Key: "k3"}
		if g.Learn(&o, []byte(answer)); o.Result != want.Result || o.Blind != want.Blind {
			t.Errorf("%s: %+v", answer, o)
		}
	}
	tokens := 0
	for seq := range uint64(100) {
		if _, q := g.Ask(2, 32, 3, seq, false, &d); string(q.Cmd[:4]) == "set " {
			tokens++
		}
	}
	if tokens == 0 || tokens == 100 {
		t.Errorf("%d of 100 writes are over what was seen", tokens)
	}
	g.Move()
	if o, q := g.Ask(2, 32, 1, 1, false, &d); !g.Moving() || o.Client != 2 || string(q.Cmd) != "get k1 {1:2}" {
		t.Errorf("elsewhere it asks first: %+v, %s", o, q.Cmd)
	}
	o := history.Op{Key: "k1"}
	if g.Learn(&o, []byte("{1:3}")); g.Moving() {
		t.Error("it is answered, and moves on")
	}
	g.Begin()
	if o, q := g.Ask(2, 32, 3, 1, false, &d); o.Client != 34 || q.Client != 3 || string(q.Cmd) != "put k3 2.1" {
		t.Errorf("in the next session: %+v, %s", o, q.Cmd)
	}
}

// TestJudge: what a store must not show is found.
func TestJudge(t *testing.T) {
	op := func(client int, kind history.Kind, key, value string, at time.Duration) history.Op {
		o := history.Op{Client: client, Kind: kind, Key: key, Arg: value, Call: at, Return: at}
		if kind == history.Get {
			o.Arg, o.Result = "", value
		}
		return o
	}
	fine := []history.Op{op(0, history.Put, "k0", "a", 1),
		op(1, history.Get, "k0", "", 2), op(1, history.Get, "k0", "a", 3)}
	if p, why := Judge(fine, 0); p != "" {
		t.Errorf("%s: %s", p, why)
	}
	back := append(fine, op(1, history.Get, "k0", "", 4)) // what was there is gone
	if p, _ := Judge(back, 0); p != "causal-convergence" {
		t.Errorf("it reads back in time: %q", p)
	}
	apart := []history.Op{op(0, history.Put, "k0", "a", 1), op(1, history.Put, "k0", "b", 1),
		op(2, history.Get, "k0", "a", 3), op(3, history.Get, "k0", "b", 3)}
	if p, _ := Judge(apart, 3); p != "convergence" {
		t.Errorf("two see different things in the end: %q", p)
	}
	if p, why := Judge(apart, 4); p != "" {
		t.Errorf("before the end they may: %s, %s", p, why)
	}
}

// TestKeys: a write that two stores name counts once.
func TestKeys(t *testing.T) {
	one, two := lossy{"1:2 k0", "2:1 k1"}, lossy{"2:1 k1", "2:3 k1"}
	if got := Keys([]process.Store{one, two}); len(got) != 3 || got[0] != "k0" || got[2] != "k1" {
		t.Errorf("%v", got)
	}
}

// lossy is a store that has lost these.
type lossy []string

func (l lossy) Lost() []string { return l }

func (lossy) AppendContents(b []byte) []byte                   { return b }
func (lossy) Group() process.Group                             { return process.Group{} }
func (lossy) Step(process.Input, *process.Output)              {}
func (lossy) Status() process.Status                           { return process.Status{} }
func (lossy) Progress(b []process.Progress) []process.Progress { return b }
func (l lossy) Clone() process.Process                         { return l }
func (lossy) AppendState(b []byte) []byte                      { return b }
