package sim

import (
	"fmt"
	"io"
	"time"

	"althing/process"
	"althing/quorum"
	"althing/sim/dice"
	"althing/sim/fault"
)

// Faults is a set of kinds of things that may happen to a group.
type Faults = fault.Set

// The kinds and the named sets of them; see package fault.
const (
	Loss, Duplicate, Reorder, Delay        = fault.Loss, fault.Duplicate, fault.Reorder, fault.Delay
	Partition                              = fault.Partition
	SlowDisk, FailFlush, LoseDisk, Corrupt = fault.SlowDisk, fault.FailFlush, fault.LoseDisk, fault.Corrupt
	Skew, Drift, Pause, Crash              = fault.Skew, fault.Drift, fault.Pause, fault.Crash
	Compact, Members, Transfer             = fault.Compact, fault.Members, fault.Transfer

	None, Net, Disk, Clock, Ops, All = fault.None, fault.Net, fault.Disk, fault.Clock, fault.Ops, fault.All

	faultKinds = fault.Kinds
)

// Options say what to simulate. Zero fields have the defaults named.
type Options struct {
	Seed     uint64
	Nodes    int           // voters at first, at most MaxNodes; drawn from 2 to 5 if 0, mostly 3
	Duration time.Duration // of the phase with faults, in virtual time: 10 s
	Settle   time.Duration // bound on the phase without: 20 s
	Clients  int           // drawn from 4 to 10 if 0; at most MaxClients
	Keys     int           // registers; drawn from 1 to 5 if 0
	Rate     int           // requests a second of virtual time, all clients together; drawn if 0
	Faults   Faults        // those that may be drawn
	Process  process.Config
	// Lease is drawn if neither it nor NoLease is set.
	Lease, NoLease bool
	// Whole heals all in the second phase, for protocols that need one particular
	// replica, to recover or mend others: elsewhere a majority may have to do.
	Whole bool

	Trace io.Writer // if set, gets a trace: see package trace

	meter  *meter // of a Trial
	record bool   // keep the schedule
	off    Faults // kinds that are not to happen, though the seed draws them
}

const (
	// MaxNodes leaves room in a World for the replicas that join later.
	MaxNodes = 15
	// MaxClients keeps histories within reach of the check.
	MaxClients = 32
)

func (o *Options) defaults() {
	set(&o.Duration, 10*time.Second)
	set(&o.Settle, 20*time.Second)
	set(&o.Process.Drift, 0.05)
	o.Nodes, o.Clients = min(o.Nodes, MaxNodes), min(o.Clients, MaxClients)
}

func set[T comparable](p *T, v T) {
	var zero T
	if *p == zero {
		*p = v
	}
}

// A plan is what a seed draws from the options: all that its schedule is made
// of, but for the single throws.
type plan struct {
	faults  Faults // those that happen
	nodes   int
	clients int
	keys    int
	rate    int
	reads   int // percent
	lease   bool
	wire    bool // messages pass through their bytes

	delayMin, delayMean time.Duration // of a message
	tail                int           // ppm of messages that take up to 2 s
	large               time.Duration // what an application state takes more
	loss, duplicate     int           // ppm of messages
	sync                time.Duration // mean time of a flush
	every               [faultKinds]time.Duration
	last                [faultKinds]time.Duration // mean time that it lasts
	ppm                 int                       // clocks run up to this much fast
	retry               time.Duration             // how long clients wait for an answer
	heartbeat           time.Duration
	together            int // ppm of faults that bring another one soon after
	election            process.Span
	trailing            uint64
	batch, window       int // process.Config.BatchBytes and Window
	mood                mood
	strikes             strikes
	single              int           // ppm of random changes that are of one voter
	stray               int           // ppm of operations that begin at any replica
	pace                time.Duration // if set, half of the clients act so often, and half are loyal
	apart               time.Duration // mean time that a mood cuts off, if longer than an election
	hurry               time.Duration // until a new leader is asked to change the group
	whole               bool          // no replica may be left out
	spare               bool          // one may be gone for good
	volatile            bool          // replicas lose their memory in a crash
}

// bear takes out what the protocol does not claim to survive: replicas that are gone for good where
// it needs all, or cannot replace them; clocks off by more than drift, in ppm, where it leans on them.
func (p *plan) bear(of *process.Protocol, drift int) {
	if of.Facts.Replicas != nil {
		n := of.Facts.Replicas(p.nodes - quorum.Majority(p.nodes))
		p.whole = n == 0 || n > p.nodes
		one := of.Facts.Replicas(1)
		p.spare = one > 0 && one <= p.nodes
	}
	p.volatile = of.Facts.Volatile
	p.spare = p.spare && !of.Facts.Volatile && !of.Facts.Loses && !of.Facts.Shrinks
	p.whole = p.whole || of.Facts.Volatile || of.Facts.Loses || of.Facts.Shrinks // see Options.Whole
	if of.Facts.Loses {
		p.ppm = min(p.ppm, drift)
	}
	if p.whole || !of.Facts.Serves() && !of.Facts.Stores {
		p.faults &^= LoseDisk | Corrupt
	}
}

func planned(o *Options) plan {
	if o.meter != nil {
		return o.meter.trial.plan()
	}
	return draw(o)
}

// draw makes the plan of a seed. Each kind of fault draws from a stream of its
// own, whether it is on or not.
func draw(o *Options) plan {
	d := dice.New(o.Seed, planStream)
	p := plan{
		nodes:     dice.Pick(&d, []int{3, 3, 3, 3, 5, 5, 4, 2}),
		rate:      d.Scale(40, 400),
		reads:     10 + d.Below(60),
		clients:   4 + d.Below(7),
		keys:      1 + d.Below(5),
		lease:     d.Chance(500_000),
		wire:      d.Chance(60_000),
		delayMin:  d.Span(20*time.Microsecond, 2*time.Millisecond),
		delayMean: d.Span(50*time.Microsecond, 8*time.Millisecond),
		sync:      d.Span(50*time.Microsecond, 5*time.Millisecond),
		together:  dice.Pick(&d, []int{0, 100_000, 400_000}),
		large:     d.Span(time.Millisecond, time.Second),
		retry:     d.Span(100*time.Millisecond, time.Second),
		heartbeat: dice.Pick(&d, []time.Duration{20, 50, 50, 100}) * time.Millisecond,
		election: process.Span{
			Min: electionMin, Max: dice.Pick(&d, []time.Duration{160, 200, 300, 300}) * time.Millisecond,
		},
		trailing: uint64(max(0, d.Below(80)-40)),
		batch:    dice.Pick(&d, []int{0, 0, 1, 100}),
		window:   dice.Pick(&d, []int{0, 0, 1, 4}),
	}
	everything := d.Chance(60_000) // some seeds take all that is allowed
	for i := range faultKinds {
		d := dice.New(o.Seed, rateStream+uint64(i))
		on := d.Chance(500_000) || everything
		if kind := Faults(1 << i); on && o.Faults.Has(kind) && !o.off.Has(kind) {
			p.faults |= kind
			p.drawFault(kind, &d, o)
		}
	}
	if lossy := p.faults & (LoseDisk | Corrupt); lossy != 0 && p.faults.Has(Members) { // see loseDisk
		p.faults &^= dice.Pick(&d, []Faults{Members, LoseDisk | Corrupt})
	}
	m := dice.New(o.Seed, moodStream)
	p.drawMood(&m, o)
	override(&p.nodes, o.Nodes)
	override(&p.clients, o.Clients)
	override(&p.keys, o.Keys)
	p.rate = min(p.rate, maxRate*p.keys)
	override(&p.rate, o.Rate)
	p.lease = (p.lease || o.Lease) && !o.NoLease
	if p.lease { // they rest on it
		p.ppm = min(p.ppm, int(o.Process.Drift*1e6))
	}
	return p
}

// maxRate bounds the requests a second of one register: the work of the check
// may double with each operation that overlaps.
const maxRate = 100

// electionMin is ten times what a message and a flush take in most seeds.
const electionMin = 150 * time.Millisecond

func override(p *int, v int) {
	if v != 0 {
		*p = v
	}
}

// drawFault draws how often a kind happens, and how long it lasts.
func (p *plan) drawFault(kind Faults, d *dice.Dice, o *Options) {
	i := kind.Number()
	p.every[i], p.last[i] = d.Span(50*time.Millisecond, 8*time.Second), d.Span(20*time.Millisecond, 2*time.Second)
	switch kind {
	case Loss:
		p.loss = d.Scale(500, 200_000)
	case Duplicate:
		p.duplicate = d.Scale(500, 200_000)
	case Delay:
		p.tail = d.Scale(100, 20_000)
		p.delayMean = d.Span(p.delayMean, 4*p.delayMean)
	case Drift:
		p.ppm = d.Scale(1000, 200_000)
	case Compact:
		p.every[i] = d.Span(30*time.Millisecond, 3*time.Second)
	case Crash, FailFlush:
		p.last[i] = d.Span(time.Millisecond, 2*time.Second)
	case LoseDisk, Corrupt:
		p.every[i] = d.Span(2*time.Second, 10*time.Second)
	}
}

// String prints the options in full, and what the seed draws from them.
func (o *Options) String() string {
	c := *o
	c.defaults()
	p := draw(&c)
	s := fmt.Sprintf("seed=%d duration=%v settle=%v faults=%s drift=%g | drawn: mood=%v nodes=%d clients=%d keys=%d "+
		"rate=%d reads=%d%% lease=%t wire=%t delay=%v+%v sync=%v retry=%v heartbeat=%v election=%v..%v trailing=%d "+
		"batch=%d window=%d",
		c.Seed, c.Duration, c.Settle, c.Faults&^c.off, c.Process.Drift, p.mood,
		p.nodes, p.clients, p.keys, p.rate,
		p.reads, p.lease, p.wire, p.delayMin, p.delayMean, p.sync, p.retry, p.heartbeat, p.election.Min, p.election.Max,
		p.trailing, p.batch, p.window)
	for i, name := range fault.Names {
		if p.faults&(1<<i) == 0 {
			continue
		}
		switch Faults(1 << i) {
		case Loss:
			s += fmt.Sprintf(" loss=%dppm", p.loss)
		case Duplicate:
			s += fmt.Sprintf(" duplicate=%dppm", p.duplicate)
		case Delay:
			s += fmt.Sprintf(" delay=%dppm", p.tail)
		case Drift:
			s += fmt.Sprintf(" drift=%dppm", p.ppm)
		case Reorder, Skew:
			s += " " + name
		default:
			s += fmt.Sprintf(" %s=%v/%v", name, p.every[i], p.last[i])
		}
	}
	return s
}
