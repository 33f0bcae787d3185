package crdt_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"althing/crdt"
)

// TestOutboxDeliversAll: over links that lose messages and acknowledgements,
// repeat them and let them overtake each other, every peer gets every change,
// and then nothing is kept. Replicas lose their outboxes on the way, and the
// acknowledgements of an earlier life still come.
func TestOutboxDeliversAll(t *testing.T) {
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 6))
		const n = 3
		var states [n]*crdt.AWSet
		var boxes [n]*crdt.Outbox[crdt.AWSet, *crdt.AWSet]
		life := uint64(0)
		start := func(i int) {
			life += 1000
			boxes[i] = crdt.NewOutbox(states[i], 4, life, peers(i, n)...)
		}
		for i := range n {
			states[i] = new(crdt.AWSet)
			start(i)
		}
		type message struct {
			from, to int
			s        *crdt.AWSet
			number   uint64
		}
		var messages, acks []message
		step := func(change bool) {
			i, j := r.IntN(n), r.IntN(n)
			if change && r.IntN(3) == 0 {
				boxes[i].Put(awsetOp(r, states[i], uint64(i+1)))
			}
			if change && r.IntN(40) == 0 {
				start(i)
			}
			if s, number := boxes[i].For(uint64(j)); i != j && s != nil {
				messages = append(messages, message{i, j, s, number})
			}
			if k := len(messages); k > 0 && r.IntN(3) > 0 {
				m := messages[k-1-r.IntN(min(k, 20))]
				states[m.to].Join(m.s)
				acks = append(acks, m)
			}
			if k := len(acks); k > 0 && r.IntN(3) > 0 {
				a := acks[r.IntN(k)]
				boxes[a.from].Acked(uint64(a.to), a.number)
			}
			if k := boxes[i].Kept(); k > 4 {
				t.Fatalf("seed %d: %d deltas kept, of 4", seed, k)
			}
		}
		for range 200 {
			step(true)
		}
		for range 2000 {
			step(false)
		}
		for i := range n {
			if !same(states[i], states[0]) {
				t.Fatalf("seed %d: %v is not %v", seed, states[i], states[0])
			}
			if k := boxes[i].Kept(); k > 0 {
				t.Fatalf("seed %d: %d deltas kept that all have", seed, k)
			}
		}
	}
}

func peers(i, n int) (others []uint64) {
	for j := range n {
		if j != i {
			others = append(others, uint64(j))
		}
	}
	return others
}

// TestOutboxSendsWhatIsMissing: nothing to one who has all, the deltas to one
// who is a little behind, and the state to one who is far behind or new.
func TestOutboxSendsWhatIsMissing(t *testing.T) {
	var s crdt.GSet
	s.Add("old")
	o := crdt.NewOutbox(&s, 3, 100, 1, 2)
	want := func(peer uint64, text string) (number uint64) {
		t.Helper()
		m, number := o.For(peer)
		if got := fmt.Sprint(m); m == nil && text != "" || m != nil && got != text {
			t.Errorf("to %d: %s, not %s", peer, got, text)
		}
		return number
	}
	n := want(1, `{"old"}`)
	o.Acked(1, n)
	want(1, "")
	o.Acked(2, 77) // of an earlier life
	want(2, `{"old"}`)
	o.Put(s.Add("a"))
	n = want(1, `{"a"}`)
	o.Put(s.Add("b"))
	want(1, `{"a" "b"}`)
	o.Acked(1, n)
	o.Acked(1, n-1) // late
	want(1, `{"b"}`)
	o.Acked(1, n+2) // never given
	want(1, `{"b"}`)
	o.Acked(3, n) // of a stranger
	for _, e := range []string{"c", "d", "e"} {
		o.Put(s.Add(e))
	}
	want(1, `{"a" "b" "c" "d" "e" "old"}`)
	if o.Kept() != 3 {
		t.Errorf("%d kept, of 3", o.Kept())
	}
}
