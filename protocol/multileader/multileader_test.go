package multileader

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"althing/clock"
	"althing/crdt"
	"althing/history"
	"althing/history/weak"
	"althing/process"
	"althing/process/processtest"
	"althing/sim"
)

var rows = []process.Protocol{Siblings, LastWriter}

func TestRules(t *testing.T) {
	for _, p := range rows {
		t.Run(p.Name, func(t *testing.T) { processtest.Run(t, p) })
	}
}

func FuzzDecode(f *testing.F) {
	d := clock.Dot{Actor: 1, Seq: 2}
	processtest.Fuzz(f, Siblings,
		&Write{Dot: d, After: clock.Version{{Actor: 1, Seq: 1}}, At: 7, Key: "k", Value: []byte("v"),
			Over: []clock.Dot{{Actor: 1, Seq: 1}}, Lost: []clock.Dot{{Actor: 2, Seq: 9}}},
		&Write{Dot: d, Added: []process.ID{4}, Removed: []process.ID{2, 3}},
		&Have{Seen: clock.Version{d}, Ask: true}, &Have{Want: true, Blank: true}, &Stored{Seen: clock.Version{d}},
		&State{Seen: clock.Version{d}, Dropped: clock.Version{{Actor: 2, Seq: 1}}, Members: []process.ID{1, 2},
			Items: []Item{{"k", []Version{{d, 7, []byte("v")}}}}, Lost: []string{"2:9 k"}})
}

// A desk is a replica whose disk does what the test says.
type desk struct {
	*Replica
	out process.Output
}

func newDesk(p process.Protocol, c process.Config, voters ...process.ID) *desk {
	d := &desk{Replica: p.New(c).(*Replica)}
	d.step(process.Input{Kind: process.Start, State: &process.State{Group: process.Group{Voters: voters}}})
	return d
}

// step returns what a Step asks for.
func (d *desk) step(in process.Input) []process.Effect {
	d.out.Reset()
	d.Step(in, &d.out)
	return slices.Clone(d.out.Effects)
}

// ask asks, lets the disk do its work, and returns the answer, or the Reason of a
// refusal.
func (d *desk) ask(q process.Request) string {
	effects := d.step(process.Input{Kind: process.Submit, Reqs: []process.Request{q}})
	effects = append(effects, d.step(process.Input{Kind: process.Receive, From: d.cfg.Self,
		Msg: &Stored{Seen: d.seen}})...)
	for i := range effects {
		switch e := &effects[i]; e.Kind {
		case process.Reply:
			return string(e.Data)
		case process.Refuse:
			return e.Why.String()
		}
	}
	return "no answer"
}

func (d *desk) say(cmd string) string {
	kind := process.Command
	if strings.HasPrefix(cmd, "get") {
		kind = process.Read
	}
	return d.ask(process.Request{Kind: kind, Cmd: []byte(cmd)})
}

func (d *desk) hear(from process.ID, m process.Msg) []process.Effect {
	return d.step(process.Input{Kind: process.Receive, From: from, Msg: m})
}

func (d *desk) contents() string { return string(d.AppendContents(nil)) }

// TestRequests: what is understood, and what is refused with which reason.
func TestRequests(t *testing.T) {
	d := newDesk(Siblings, process.Config{Self: 1}, 1, 2)
	for _, c := range []struct{ cmd, want string }{
		{"get k", "{}"},
		{"put k a b  c", "{1:1}"},
		{"get k", `{1:1} "a b  c"`},
		{"get k {1:1}", `{1:1} "a b  c"`},
		{"get k {1:2}", "Behind"},
		{"get k {}", `{1:1} "a b  c"`},
		{"set k {} d", "{1:2}"},
		{"get k", `{1:2} "a b  c" "d"`},
		{"set k {1:2}", "Invalid"},
		{"set k {1:2} ", "{1:3}"},
		{"get k", `{1:3} ""`},
		{"set k {2:1} x", "Behind"},
		{"put k", "{1:4}"},
		{"put", "Invalid"},
		{"put  v", "Invalid"},
		{"get", "Invalid"},
		{"get k token", "Invalid"},
		{"del k", "Invalid"},
		{"put " + strings.Repeat("k", maxKey+1) + " v", "Invalid"},
		{"put k " + strings.Repeat("v", maxValue+1), "Invalid"},
	} {
		if got := d.say(c.cmd); got != c.want {
			t.Errorf("%.40s: %s, want %s", c.cmd, got, c.want)
		}
	}
	for kind, want := range map[process.Kind]string{process.Session: "Unsupported", process.Transfer: "Unsupported"} {
		if got := d.ask(process.Request{Kind: kind}); got != want {
			t.Errorf("kind %d: %s, want %s", kind, got, want)
		}
	}
	if got := d.ask(process.Request{Kind: process.Read, Cmd: []byte("put k v")}); got != "Invalid" {
		t.Errorf("a read that writes: %s", got)
	}
}

// TestMembers: who was taken out cannot come back, and takes nothing more. Two
// changes that do not know of each other both hold, in any order.
func TestMembers(t *testing.T) {
	change := func(ids ...process.ID) process.Request {
		return process.Request{Kind: process.Members, Cmd: process.AppendGroup(nil, process.Group{Voters: ids})}
	}
	a, b := newDesk(Siblings, process.Config{Self: 1}, 1, 2, 3), newDesk(Siblings, process.Config{Self: 2}, 1, 2, 3)
	a.ask(change(1, 2))
	b.ask(change(1, 2, 3, 4))
	a.hear(2, b.log[0])
	b.hear(1, a.log[0])
	for _, d := range []*desk{a, b} {
		if !slices.Equal(d.Group().Voters, []process.ID{1, 2, 4}) {
			t.Errorf("%d knows the group as %v", d.cfg.Self, d.Group())
		}
	}
	for _, c := range []struct {
		q    process.Request
		want string
	}{
		{change(1, 2, 3), "Invalid"},
		{change(), "Invalid"},
		{process.Request{Kind: process.Members, Cmd: []byte{9}}, "Invalid"},
		{change(1, 2, 4), ""},
		{change(2, 4), "{1:2,2:1}"},
		{change(2, 4), "NotLeader"},
	} {
		if got := a.ask(c.q); got != c.want {
			t.Errorf("%v: %q, want %q", c.q, got, c.want)
		}
	}
	if got := a.say("put k v"); got != "NotLeader" || a.Status().Role != "removed" {
		t.Errorf("%s of one that is taken out; it is %s", got, a.Status().Role)
	}
	c := newDesk(Siblings, process.Config{Self: 4})
	c.hear(1, a.log[0])
	if c.Status().Role != "blank" || c.say("get k") != "NotLeader" {
		t.Error("who joins takes part before it knows the group")
	}
	if c.hear(2, b.state()); c.Status().Role != "leader" {
		t.Errorf("who has joined is %s", c.Status().Role)
	}
}

// TestSetsConverge: whatever causal order writes are taken in, by themselves or
// with a State, the contents are those of the definition: a version is what no
// other write of the set replaces.
func TestSetsConverge(t *testing.T) {
	for seed := range uint64(300) {
		rng := rand.New(rand.NewPCG(seed, 7))
		p := rows[seed%2]
		var ds []*desk
		for id := range process.ID(3) {
			ds = append(ds, newDesk(p, process.Config{Self: id + 1}, 1, 2, 3))
		}
		var all []*Write
		for range 40 {
			d := ds[rng.IntN(3)]
			switch k := rng.IntN(10); {
			case k < 4:
				n := d.seen.At(uint64(d.cfg.Self))
				d.step(process.Input{Kind: process.Submit, Now: time.Duration(rng.IntN(3)) * time.Millisecond,
					Reqs: []process.Request{{Cmd: fmt.Appendf(nil, "put k%d %d.%d", rng.IntN(2), d.cfg.Self, n)}}})
				all = append(all, d.log[len(d.log)-1])
			case k < 8 && len(all) > 0:
				if w := all[rng.IntN(len(all))]; process.ID(w.Dot.Actor) != d.cfg.Self {
					d.hear(process.ID(w.Dot.Actor), w)
				}
			case k == 8:
				if from := ds[rng.IntN(3)]; from != d {
					d.hear(from.cfg.Self, from.state())
				}
			}
			if got, want := d.state().Items, define(all, d.seen); !equal(got, want) {
				t.Fatalf("seed %d: %d has %v, want %v", seed, d.cfg.Self, got, want)
			}
		}
		for range 2 {
			for _, d := range ds {
				for _, from := range ds {
					if from != d {
						d.hear(from.cfg.Self, from.state())
					}
				}
			}
		}
		if ds[0].contents() != ds[1].contents() || ds[1].contents() != ds[2].contents() {
			t.Fatalf("seed %d: they differ:\n%s\n%s\n%s", seed, ds[0].contents(), ds[1].contents(), ds[2].contents())
		}
	}
}

// define returns the versions of a set of writes, by their definition.
func define(all []*Write, seen clock.Version) []Item {
	byKey := map[string][]Version{}
	for _, w := range all {
		replaced := slices.ContainsFunc(all, func(v *Write) bool {
			return seen.Covers(v.Dot) && (slices.Contains(v.Over, w.Dot) || slices.Contains(v.Lost, w.Dot))
		})
		if seen.Covers(w.Dot) && !replaced {
			byKey[w.Key] = append(byKey[w.Key], Version{w.Dot, w.At, w.Value})
		}
	}
	var items []Item
	for _, key := range []string{"k0", "k1"} {
		if vs := byKey[key]; len(vs) > 0 {
			slices.SortFunc(vs, func(a, b Version) int { return a.Dot.Compare(b.Dot) })
			items = append(items, Item{key, vs})
		}
	}
	return items
}

func equal(a, b []Item) bool {
	return slices.EqualFunc(a, b, func(x, y Item) bool {
		return x.Key == y.Key && slices.EqualFunc(x.Versions, y.Versions, same)
	})
}

// TestLost: a write that the rule drops is counted and named, alike by all, and
// after a crash too.
func TestLost(t *testing.T) {
	a, b := newDesk(LastWriter, process.Config{Self: 1}, 1, 2), newDesk(LastWriter, process.Config{Self: 2}, 1, 2)
	a.say("put k v")
	b.say("put k w")
	a.hear(2, b.log[0])
	b.hear(1, a.log[0])
	if a.say("get k") != `{1:1,2:1} "w"` || !slices.Equal(a.Lost(), []string{"1:1 k"}) || len(a.dropped) != 0 {
		t.Errorf("%s; lost: %v, dropped: %v", a.say("get k"), a.Lost(), a.dropped)
	}
	b.say("put k x")
	a.hear(2, b.log[2])
	again := newDesk(LastWriter, process.Config{Self: 1}, 1, 2)
	out := a.step(process.Input{Kind: process.Compact})
	again.step(process.Input{Kind: process.Recover, Msg: out[0].Msg})
	for _, d := range []*desk{a, b, again} {
		if !slices.Equal(d.Lost(), []string{"1:1 k"}) || d.dropped.At(2) != 1 {
			t.Errorf("lost: %v, dropped: %v", d.Lost(), d.dropped)
		}
	}
}

// TestBounds: nothing grows without end while another replica is away.
func TestBounds(t *testing.T) {
	d := newDesk(Siblings, process.Config{Self: 1, Trailing: 10}, 1, 2)
	put := process.Input{Kind: process.Submit, Reqs: []process.Request{{Cmd: []byte("put k v")}}}
	for range maxAnswers {
		d.step(put)
	}
	if e := d.step(put); e[0].Kind != process.Refuse || e[0].Why != process.Busy {
		t.Errorf("%d clients wait for the disk, and it takes more", len(d.answers))
	}
	if len(d.log) != 10 || len(d.keys["k"]) != 1 {
		t.Errorf("%d writes in the log, %d versions", len(d.log), len(d.keys["k"]))
	}
	for i := range uint64(maxEarly + 10) {
		d.hear(2, &Write{Dot: clock.Dot{Actor: 2, Seq: i + 2}, After: clock.Version{{Actor: 2, Seq: i + 1}}, Key: "k"})
	}
	if len(d.early) != maxEarly {
		t.Errorf("%d writes lie aside", len(d.early))
	}
	d.size = maxSize + 1
	d.hear(1, &Stored{Seen: d.seen})
	if got := d.say("put k v"); got != "Busy" {
		t.Errorf("it is full: %s", got)
	}
}

// TestRow: a rule of one's own is given all versions at once.
func TestRow(t *testing.T) {
	union := Row("union", crdt.MergeWith("union", func(a, b string) (string, error) {
		words := append(strings.Fields(a), strings.Fields(b)...)
		slices.Sort(words)
		return strings.Join(slices.Compact(words), " "), nil
	}))
	a, b := newDesk(union, process.Config{Self: 1}, 1, 2), newDesk(union, process.Config{Self: 2}, 1, 2)
	a.say("put cart juice apple")
	b.say("put cart bread apple")
	a.hear(2, b.log[0])
	if got := a.say("get cart"); got != `{1:1,2:1} "apple bread juice"` || len(a.Lost()) != 0 {
		t.Errorf("%s, lost: %v", got, a.Lost())
	}
	broken := Row("broken", crdt.MergeWith("broken", func(a, b string) (string, error) {
		return "", bytes.ErrTooLarge
	}))
	c := newDesk(broken, process.Config{Self: 1}, 1, 2)
	c.say("put cart juice apple")
	c.hear(2, b.log[0])
	if got := c.say("get cart"); got != `{1:1,2:1} "bread apple" "juice apple"` {
		t.Errorf("what cannot be merged is shown as %s", got)
	}
}

// TestWhatIsNotPromised: clients of different replicas see no one order: of one
// key, none that keeps the times of all; of two keys, none at all. In every run
// the simulator has judged that causal convergence holds.
func TestWhatIsNotPromised(t *testing.T) {
	found := map[string]int{}
	const seeds = 100
	o := sim.Options{Seed: 1, Nodes: 2, Clients: 4, Keys: 2, Rate: 400, Duration: 2 * time.Second,
		Faults: sim.Partition}
	sim.Swarm(LastWriter, seeds, o, func(r sim.Result) bool {
		if r.Violation != nil {
			t.Errorf("seed %d: %v", r.Seed, r.Violation)
		}
		if v, _ := history.Linearizable(r.History, time.Second); v == history.Illegal {
			found["linearizable"]++
		}
		if weak.Check(r.History, weak.Sequential, time.Second).Verdict == history.Illegal {
			found["sequential"]++
		}
		return !t.Failed() && len(found) < 2
	})
	if len(found) < 2 {
		t.Errorf("in none of %d runs what is not promised was missed: %v", seeds, found)
	}
}
