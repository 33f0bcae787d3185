package crdt_test

import (
	"math/rand/v2"
	"testing"

	"althing/clock"
	"althing/crdt"
)

// TestContextIsASet: a context is the set of dots that were added, whatever
// spans it makes of them.
func TestContextIsASet(t *testing.T) {
	for seed := range uint64(100) {
		r := rand.New(rand.NewPCG(seed, 11))
		var c, o crdt.Context
		in, other := map[clock.Dot]bool{}, map[clock.Dot]bool{}
		random := func() clock.Dot { return clock.Dot{Actor: r.Uint64N(3), Seq: 1 + r.Uint64N(12)} }
		for range 25 {
			d, e := random(), random()
			c.Add(d)
			o.Add(e)
			in[d], other[e] = true, true
		}
		covers := true
		for d := range other {
			covers = covers && in[d]
		}
		if c.Covers(&o) != covers {
			t.Fatalf("%v covers %v: %v", &c, &o, !covers)
		}
		if r.IntN(2) == 0 {
			c.Join(&o)
			for d := range other {
				in[d] = true
			}
			if !c.Covers(&o) || c.Equal(&o) && !o.Covers(&c) {
				t.Fatalf("%v does not cover %v", &c, &o)
			}
		}
		spans := 0
		for actor := range uint64(3) {
			last := uint64(0)
			for seq := uint64(1); seq <= 13; seq++ {
				d := clock.Dot{Actor: actor, Seq: seq}
				if c.Has(d) != in[d] {
					t.Fatalf("%v has %v: %v", &c, d, !in[d])
				}
				if in[d] {
					last = seq
					if !in[clock.Dot{Actor: actor, Seq: seq - 1}] {
						spans++
					}
				}
			}
			if next := c.Next(actor); next != (clock.Dot{Actor: actor, Seq: last + 1}) {
				t.Fatalf("%v: next %v, not %d", &c, next, last+1)
			}
		}
		if c.Len() != spans || c.Cloud()+len(c.Vector()) != spans {
			t.Fatalf("%v: %d spans, of %d at least", &c, c.Len(), spans)
		}
		for _, d := range c.Vector() {
			for seq := uint64(1); seq <= d.Seq; seq++ {
				if !in[clock.Dot{Actor: d.Actor, Seq: seq}] {
					t.Fatalf("%v: vector %v", &c, c.Vector())
				}
			}
		}
		clone := c.Clone()
		for range 5 {
			clone.Add(random())
		}
		both := c.Clone()
		if both.Join(&clone); !both.Equal(&clone) || c.Len() != spans {
			t.Fatalf("%v is not in its copy %v, or changed with it", &c, &clone)
		}
	}
	var c crdt.Context
	c.Add(clock.Dot{Actor: 1})
	if c.Len() != 0 || c.Has(clock.Dot{Actor: 1}) {
		t.Error("the 0th event of an actor is none")
	}
}
