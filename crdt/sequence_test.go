package crdt_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"althing/clock"
	"althing/crdt"
)

// A fugue is the algorithm of the paper with nothing to make it fast:
// every question goes through the whole tree.
type fugue map[clock.Dot]leaf

type leaf struct {
	value  string
	parent clock.Dot // zero: the root
	side   byte      // 'L' or 'R'
	gone   bool
}

// walk goes through the subtree at id in order, tombstones too.
func (f fugue) walk(id clock.Dot, visit func(clock.Dot)) {
	children := func(side byte) {
		var ids []clock.Dot
		for c, l := range f {
			if l.parent == id && l.side == side {
				ids = append(ids, c)
			}
		}
		slices.SortFunc(ids, clock.Dot.Compare)
		for _, c := range ids {
			f.walk(c, visit)
		}
	}
	children('L')
	visit(id)
	children('R')
}

// order returns all ids, the root and the tombstones too.
func (f fugue) order() (ids []clock.Dot) {
	f.walk(clock.Dot{}, func(id clock.Dot) { ids = append(ids, id) })
	return ids
}

func (f fugue) visible() (ids []clock.Dot) {
	return slices.DeleteFunc(f.order(), func(id clock.Dot) bool {
		return id == clock.Dot{} || f[id].gone
	})
}

func (f fugue) insert(id clock.Dot, i int, value string) {
	left := clock.Dot{}
	if i > 0 {
		left = f.visible()[i-1]
	}
	hasRight := false
	for _, l := range f {
		hasRight = hasRight || l.parent == left && l.side == 'R'
	}
	if !hasRight {
		f[id] = leaf{value, left, 'R', false}
		return
	}
	all := f.order()
	f[id] = leaf{value, all[slices.Index(all, left)+1], 'L', false}
}

func (f fugue) remove(i int) {
	id := f.visible()[i]
	l := f[id]
	f[id] = leaf{"", l.parent, l.side, true}
}

func (f fugue) join(o fugue) {
	for id, l := range o {
		if !f[id].gone {
			f[id] = l
		}
	}
}

func (f fugue) String() string {
	var b strings.Builder
	for _, id := range f.visible() {
		b.WriteString(f[id].value)
	}
	return b.String()
}

// TestSequenceIsFugue: after every step of random histories a Sequence is what
// the algorithm of the paper says; and each replica sees its own insert where
// it made it, and nothing else moved.
func TestSequenceIsFugue(t *testing.T) {
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 3))
		type replica struct {
			s   *crdt.Sequence
			f   fugue
			seq uint64
		}
		replicas := make([]replica, 3)
		for i := range replicas {
			replicas[i] = replica{new(crdt.Sequence), fugue{}, 0}
		}
		type message struct { // a whole state: the algorithm needs parents before children
			s *crdt.Sequence
			f fugue
		}
		var sent []message
		for step := range 70 {
			i := r.IntN(len(replicas))
			p := &replicas[i]
			was := slices.Collect(p.s.All())
			k := r.IntN(6)
			switch {
			case k < 3:
				at := r.IntN(p.s.Len() + 1)
				values := []string{fmt.Sprintf("%c%d ", 'a'+i, step), fmt.Sprintf("%c%d' ", 'a'+i, step)}
				p.s.Insert(uint64(i+1), at, values...)
				for k, v := range values {
					p.seq++
					p.f.insert(clock.Dot{Actor: uint64(i + 1), Seq: p.seq}, at+k, v)
				}
				was = slices.Insert(was, at, values...)
			case k == 3 && len(was) > 0:
				at := r.IntN(len(was))
				p.s.Delete(at, 1)
				p.f.remove(at)
				was = slices.Delete(was, at, at+1)
			case len(sent) > 0:
				m := sent[r.IntN(len(sent))]
				p.s.Join(m.s)
				p.f.join(m.f)
				was = slices.Collect(p.s.All())
			}
			if got := slices.Collect(p.s.All()); !slices.Equal(got, was) {
				t.Fatalf("seed %d: %q after a change that makes %q", seed, got, was)
			}
			if got, want := p.s.String(), p.f.String(); got != want {
				t.Fatalf("seed %d, step %d: %q, not %q", seed, step, got, want)
			}
			if p.s.Len() > 0 && p.s.At(p.s.Len()-1) != was[len(was)-1] {
				t.Fatalf("seed %d: the last of %q is %q", seed, was, p.s.At(p.s.Len()-1))
			}
			if k <= 3 {
				f := fugue{}
				f.join(p.f)
				sent = append(sent, message{p.s.Clone(), f})
			}
		}
	}
}

// TestSequenceOrderIsOne: whatever deltas arrive in whatever order, all replicas
// at all times see parts of one order. (The strong list specification: Attiya
// et al., Specification and complexity of collaborative text editing, 2016.)
func TestSequenceOrderIsOne(t *testing.T) {
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 4))
		replicas := []*crdt.Sequence{{}, {}, {}}
		var all crdt.Sequence
		var sent []*crdt.Sequence
		var seen [][]string
		for step := range 80 {
			i := r.IntN(len(replicas))
			s := replicas[i]
			switch k := r.IntN(6); {
			case k < 3:
				d := s.Insert(uint64(i+1), r.IntN(s.Len()+1), fmt.Sprint(step), fmt.Sprint(step, "'"))
				all.Join(d)
				sent = append(sent, d)
			case k == 3 && s.Len() > 0:
				sent = append(sent, s.Delete(r.IntN(s.Len()), 1))
			case len(sent) > 0:
				s.Join(sent[r.IntN(len(sent))])
			}
			seen = append(seen, slices.Collect(s.All()))
		}
		place := map[string]int{} // all has every insert and no delete
		for v := range all.All() {
			place[v] = len(place)
		}
		for _, list := range seen {
			for k := range list {
				if k > 0 && place[list[k-1]] >= place[list[k]] {
					t.Fatalf("seed %d: %q before %q, and elsewhere behind", seed, list[k-1], list[k])
				}
			}
		}
	}
}

// TestSequenceDoesNotInterleave: two write a line each at the same place, one
// letter at a time, forwards or backwards, and the lines stay whole.
func TestSequenceDoesNotInterleave(t *testing.T) {
	forwards := func(s *crdt.Sequence, actor uint64, at int, text string) {
		for i, c := range strings.Split(text, "") {
			s.Insert(actor, at+i, c)
		}
	}
	backwards := func(s *crdt.Sequence, actor uint64, at int, text string) {
		for _, c := range slices.Backward(strings.Split(text, "")) {
			s.Insert(actor, at, c)
		}
	}
	inTheMiddle := func(s *crdt.Sequence, actor uint64, at int, text string) {
		for i, c := range strings.Split(text[:len(text)/2], "") {
			s.Insert(actor, at+i, c)
		}
		for _, c := range slices.Backward(strings.Split(text[len(text)/2:], "")) {
			s.Insert(actor, at+len(text)/2, c)
		}
	}
	writers := []func(*crdt.Sequence, uint64, int, string){forwards, backwards, inTheMiddle}
	for i, one := range writers {
		for j, other := range writers {
			for _, base := range []string{"", "()"} {
				var a, b crdt.Sequence
				b.Join(a.InsertText(9, 0, base))
				one(&a, 1, len(base)/2, "shoes")
				other(&b, 2, len(base)/2, "bread")
				a.Join(&b)
				if got := a.String(); !strings.Contains(got, "shoes") || !strings.Contains(got, "bread") {
					t.Errorf("writers %d and %d at the middle of %q: %q", i, j, base, got)
				}
			}
		}
	}
}

// TestSequencePartsFit: a node by node join and one that makes the tree anew
// agree, though the nodes come in any order.
func TestSequencePartsFit(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 5))
	var whole crdt.Sequence
	var parts []*crdt.Sequence
	for i := range 3000 {
		if i%7 == 6 {
			parts = append(parts, whole.Delete(r.IntN(whole.Len()), 1))
			continue
		}
		parts = append(parts, whole.Insert(1+r.Uint64N(3), r.IntN(whole.Len()+1), fmt.Sprint(i, " ")))
	}
	for range 3 {
		r.Shuffle(len(parts), func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })
		var byOne, byMany crdt.Sequence
		for i := 0; i < len(parts); {
			var some crdt.Sequence
			for n := r.IntN(300); n >= 0 && i < len(parts); n-- {
				byOne.Join(parts[i])
				some.Join(parts[i])
				i++
			}
			byMany.Join(&some)
			if byOne.String() != byMany.String() || byOne.Len() != byMany.Len() {
				t.Fatalf("after %d parts one by one is not many at once", i)
			}
		}
		if byOne.String() != whole.String() || !same(&byOne, &whole) || !same(&byMany, &whole) {
			t.Fatal("the parts do not make the whole")
		}
	}
	if again := reread(t, &whole); again.String() != whole.String() {
		t.Fatal("what was read stands in another order")
	}
	size := whole.Size()
	if size.Tombstones != 3000/7 || size.Entries != 3000-2*(3000/7) || size.Entries != whole.Len() {
		t.Errorf("%+v of %d", size, whole.Len())
	}
}

// TestSequencePanics: a place that is not there is a mistake of the program.
func TestSequencePanics(t *testing.T) {
	var s crdt.Sequence
	s.InsertText(1, 0, "abc")
	for name, f := range map[string]func(){
		"insert before":  func() { s.Insert(1, -1, "x") },
		"insert beyond":  func() { s.Insert(1, 4, "x") },
		"delete before":  func() { s.Delete(-1, 1) },
		"delete beyond":  func() { s.Delete(2, 2) },
		"delete minus":   func() { s.Delete(2, -1) },
		"element beyond": func() { s.At(3) },
		"element before": func() { s.At(-1) },
	} {
		if !panics(f) {
			t.Errorf("%s: no panic", name)
		}
	}
	if s.String() != "abc" {
		t.Error(s.String())
	}
}

func panics(f func()) (did bool) {
	defer func() { did = recover() != nil }()
	f()
	return
}
