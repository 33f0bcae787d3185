// Package staleness says how stale reads are when read and write quorums need
// not meet: R + W ≤ N, as many stores are run by default.
//
// The question has two forms (Bailis et al., "Probabilistically Bounded
// Staleness for Practical Partial Quorums", VLDB 2012). How many versions may a
// read be behind? Missed and Within answer in closed form, as if the quorums
// were drawn at random each time. And how long after a write was acknowledged
// is it surely seen? A write goes to all N replicas and spreads on after W have
// answered; so that is a race, between the write on its way to the replicas
// and the read on its way:
//
//	W  write: coordinator to replica        R  read: coordinator to replica
//	A  its acknowledgement on the way back   S  the response on the way back
//
// A write is done when W acknowledgements are back, at w. A read started t later
// takes the first R responses; it sees the write if one of these replicas got
// the read, at w + t + R, no earlier than the write, at W. Model.Run draws such
// races and returns for each share of reads the least t, along with what reads
// and writes take. A Dist says how long a message takes: Pareto and Exp, a
// Mixture of others, or Empirical from what was measured.
//
// What it leaves out: replicas that fail, read repair, hinted handoff and
// anti-entropy, all but the first of which make reads fresher. Staleness is not
// the whole of consistency: reads that meet every write can still run
// backwards while a write is on its way.
package staleness

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"
)

// Missed returns the chance that a random read quorum of r misses a random write
// quorum of w of n replicas: C(n-w, r) / C(n, r). It is 0 if r + w > n (§3.1).
// It returns an error unless 1 ≤ r, w ≤ n ≤ MaxReplicas.
func Missed(n, r, w int) (float64, error) {
	if err := check(n, r, w); err != nil {
		return 0, err
	}
	p := 1.0
	for i := range r { // the product of the fractions, each below 1
		p *= max(0, float64(n-w-i)) / float64(n-i)
	}
	return p, nil
}

// Within returns the chance that a read returns one of the last k versions, for
// k ≥ 1: 1 - Missed^k, as each of k writes went to quorums drawn anew (§3.1).
func Within(n, r, w, k int) (float64, error) {
	p, err := Missed(n, r, w)
	if err == nil && k < 1 {
		err = fmt.Errorf("staleness: the last %d versions: want at least 1", k)
	}
	return 1 - math.Pow(p, float64(k)), err
}

// Versions returns the least k such that a read returns one of the last k
// versions with the given chance, 0 ≤ chance < 1.
func Versions(n, r, w int, chance float64) (int, error) {
	p, err := Missed(n, r, w)
	switch {
	case err != nil:
		return 0, err
	case !(chance >= 0 && chance < 1):
		return 0, fmt.Errorf("staleness: chance %v: want at least 0 and below 1", chance)
	case p == 0 || p <= 1-chance:
		return 1, nil
	}
	return int(math.Ceil(math.Log(1-chance)/math.Log(p) - 1e-9)), nil
}

// Monotonic returns the chance that a client's read is no older than its last
// one, when all clients together write at one rate and this client reads at
// another: 1 - Missed^(1 + writes/reads) (§3.2). Rates have the same unit and
// are above 0.
func Monotonic(n, r, w int, writes, reads float64) (float64, error) {
	p, err := Missed(n, r, w)
	if err == nil && (!(writes > 0) || !(reads > 0)) {
		err = fmt.Errorf("staleness: %v writes and %v reads: want rates above 0", writes, reads)
	}
	return 1 - math.Pow(p, 1+writes/reads), err
}

const (
	// MaxReplicas is the most replicas of one datum.
	MaxReplicas = 1000
	// MaxTrials is the most races of a run, of which three numbers each are kept.
	MaxTrials = 10_000_000
)

func check(n, r, w int) error {
	switch {
	case n < 1 || n > MaxReplicas:
		return fmt.Errorf("staleness: %d replicas: want 1 to %d", n, MaxReplicas)
	case r < 1 || r > n:
		return fmt.Errorf("staleness: R = %d of N = %d: want 1 to N", r, n)
	case w < 1 || w > n:
		return fmt.Errorf("staleness: W = %d of N = %d: want 1 to N", w, n)
	}
	return nil
}

// A Model is a configuration and the network that it runs on.
type Model struct {
	N, R, W int
	// How long messages take: a write to a replica, its acknowledgement, a read
	// to a replica, its response. Each message is drawn by itself.
	Write, Ack, Read, Response Dist
	// Apart is one way to each replica, on top, for all replicas but one: that in
	// the data centre of the coordinator, which is drawn by itself for the write
	// and for the read. 0 if all are in one place.
	Apart time.Duration
}

// Result is what came out of the races of a run.
type Result struct {
	write, read, fresh []time.Duration // sorted
}

// Run draws so many races from a seed: the same seed gives the same result. It
// returns an error for a configuration that is none, or a distribution missing.
func (m Model) Run(trials int, seed uint64) (*Result, error) {
	if err := check(m.N, m.R, m.W); err != nil {
		return nil, err
	}
	if trials < 1 || trials > MaxTrials {
		return nil, fmt.Errorf("staleness: %d trials: want 1 to %d", trials, MaxTrials)
	}
	if m.Apart < 0 {
		return nil, fmt.Errorf("staleness: replicas %v apart: want at least 0", m.Apart)
	}
	for what, d := range []Dist{m.Write, m.Ack, m.Read, m.Response} {
		if d == nil {
			return nil, fmt.Errorf("staleness: the model has no distribution for %s",
				[]string{"Write", "Ack", "Read", "Response"}[what])
		}
		if err := d.check(); err != nil {
			return nil, err
		}
	}
	rng := rand.New(rand.NewPCG(seed, seed))
	res := &Result{make([]time.Duration, trials), make([]time.Duration, trials),
		make([]time.Duration, trials)}
	race := newRace(m)
	for i := range trials {
		w, r, t := race.run(rng)
		res.write[i], res.read[i], res.fresh[i] = duration(w), duration(r), duration(t)
	}
	slices.Sort(res.write)
	slices.Sort(res.read)
	slices.Sort(res.fresh)
	return res, nil
}

// duration rounds nanoseconds, and caps what a Duration cannot hold.
func duration(ns float64) time.Duration {
	if ns >= math.MaxInt64 {
		return math.MaxInt64
	}
	return time.Duration(math.Round(ns))
}

// A race is the scratch space of one.
type race struct {
	m         Model
	arrival   []float64 // of the write, by replica
	done      []float64 // of the acknowledgements
	responses []response
}

type response struct {
	back    float64 // when the response is there, after the read began
	arrival float64 // when the read was at the replica
	replica int
}

func newRace(m Model) *race {
	return &race{m, make([]float64, m.N), make([]float64, m.N), make([]response, m.N)}
}

// run returns how long the write took, how long the read, and how long after the
// write the read has to begin to see it: in nanoseconds.
func (r *race) run(rng *rand.Rand) (write, read, fresh float64) {
	m := &r.m
	nearWrite, nearRead := 0, 0
	if m.Apart > 0 {
		nearWrite, nearRead = rng.IntN(m.N), rng.IntN(m.N)
	}
	for i := range m.N {
		apart := float64(m.Apart)
		if i == nearWrite {
			apart = 0
		}
		r.arrival[i] = m.Write.draw(rng) + apart
		r.done[i] = r.arrival[i] + m.Ack.draw(rng) + apart
		apart = float64(m.Apart)
		if i == nearRead {
			apart = 0
		}
		there := m.Read.draw(rng) + apart
		r.responses[i] = response{there + m.Response.draw(rng) + apart, there, i}
	}
	slices.Sort(r.done)
	write = r.done[m.W-1]
	slices.SortFunc(r.responses, func(a, b response) int {
		switch {
		case a.back < b.back:
			return -1
		case a.back > b.back:
			return 1
		}
		return 0
	})
	read = r.responses[m.R-1].back
	fresh = math.Inf(1)
	for _, s := range r.responses[:m.R] {
		fresh = min(fresh, r.arrival[s.replica]-write-s.arrival)
	}
	return write, read, max(0, fresh)
}

// quantile returns the least value that at least a share p of the sorted values
// do not exceed; p is cut to 0…1.
func quantile(sorted []time.Duration, p float64) time.Duration {
	i := int(math.Ceil(p*float64(len(sorted)) - 1e-9))
	return sorted[min(max(i-1, 0), len(sorted)-1)]
}

// Write returns the latency that a share p of writes keep.
func (r *Result) Write(p float64) time.Duration { return quantile(r.write, p) }

// Read returns the latency that a share p of reads keep.
func (r *Result) Read(p float64) time.Duration { return quantile(r.read, p) }

// Visible returns how long after a write a read has to begin to see it, or a
// newer one, with chance p: the t-visibility (§3.3).
func (r *Result) Visible(p float64) time.Duration { return quantile(r.fresh, p) }

// Fresh returns the share of reads that see the last write when they begin t
// after it.
func (r *Result) Fresh(t time.Duration) float64 {
	n, _ := slices.BinarySearch(r.fresh, t+1)
	return float64(n) / float64(len(r.fresh))
}
