// Package solo measures protocols alone: three servers in one goroutine, with
// disks that are done at once and a network that keeps order.
package solo

import (
	"fmt"
	"runtime"
	"time"

	"althing/bench/child"
	"althing/bench/result"
)

// Part is what rows of this package are of.
const Part = "protocol alone, three servers in one goroutine, 256 B"

// valueBytes is the size of a command.
const valueBytes = 256

// A group is three servers that have a leader. commit has n commands decided
// and applied on all three.
type group interface{ commit(n int) error }

// compactEvery is how many entries are committed between two compactions of
// the logs, for all systems.
const compactEvery = 8192

// Measure commits commands for about the time given with each system.
func Measure(d time.Duration) ([]result.Row, error) {
	var rows []result.Row
	for _, s := range []struct {
		name  string
		open  func() (group, error)
		batch int
		load  string
	}{
		{"althing", newOurs, 1, "1 a step"},
		{"etcd-io/raft", newEtcd(false), 1, "1 a step"},
		{"althing", newOurs, 64, "64 a step"},
		{"etcd-io/raft", newEtcd(true), 64, "64 a step"},
		{"etcd-io/raft", newEtcd(false), 64, "64 steps of 1"},
	} {
		g, err := s.open()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", s.name, err)
		}
		row, err := measure(g, s.batch, d)
		if err != nil {
			return nil, fmt.Errorf("%s, %s: %w", s.name, s.load, err)
		}
		row.Part, row.System, row.Load = Part, s.name, s.load
		rows = append(rows, row)
	}
	return rows, nil
}

// measure repeats commit(batch). Rates are of CPU time, which other processes
// on the machine disturb less than the clock on the wall.
func measure(g group, batch int, d time.Duration) (result.Row, error) {
	if err := g.commit(batch); err != nil { // the first is the dearest
		return result.Row{}, err
	}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	cpu, err := child.CPU(0)
	if err != nil {
		return result.Row{}, err
	}
	n := 0
	for end := time.Now().Add(d); time.Now().Before(end); {
		for range 64 { // reading the clock costs as much as a step
			if err := g.commit(batch); err != nil {
				return result.Row{}, err
			}
			n += batch
		}
	}
	spent, err := child.CPU(0)
	if err != nil {
		return result.Row{}, err
	}
	runtime.ReadMemStats(&after)
	took := (spent - cpu).Seconds()
	return result.Row{
		PerSecond: float64(n) / took, CPU: took * 1e6 / float64(n),
		Allocs: float64(after.Mallocs-before.Mallocs) / float64(n),
	}, nil
}
