package crdt_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"althing/crdt"
)

func words(n int) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprintf("element-%06d", i)
	}
	rand.New(rand.NewPCG(9, 9)).Shuffle(n, func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all
}

// large returns a set of n elements by three actors.
func large(n int) *crdt.AWSet {
	s := new(crdt.AWSet)
	for i, w := range words(n) {
		s.Add(uint64(1+i%3), w)
	}
	return s
}

func BenchmarkPNCounterAdd(b *testing.B) {
	b.ReportAllocs()
	var c crdt.PNCounter
	for b.Loop() {
		c.Add(1, 1)
	}
}

func BenchmarkGCounterJoin100(b *testing.B) {
	var x, y crdt.GCounter
	for i := range uint64(100) {
		x.Add(i, 1+i)
		y.Add(i, 100-i)
	}
	b.ReportAllocs()
	for b.Loop() {
		x.Join(&y)
	}
}

func BenchmarkAWSet10k(b *testing.B) {
	s := large(10_000)
	all := words(10_000)
	i := 0
	next := func() string { i++; return all[i%len(all)] }
	b.Run("has", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			s.Has(next())
		}
	})
	b.Run("add", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			s.Add(1, next())
		}
	})
	other := s.Clone()
	b.Run("join-delta", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			other.Join(s.Add(1, next()))
		}
	})
	b.Run("join-remove-delta", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			w := next()
			other.Join(s.Remove(w))
			other.Join(s.Add(1, w))
		}
	})
	b.Run("join-state", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			other.Join(s)
		}
	})
	b.Run("write", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			b.SetBytes(int64(len(bytesOf(s))))
		}
	})
	bytes := bytesOf(s)
	b.Run("read", func(b *testing.B) {
		b.ReportAllocs()
		b.SetBytes(int64(len(bytes)))
		for b.Loop() {
			if err := other.UnmarshalBinary(bytes); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkMap1kRegisterDelta(b *testing.B) {
	var m, other crdt.Map
	all := words(1000)
	for _, w := range all {
		m.Register("users", w).Set(1, "value")
	}
	other.Join(&m)
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		i++
		other.Join(m.Register("users", all[i%len(all)]).Set(1, "value"))
	}
}

func BenchmarkSequence100k(b *testing.B) {
	r := rand.New(rand.NewPCG(10, 10))
	var s crdt.Sequence
	for range 1000 {
		text := ""
		for range 100 {
			text += letter(r)
		}
		s.InsertText(1, r.IntN(s.Len()+1), text)
	}
	other, bytes := s.Clone(), bytesOf(&s)
	b.Run("insert", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			s.Insert(1, r.IntN(s.Len()+1), "x")
		}
	})
	b.Run("insert-and-join-delta", func(b *testing.B) {
		other.Join(&s)
		b.ReportAllocs()
		for b.Loop() {
			other.Join(s.Insert(1, r.IntN(s.Len()+1), "x"))
		}
	})
	b.Run("typing-backwards", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			s.Insert(1, 0, "x")
		}
	})
	b.Run("typing", func(b *testing.B) {
		b.ReportAllocs()
		at := s.Len() / 2
		for b.Loop() {
			s.Insert(1, at, "x")
			at++
		}
	})
	b.Run("read", func(b *testing.B) {
		b.ReportAllocs()
		b.SetBytes(int64(len(bytes)))
		for b.Loop() {
			if err := other.UnmarshalBinary(bytes); err != nil {
				b.Fatal(err)
			}
		}
	})
}
