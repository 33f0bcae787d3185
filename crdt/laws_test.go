package crdt_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"althing/crdt"
)

// seeds is how many random histories each property is tried on.
const seeds = 150

// bytesOf returns the canonical bytes of a state, by which states are compared.
func bytesOf[T any, S crdt.State[T]](s S) []byte {
	b, err := s.AppendBinary(nil)
	if err != nil {
		panic(err)
	}
	return b
}

func same[T any, S crdt.State[T]](a, b S) bool {
	return bytes.Equal(bytesOf[T](a), bytesOf[T](b))
}

// join returns the join of states, none of which it changes.
func join[T any, S crdt.State[T]](states ...S) S {
	var all S = new(T)
	for _, s := range states {
		all.Join(s)
	}
	return all
}

// reread returns what the bytes of s are read as.
func reread[T any, S crdt.State[T]](t *testing.T, s S) S {
	t.Helper()
	var again S = new(T)
	if err := again.UnmarshalBinary(bytesOf[T](s)); err != nil {
		t.Fatalf("%v: %v", s, err)
	}
	if !same[T](s, again) {
		t.Fatalf("%v was read as %v", s, again)
	}
	return again
}

// An op is a random change of a state, which returns its delta.
type op[T any] func(r *rand.Rand, s *T, actor uint64) *T

// A web is replicas that change, and send deltas, joins of deltas or states to
// each other, over a network that loses, duplicates, reorders and parts.
type web[T any, S crdt.State[T]] struct {
	t        *testing.T
	r        *rand.Rand
	replicas []S
	sent     []S   // whatever was ever sent: any of it may arrive, once, often or never,
	from     []int // but only on the island of who has sent it
	island   []int
	op       op[T]
}

func (w *web[T, S]) step() {
	i := w.r.IntN(len(w.replicas))
	s := w.replicas[i]
	switch w.r.IntN(10) {
	case 0, 1, 2, 3:
		before := S(s.Clone())
		d := S(w.op(w.r, (*T)(s), uint64(i+1)))
		w.laws(before, d, s)
		w.send(i, d)
	case 4:
		w.send(i, s.Clone())
	case 5:
		if len(w.sent) > 1 { // a group of deltas
			w.send(i, join[T](w.sent[w.heard(i)], w.sent[w.heard(i)]))
		}
	case 6:
		w.replicas[i] = reread[T](w.t, s)
	case 7:
		for k := range w.island {
			w.island[k] = w.r.IntN(2)
		}
	default:
		if len(w.sent) > 0 {
			before, m := S(s.Clone()), w.sent[w.heard(i)]
			s.Join((*T)(m))
			w.laws(before, m, s)
		}
	}
	j := w.r.IntN(len(w.replicas))
	if w.r.IntN(12) == 0 && w.island[i] == w.island[j] {
		w.replicas[i].Join((*T)(w.replicas[j]))
	}
}

func (w *web[T, S]) send(from int, s S) {
	w.sent, w.from = append(w.sent, s), append(w.from, from)
}

// heard returns a message from the island of replica i; after some tries, one
// of its own.
func (w *web[T, S]) heard(i int) int {
	for range 20 {
		if k := w.r.IntN(len(w.sent)); w.island[w.from[k]] == w.island[i] {
			return k
		}
	}
	w.send(i, w.replicas[i].Clone())
	return len(w.sent) - 1
}

func (w *web[T, S]) pick() S { return w.sent[w.r.IntN(len(w.sent))] }

// laws holds that to join d makes after of before, and that nothing was lost.
func (w *web[T, S]) laws(before, d, after S) {
	w.t.Helper()
	if !same[T](join[T](before, d), after) {
		w.t.Fatalf("%v joined with %v is %v, not %v", before, d, join[T](before, d), after)
	}
	if !same[T](join[T](before, after), after) || !same[T](join[T](d, after), after) {
		w.t.Fatalf("%v is not above %v and %v", after, before, d)
	}
}

// holdLaws tries many short histories, and some in which there is more than a
// small delta can have seen.
func holdLaws[T any, S crdt.State[T]](op op[T]) func(*testing.T) {
	return func(t *testing.T) {
		for seed := range uint64(seeds) {
			holdLawsOf[T, S](t, op, seed, 60)
		}
		for seed := range uint64(3) {
			holdLawsOf[T, S](t, op, seeds+seed, 900)
		}
	}
}

func holdLawsOf[T any, S crdt.State[T]](t *testing.T, op op[T], seed uint64, steps int) {
	t.Helper()
	w := &web[T, S]{t: t, r: rand.New(rand.NewPCG(seed, 1)), island: make([]int, 4), op: op}
	for range w.island {
		w.replicas = append(w.replicas, new(T))
	}
	for range steps {
		w.step()
	}
	w.sent = append(w.sent, new(T))
	w.sent = append(w.sent, w.replicas...)
	for range 30 {
		a, b, c := w.pick(), w.pick(), w.pick()
		ab, bc := join[T](a, b), join[T](b, c)
		switch {
		case !same[T](join[T](ab, c), join[T](a, bc)):
			t.Fatalf("seed %d: not associative: %v, %v, %v", seed, a, b, c)
		case !same[T](ab, join[T](b, a)):
			t.Fatalf("seed %d: not commutative: %v, %v", seed, a, b)
		case !same[T](join[T](a, a), a) || !same[T](join[T](ab, b), ab):
			t.Fatalf("seed %d: not idempotent: %v, %v", seed, a, b)
		}
		reread[T](t, ab)
	}
	all := join[T](w.replicas...)
	for _, s := range w.replicas {
		for _, o := range w.replicas {
			s.Join((*T)(o.Clone()))
		}
		if !same[T](s, all) || s.String() != all.String() {
			t.Fatalf("seed %d: %v did not converge to %v", seed, s, all)
		}
	}
}

func letter(r *rand.Rand) string { return string(rune('a' + r.IntN(4))) }

// TestJoinLaws: joins are associative, commutative and idempotent; changes and
// joins only go up; to join a delta is to make the change; equal states have
// equal bytes, which are read as they were; and what has seen the same is equal.
func TestJoinLaws(t *testing.T) {
	t.Run("GCounter", holdLaws(gcounterOp))
	t.Run("PNCounter", holdLaws(pncounterOp))
	t.Run("BoundedCounter", holdLaws(boundedOp))
	t.Run("GSet", holdLaws(gsetOp))
	t.Run("AWSet", holdLaws(awsetOp))
	t.Run("RWSet", holdLaws(rwsetOp))
	t.Run("LWWRegister", holdLaws(lwwOp))
	t.Run("MVRegister", holdLaws(mvOp))
	t.Run("EWFlag", holdLaws(flagOp))
	t.Run("Map", holdLaws(mapOp))
	t.Run("Sequence", holdLaws(sequenceOp))
}

func gcounterOp(r *rand.Rand, s *crdt.GCounter, actor uint64) *crdt.GCounter {
	d, err := s.Add(actor, r.Uint64N(5))
	if err != nil {
		panic(err)
	}
	return d
}

func pncounterOp(r *rand.Rand, s *crdt.PNCounter, actor uint64) *crdt.PNCounter {
	d, err := s.Add(actor, r.Int64N(11)-5)
	if err != nil {
		panic(err)
	}
	return d
}

func boundedOp(r *rand.Rand, s *crdt.BoundedCounter, actor uint64) (d *crdt.BoundedCounter) {
	var err error
	n := r.Uint64N(6)
	switch r.IntN(3) {
	case 0:
		d, err = s.Add(actor, n)
	case 1:
		d, err = s.Take(actor, n)
	default:
		d, err = s.Give(actor, 1+r.Uint64N(4), n)
	}
	if err != nil {
		return new(crdt.BoundedCounter)
	}
	return d
}

func gsetOp(r *rand.Rand, s *crdt.GSet, _ uint64) *crdt.GSet {
	return s.Add(fmt.Sprint(r.IntN(20)), letter(r))
}

func awsetOp(r *rand.Rand, s *crdt.AWSet, actor uint64) *crdt.AWSet {
	switch r.IntN(6) {
	case 0, 1:
		return s.Remove(letter(r))
	case 2:
		return s.RemoveSeen(s.Seen(letter(r)))
	}
	return s.Add(actor, letter(r))
}

func rwsetOp(r *rand.Rand, s *crdt.RWSet, actor uint64) *crdt.RWSet {
	switch r.IntN(8) {
	case 0, 1, 2:
		return s.Remove(actor, letter(r))
	case 3:
		return s.Prune(s.Context())
	}
	return s.Add(actor, letter(r))
}

func lwwOp(r *rand.Rand, s *crdt.LWWRegister, actor uint64) *crdt.LWWRegister {
	return s.Set(r.Uint64N(5), actor, letter(r))
}

func mvOp(r *rand.Rand, s *crdt.MVRegister, actor uint64) *crdt.MVRegister {
	switch r.IntN(6) {
	case 0:
		return s.Clear()
	case 1:
		return s.SetSeen(actor, letter(r), crdt.Context{})
	}
	return s.Set(actor, letter(r))
}

func flagOp(r *rand.Rand, s *crdt.EWFlag, actor uint64) *crdt.EWFlag {
	if r.IntN(2) == 0 {
		return s.Disable()
	}
	return s.Enable(actor)
}

func mapOp(r *rand.Rand, m *crdt.Map, actor uint64) *crdt.Map {
	path := []string{letter(r)}
	for r.IntN(2) == 0 {
		path = append(path, letter(r))
	}
	switch r.IntN(10) {
	case 0, 1:
		return m.Counter(path...).Add(actor, r.Int64N(9)-4)
	case 2, 3:
		return m.Set(path...).Add(actor, letter(r))
	case 4:
		return m.Set(path...).Remove(letter(r))
	case 5:
		return m.Register(path...).Set(actor, letter(r))
	case 6:
		return m.Flag(path...).Enable(actor)
	case 7:
		return m.Flag(path...).Disable()
	case 8:
		return m.RemoveSeen(m.Seen(path...))
	}
	return m.Remove(path...)
}

func sequenceOp(r *rand.Rand, s *crdt.Sequence, actor uint64) *crdt.Sequence {
	if n := s.Len(); n > 0 && r.IntN(3) == 0 {
		i := r.IntN(n)
		return s.Delete(i, 1+r.IntN(min(3, n-i)))
	}
	text := ""
	for range 1 + r.IntN(3) {
		text += letter(r)
	}
	return s.InsertText(actor, r.IntN(s.Len()+1), text)
}

// TestNothingIsShared: a copy, a delta and a state that was joined into another
// stay as they are when the other changes.
func TestNothingIsShared(t *testing.T) {
	t.Run("GCounter", holdApart(gcounterOp))
	t.Run("PNCounter", holdApart(pncounterOp))
	t.Run("BoundedCounter", holdApart(boundedOp))
	t.Run("GSet", holdApart(gsetOp))
	t.Run("AWSet", holdApart(awsetOp))
	t.Run("RWSet", holdApart(rwsetOp))
	t.Run("LWWRegister", holdApart(lwwOp))
	t.Run("MVRegister", holdApart(mvOp))
	t.Run("EWFlag", holdApart(flagOp))
	t.Run("Map", holdApart(mapOp))
	t.Run("Sequence", holdApart(sequenceOp))
}

func holdApart[T any, S crdt.State[T]](op op[T]) func(*testing.T) {
	return func(t *testing.T) {
		for seed := range uint64(seeds / 5) {
			r := rand.New(rand.NewPCG(seed, 13))
			all := []S{new(T)}
			for range 30 {
				i := r.IntN(len(all))
				var was [][]byte
				for _, s := range all {
					was = append(was, bytesOf[T](s))
				}
				var fresh S
				switch r.IntN(4) {
				case 0:
					fresh = all[i].Clone()
				case 1:
					all[i].Join((*T)(all[r.IntN(len(all))]))
				case 2:
					if fresh = S(new(T)); r.IntN(2) == 0 {
						op(r, (*T)(fresh), uint64(100+len(all)))
					}
					fresh.Join((*T)(all[i]))
				default:
					fresh = op(r, (*T)(all[i]), uint64(1+i))
				}
				for k, s := range all {
					if k != i && string(bytesOf[T](s)) != string(was[k]) {
						t.Fatalf("seed %d: %d changed with %d", seed, k, i)
					}
				}
				if fresh != nil {
					all = append(all, fresh)
				}
			}
		}
	}
}
