package group_test

import (
	"encoding/binary"
	"errors"
	"strings"
	"testing"

	"althing/explore"
	"althing/explore/group"
	"althing/process"
	"althing/world"
)

// A toy is a process that does on each input what a test wants.
type toy struct {
	self    process.ID
	commit  uint64 // as it shows it
	records uint64 // saved in this life or an earlier one
	heard   uint64 // messages
	chosen  uint64
	do      func(*toy, process.Input, *process.Output)
}

type note string

func (n note) Kind() string                          { return string(n) }
func (n note) AppendBinary(b []byte) ([]byte, error) { return append(b, n...), nil }

func (t *toy) Step(in process.Input, out *process.Output) {
	switch in.Kind {
	case process.Recover:
		t.records++
		return
	case process.Receive:
		t.heard++
	case process.Start:
		t.commit = in.State.Index
	}
	t.do(t, in, out)
}

func (t *toy) Status() process.Status {
	return process.Status{Role: "toy", Epoch: t.heard, Last: t.records, Commit: t.commit}
}

func (t *toy) Progress(b []process.Progress) []process.Progress { return b }
func (t *toy) Clone() process.Process                           { c := *t; return &c }

func (t *toy) AppendState(b []byte) []byte {
	for _, n := range []uint64{uint64(t.self), t.commit, t.records, t.heard, t.chosen} {
		b = binary.AppendUvarint(b, n)
	}
	return b
}

func toys(do func(*toy, process.Input, *process.Output)) process.Protocol {
	return process.Protocol{Name: "toy",
		New:    func(c process.Config) process.Process { return &toy{self: c.Self, do: do} },
		Decode: func(b []byte) (process.Msg, error) { return note(b), nil }}
}

// onSubmit makes a toy do something with requests, and else nothing.
func onSubmit(do func(*toy, process.Input, *process.Output)) process.Protocol {
	return toys(func(t *toy, in process.Input, out *process.Output) {
		if in.Kind == process.Submit {
			do(t, in, out)
		}
	})
}

// committing returns entries with these commands, and counts them.
func (t *toy) committing(first uint64, cmds ...string) (es []process.Entry) {
	for i, c := range cmds {
		t.commit++
		es = append(es, process.Entry{Epoch: 1, Index: first + uint64(i), Req: process.Request{Cmd: []byte(c)}})
	}
	return es
}

// loose is onSubmit without one order for all.
func loose(do func(*toy, process.Input, *process.Output)) process.Protocol {
	p := onSubmit(do)
	p.Facts.Order = process.Partial
	return p
}

// Each promise is kept by a check of its own, and a World finds the same.
func TestWhatMustHold(t *testing.T) {
	effect := func(e process.Effect) process.Protocol {
		return onSubmit(func(_ *toy, _ process.Input, out *process.Output) { out.Effects = append(out.Effects, e) })
	}
	forgetful := onSubmit(func(_ *toy, _ process.Input, out *process.Output) { out.Send(2, note("x")) })
	forgetful.Decode = func([]byte) (process.Msg, error) { return note("y"), nil }
	deaf := forgetful
	deaf.Decode = func([]byte) (process.Msg, error) { return nil, errors.New("no") }
	for name, c := range map[string]struct {
		want string
		p    process.Protocol
	}{
		"a panic": {"Panic", onSubmit(func(*toy, process.Input, *process.Output) { panic("no") })},
		"a gap": {"Order", onSubmit(func(x *toy, _ process.Input, out *process.Output) {
			out.Commit(x.committing(2, "put k 1"))
		})},
		"two entries at one index": {"Agreement", onSubmit(func(x *toy, in process.Input, out *process.Output) {
			if x.commit == 0 {
				out.Commit(x.committing(1, string(in.Reqs[0].Cmd)))
			}
		})},
		"what nobody asked for": {"Validity", onSubmit(func(x *toy, _ process.Input, out *process.Output) {
			out.Commit(x.committing(x.commit+1, "put k"))
		})},
		"what nobody has asked for yet": {"Validity", toys(func(x *toy, in process.Input, out *process.Output) {
			switch in.Kind {
			case process.Submit:
				out.Send(3-x.self, note("go"))
			case process.Receive:
				out.Commit(x.committing(x.commit+1, "put k 2"))
			}
		})},
		"a commit not counted": {"Status", onSubmit(func(_ *toy, _ process.Input, out *process.Output) {
			out.Commit(new(toy).committing(1, "put k 1"))
		})},
		"a message to nobody":  {"Contract", effect(process.Effect{Kind: process.Send, Msg: note("x")})},
		"no message":           {"Contract", effect(process.Effect{Kind: process.Send, To: 1})},
		"nothing saved":        {"Contract", effect(process.Effect{Kind: process.Save})},
		"a timer that is none": {"Contract", effect(process.Effect{Kind: process.SetTimer, Timer: 16})},
		"a bad codec":          {"Codec", forgetful},
		"one entry twice": {"Integrity", loose(func(x *toy, _ process.Input, out *process.Output) {
			out.Commit(x.committing(x.commit+1, "put k 1"))
		})},
		"another order after a crash": {"Order", loose(func(x *toy, in process.Input, out *process.Output) {
			out.Commit(x.committing(x.commit+1, string(in.Reqs[0].Cmd)))
		})},
		"no codec": {"Codec", deaf},
	} {
		g := model(t, c.p, group.Bounds{Replicas: 2, Requests: 2, Crashes: 1})
		r := run(t, g, explore.Options{})
		f := r.Broken()
		var v *world.Violation
		if f == nil || !errors.As(f.Err, &v) || v.Name != c.want {
			t.Errorf("%s: %v, %+v", name, &r, f)
			continue
		}
		_, broken, err := g.Replay(f.Trace, nil)
		if c.want == "Codec" {
			continue // a World looks at bytes only where it is told to
		}
		if !errors.As(broken, &v) || v.Name != c.want || err != nil {
			t.Errorf("%s: in the World %v, %v", name, broken, err)
		}
	}
}

// A read from before what another client was told is found, if the client was
// told of it; one that began before that is not.
func TestStaleReads(t *testing.T) {
	stale := onSubmit(func(x *toy, in process.Input, out *process.Output) {
		switch {
		case in.Reqs[0].Kind == process.Read:
			out.Serve(in.Reqs, x.commit)
		case x.commit == 0:
			out.Commit(x.committing(1, string(in.Reqs[0].Cmd)))
		}
	})
	bounds := group.Bounds{Replicas: 2, Requests: 1, Reads: 1}
	r := run(t, model(t, stale, bounds), explore.Options{})
	if f := r.Broken(); f == nil || !strings.Contains(f.Err.Error(), "Linearizability") || len(f.Trace) != 3 {
		t.Errorf("%v: %+v", &r, f)
	}
	bounds.Replicas = 1
	if r := run(t, model(t, stale, bounds), explore.Options{}); r.Broken() != nil {
		t.Errorf("one replica reads what it wrote: %+v", r.Broken())
	}
}

// Every sequence of answers to Choose is tried, and played again.
func TestChoose(t *testing.T) {
	p := onSubmit(func(x *toy, _ process.Input, out *process.Output) {
		x.chosen = uint64(1 + out.Choose(3))
		if x.chosen == 2 {
			x.chosen = uint64(10 + out.Choose(2))
		}
		if x.chosen == 11 {
			panic("it was chosen")
		}
	})
	g := model(t, p, group.Bounds{Replicas: 1, Requests: 1})
	r := run(t, g, explore.Options{KeepOn: true})
	if r.Generated != 1+4 || r.Distinct != 1+3 {
		t.Errorf("%v, want 4 outcomes, one of them a panic", &r)
	}
	f := r.Broken()
	if f == nil {
		t.Fatal("the panic was not chosen")
	}
	if _, broken, err := g.Replay(f.Trace, nil); broken == nil || err != nil {
		t.Errorf("in the World: %v, %v", broken, err)
	}
}

// seen is a Model with properties of what Show says.
type seen struct {
	*group.Model
	props []explore.Property
}

func (s seen) Fork() explore.Model {
	return seen{s.Model.Fork().(*group.Model), s.props}
}

func (s seen) Properties() []explore.Property { return s.props }

// A replica saves two records and tells the other when they are durable. It may
// come back with none, one or both; but with both, if the other heard of it.
func TestACrashKeepsAPrefix(t *testing.T) {
	p := onSubmit(func(x *toy, _ process.Input, out *process.Output) {
		if x.self == 1 {
			out.Save(note("a"))
			out.Save(note("b"))
			out.Send(2, note("both"))
		}
	})
	for _, slow := range []bool{true, false} {
		g := model(t, p, group.Bounds{Replicas: 2, Requests: 1, Crashes: 1, SlowDisks: slow})
		shows := func(text string) func([]byte) bool {
			return func(state []byte) bool { return strings.Contains(g.Show(state), text) }
		}
		s := seen{g, []explore.Property{
			{Name: "none", Mode: explore.Sometimes, Holds: shows("1 is toy@0 last=0")},
			{Name: "one", Mode: explore.Sometimes, Holds: shows("1 is toy@0 last=1")},
			{Name: "both", Mode: explore.Sometimes, Holds: shows("1 is toy@0 last=2")},
			{Name: "heard", Mode: explore.Sometimes, Holds: shows("2 is toy@1")},
			{Name: "heard of one", Mode: explore.Sometimes, Holds: func(state []byte) bool {
				return shows("2 is toy@1")(state) && shows("1 is toy@0 last=1")(state)
			}},
		}}
		r := run(t, s, explore.Options{Workers: 1})
		for name, want := range map[string]bool{"none": true, "one": slow, "both": true, "heard": true,
			"heard of one": false} {
			if f := r.Found(name); (f != nil && !f.Broken) != want {
				t.Errorf("slow %v: %s: %+v, want it seen: %v", slow, name, f, want)
			}
		}
	}
}

// On ordered links what was sent first comes first, unless it is lost.
func TestOrderedLinks(t *testing.T) {
	p := toys(func(x *toy, in process.Input, out *process.Output) {
		switch {
		case in.Kind == process.Submit && x.self == 1:
			out.Send(2, note("a"))
			out.Send(2, note("b"))
		case in.Kind == process.Receive && x.heard == 1 && in.Msg.Kind() == "b":
			panic("b comes first")
		}
	})
	for _, c := range []struct {
		bounds group.Bounds
		broken bool
	}{
		{group.Bounds{Replicas: 2, Requests: 1}, true},
		{group.Bounds{Replicas: 2, Requests: 1, Ordered: true}, false},
		{group.Bounds{Replicas: 2, Requests: 1, Ordered: true, Drops: 1}, true},
		{group.Bounds{Replicas: 2, Requests: 1, Ordered: true, Duplicates: 1}, false},
	} {
		g := model(t, p, c.bounds)
		r := run(t, g, explore.Options{})
		if (r.Broken() != nil) != c.broken {
			t.Errorf("%+v: %v, %+v", c.bounds, &r, r.Broken())
		}
	}
}

// Replicas of a protocol that promises no one order may each have their own.
func TestOrdersOfTheirOwn(t *testing.T) {
	p := loose(func(x *toy, in process.Input, out *process.Output) {
		out.Commit(x.committing(x.commit+1, string(in.Reqs[0].Cmd)))
	})
	r := run(t, model(t, p, group.Bounds{Replicas: 2, Requests: 2}), explore.Options{})
	if r.Broken() != nil || r.Distinct != 7 {
		t.Errorf("%v, want 7 distinct: %+v", &r, r.Broken())
	}
}

func TestBoundsThatMakeNoSense(t *testing.T) {
	for _, b := range []group.Bounds{{}, {Replicas: 10}, {Replicas: 1, Elections: -1}, {Replicas: 1, Reads: 256},
		{Replicas: 1, Drops: 1}} {
		if _, err := group.New(onSubmit(nil), b); err == nil {
			t.Errorf("%+v: no error", b)
		}
	}
	broken := toys(func(*toy, process.Input, *process.Output) { panic("at the start") })
	if _, err := group.New(broken, group.Bounds{Replicas: 1}); err == nil {
		t.Error("a protocol that does not start: no error")
	}
}
