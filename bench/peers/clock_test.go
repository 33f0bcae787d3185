package peers

import (
	"fmt"
	"testing"

	"github.com/DistributedClocks/GoVector/govec/vclock"
	"github.com/lafikl/hlc"
)

// goVector returns a clock of GoVector with so many entries, all of them n.
func goVector(entries int, n uint64) vclock.VClock {
	v := vclock.New()
	for i := range entries {
		v.Set(fmt.Sprint("process-", i), n)
	}
	return v
}

func BenchmarkVectorTick(b *testing.B) {
	v := goVector(100, 1)
	b.ReportAllocs()
	for b.Loop() {
		v.Tick("process-50")
	}
}

func BenchmarkVectorMerge100(b *testing.B) {
	v, w := goVector(100, 1), goVector(100, 2)
	b.ReportAllocs()
	for b.Loop() {
		v.Merge(w)
	}
}

// BenchmarkVectorCompare100 asks the one question whose answer is yes; to learn
// the order of two clocks takes up to four.
func BenchmarkVectorCompare100(b *testing.B) {
	v, w := goVector(100, 1), goVector(100, 1)
	v.Set("process-50", 2)
	w.Set("process-51", 2)
	b.ReportAllocs()
	for b.Loop() {
		if !v.Compare(w, vclock.Concurrent) {
			b.Fatal("not concurrent")
		}
	}
}

func BenchmarkVectorClone100(b *testing.B) {
	v := goVector(100, 1)
	b.ReportAllocs()
	for b.Loop() {
		v.Copy()
	}
}

func BenchmarkHybridNow(b *testing.B) {
	c := hlc.New()
	b.ReportAllocs()
	for b.Loop() {
		c.Now()
	}
}

func BenchmarkHybridWitness(b *testing.B) {
	c := hlc.New()
	heard := hlc.New().Now()
	b.ReportAllocs()
	for b.Loop() {
		c.Update(heard)
	}
}
