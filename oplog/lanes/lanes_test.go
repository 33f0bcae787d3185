package lanes

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"althing/clock"
	"althing/process"
)

func cast(view uint64, origin process.ID, seq uint64, after ...uint64) *Multicast {
	return &Multicast{View: view, Origin: origin, Seq: seq, After: after,
		Req: process.Request{Cmd: fmt.Appendf(nil, "%d.%d", origin, seq)}}
}

func commands(cs []*Multicast) (s []string) {
	for _, c := range cs {
		s = append(s, string(c.Req.Cmd))
	}
	return s
}

// The rest of a view comes in an order that all have alike, causes first, whatever
// came first here.
func TestAViewEndsInOneOrderThatKeepsCauses(t *testing.T) {
	all := []*Multicast{
		cast(1, 1, 1, 1, 0, 1), // after 3.1
		cast(1, 1, 2, 2, 1, 1), // after 2.1
		cast(1, 2, 1, 1, 1, 1), // after 1.1
		cast(1, 3, 1, 0, 0, 1),
	}
	want := []string{"3.1", "1.1", "2.1", "1.2"}
	for seed := range uint64(20) {
		x := Deliveries{Causal: true}
		x.Start([]process.ID{1, 2, 3}, 0)
		rng := rand.New(rand.NewPCG(seed, 1))
		for _, i := range rng.Perm(len(all)) {
			x.Take(all[i])
		}
		x.Enter(1, clock.Vector{2, 1, 1}, nil)
		if got := commands(x.Line); !slices.Equal(got, want) {
			t.Errorf("seed %d: %v", seed, got)
		}
	}
}

func TestWhatAViewEndedWithoutIsKeptForTheNext(t *testing.T) {
	x := Deliveries{}
	x.Start([]process.ID{1, 2}, 0)
	for _, c := range []*Multicast{cast(1, 1, 1), cast(1, 1, 2), cast(1, 1, 3), cast(1, 2, 1)} {
		x.Take(c)
	}
	x.Enter(1, clock.Vector{1}, nil)
	if len(x.Mine) != 2 || string(x.Mine[0].Cmd) != "1.2" || x.Count(At(1)) != 1 || x.Count(At(2)) != 0 {
		t.Errorf("own %v, held %v", x.Mine, x.Counts())
	}
}

func TestNothingIsForgottenThatAFounderLacks(t *testing.T) {
	x := Deliveries{}
	x.Start([]process.ID{1, 2, 3}, 0)
	for seq := range uint64(4) {
		x.Take(cast(0, 1, seq+1))
	}
	for _, id := range []process.ID{1, 2, 3} {
		x.Knows(id, 1, 4)
	}
	if x.Order(x.Founders, 2); x.Last() != 4 {
		t.Fatalf("%d have their place", x.Last())
	}
	x.Deliver(4)
	x.Done[At(2)] = clock.Vector{3}
	x.Done[At(3)] = clock.Vector{2}
	x.Compact(3, func(o int) uint64 { return x.Least(o, 1) })
	if x.Floor.At(0) != 2 || len(x.Held[0]) != 2 || x.Base != 3 || len(x.Line) != 1 {
		t.Errorf("floor %v, held %v, base %d", x.Floor, commands(x.Held[0]), x.Base)
	}
	x.Done[At(3)] = clock.Vector{4}
	x.Compact(3, func(o int) uint64 { return x.Least(o, 1) })
	if x.Floor.At(0) != 3 {
		t.Errorf("2 has not delivered what is forgotten: %v", x.Floor)
	}
	var y Lanes
	k := x.Keep()
	y.Recall(&k)
	if a, b := x.Lanes.AppendState(nil), y.AppendState(nil); !slices.Equal(a, b) {
		t.Errorf("recalled: % x, was % x", b, a)
	}
}

// A replica that was left out may still deliver what its old view ends with, when
// that is on its way as history, too.
func TestWhatGotItsPlaceMeanwhileIsNotHeldTwice(t *testing.T) {
	x := Deliveries{}
	x.Start([]process.ID{1, 2}, 0)
	one, two := cast(1, 1, 1), cast(1, 1, 2)
	x.Coming = []*Multicast{one, two}
	x.Take(one)
	x.Knows(1, 1, 1)
	x.Knows(2, 1, 1)
	if x.Order([]process.ID{1, 2}, 2); x.Last() != 1 || x.Had().Compare(clock.Vector{2}) != clock.Equal {
		t.Fatalf("%d have their place, %v had", x.Last(), x.Had())
	}
	x.Enter(2, clock.Vector{2}, x.Coming)
	if got := commands(x.Line); !slices.Equal(got, []string{"1.1", "1.2"}) || x.Count(0) != 2 {
		t.Errorf("%v, %d held", got, x.Count(0))
	}
}

func TestWhatCameEarlyIsBounded(t *testing.T) {
	x := Deliveries{}
	x.Start([]process.ID{1}, 0)
	for seq := uint64(2); seq < 10*Burst; seq++ {
		if cs := x.Take(cast(0, 1, seq)); cs != nil || len(x.early) > 2*Burst {
			t.Fatalf("%d taken, %d kept", len(cs), len(x.early))
		}
	}
}

// A Witness that found nothing would be found out by this.
func TestAWitnessTells(t *testing.T) {
	save := func(c *Multicast) process.Effect { return process.Effect{Kind: process.Save, Msg: c} }
	commit := func(i uint64, c *Multicast) process.Effect {
		return process.Effect{Kind: process.Commit, Entries: []process.Entry{{Epoch: c.View, Index: i, Req: c.Req}}}
	}
	one, two, answer := cast(0, 1, 1), cast(0, 1, 2), cast(0, 2, 1)
	step := process.Input{Kind: process.Receive}
	type act struct {
		id      process.ID
		view    uint64
		effects []process.Effect
	}
	for name, acts := range map[string][]act{
		"FIFO order": {{1, 0, []process.Effect{save(one), save(two)}}, {2, 0, []process.Effect{commit(1, two)}}},
		"Causal order": {{1, 0, []process.Effect{save(one), commit(1, one)}},
			{2, 0, []process.Effect{commit(1, one), save(answer)}}, {3, 0, []process.Effect{commit(1, answer)}}},
		"Validity":          {{1, 0, []process.Effect{commit(1, one)}}},
		"Virtual Synchrony": {{1, 0, []process.Effect{save(one), commit(1, one)}}, {2, 7, nil}},
		"Sending View Delivery": {{1, 0, []process.Effect{save(one)}},
			{1, 0, []process.Effect{commit(1, cast(7, 1, 1))}}},
	} {
		w := NewWitness(name == "Causal order")
		var err error
		for _, a := range acts {
			if err != nil {
				t.Fatalf("%s: too soon: %v", name, err)
			}
			err = w.Stepped(a.id, a.view, nil, &step, a.effects)
		}
		if err == nil || len(err.Error()) < len(name) || err.Error()[:len(name)] != name {
			t.Errorf("%s: %v", name, err)
		}
	}
}
