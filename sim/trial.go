package sim

import (
	"slices"
	"time"

	"althing/history"
	"althing/history/weak"
	"althing/process"
	"althing/region"
	"althing/sim/dice"
	"althing/sim/guest"
	"althing/sim/waits"
)

// A Trial measures one protocol under one scenario, with nothing drawn but
// what varies around a mean: so that two protocols, or two configurations, can
// be held side by side. Clients write and read registers in turns; each has a
// home, the replica beside which it lives, and asks whoever leads. Times are
// virtual, and as a client sees them. What the processors of real machines
// take is not in them.
type Trial struct {
	Scenario Scenario
	Seed     uint64
	Nodes    int           // voters; 5
	Clients  int           // two for each node
	Rate     int           // operations a second that all clients would make if answers took no time; 200
	Reads    int           // percent of operations that read; 0: none; else the first client does nothing else
	Duration time.Duration // 30 s; what happens, happens in the middle third
	OneWay   time.Duration // of a message between replicas, and between a client and a replica; 250 µs
	Flush    time.Duration // of a disk, on average; 1 ms
	// Between, if set, takes the place of OneWay: from the i-th place, or a client
	// there, to the j-th. Replicas are in one after another, and then in the first again.
	Between [][]time.Duration
	Retry   time.Duration // how long a client waits before it asks another; 5/4 of the longest election timeout
	Skew    time.Duration // that clocks jump ahead by; 10 ms
	Process process.Config
}

// Measured is what a Trial came to.
type Measured struct {
	Protocol, Scenario string
	// Before what happens, while it lasts, and after it: in thirds.
	Phases [3]Phase
	// Outage is the longest time without any answer, from when it happened on.
	Outage time.Duration
	// Of all that was sent and flushed, heartbeats too, for each answer.
	Messages, Bytes, Flushes float64
	Elections                uint64
	// Lost are the keys of writes that were answered and are in no replica's log
	// when all is over, ascending: a key as often as writes of it. Of stores, of
	// writes that were dropped in favour of one that did not know of them.
	Lost []string
	// Stale are the reads that showed less than what was answered before they began.
	Stale int
	// Refused: a change of the group is, for good.
	Refused bool
	// Unable says why the scenario was not run; "" if it was.
	Unable string
	// Violation is what of the protocol's promises was broken; "" if nothing.
	Violation string
}

// A Phase is what clients saw in a part of a trial.
type Phase = waits.Phase

// meter is what a trial notes while it runs.
type meter struct {
	trial    *Trial
	messages int
	bytes    int
	flushes  int
	waits    []waits.Wait
	script   []func(*sim) // what happens: at first, at the end of the second third, and what those ask for
}

func (t *Trial) defaults() {
	set(&t.Nodes, 5)
	set(&t.Clients, min(2*t.Nodes, MaxClients))
	set(&t.Rate, 200)
	set(&t.Duration, 30*time.Second)
	set(&t.OneWay, 250*time.Microsecond)
	set(&t.Flush, time.Millisecond)
	if rs := t.Scenario.Regions; rs != nil && t.Between == nil {
		t.Between = region.Between(rs, min(len(rs), t.Nodes))
	}
	set(&t.Skew, 10*time.Millisecond)
	// As Raft's thesis has it, §9.3: an election timeout is well above a round
	// trip and the flushes in it.
	round := t.round()
	set(&t.Process.Heartbeat, max(50*time.Millisecond, round))
	least := max(300*time.Millisecond, 5*round)
	set(&t.Process.Election, process.Span{Min: least, Max: 2 * least})
	set(&t.Retry, 5*t.Process.Election.Max/4)
}

// round is the longest round trip, and the flushes in it.
func (t *Trial) round() time.Duration {
	longest := t.OneWay
	for _, row := range t.Between {
		longest = max(longest, slices.Max(row))
	}
	return 2*longest + 2*t.Flush
}

// Measure runs a trial of a protocol that orders all commits alike, or of stores.
func Measure(p process.Protocol, t Trial) Measured {
	t.defaults()
	o := Options{Seed: t.Seed, Nodes: t.Nodes, Duration: t.Duration, Settle: t.Duration + 20*time.Second,
		Clients: t.Clients, Rate: t.Rate, Process: t.Process, Whole: true, NoLease: !t.Process.Lease,
		Lease: t.Process.Lease, meter: &meter{trial: &t}}
	if why := newSim(p, o).unable(); why != "" {
		return Measured{Protocol: p.Name, Scenario: t.Scenario.Name, Unable: why}
	}
	s, _ := run(p, o) // without a trace there is no error
	return s.measured(p)
}

// plan takes the place of what a seed draws.
func (t *Trial) plan() plan {
	return plan{
		nodes: t.Nodes, clients: t.Clients, keys: maxKeys, rate: t.Rate, reads: t.Reads, lease: t.Process.Lease,
		delayMin: t.OneWay, delayMean: t.OneWay / jitter, sync: t.Flush,
		retry:     t.Retry,
		heartbeat: t.Process.Heartbeat, election: t.Process.Election,
		large: 10 * t.OneWay, trailing: 1000,
	}
}

// jitter is the part of a delay that varies, on average: a tenth.
const jitter = 10

// travel is how long a message takes.
func (s *sim) travel(from, to process.ID, d *dice.Dice) time.Duration {
	if m := s.opt.meter; m != nil && m.trial.Between != nil {
		mean := m.trial.Between[(int(from)-1)%len(m.trial.Between)][(int(to)-1)%len(m.trial.Between)]
		return s.overtaken(mean+d.Around(mean/jitter), d)
	}
	return s.overtaken(s.plan.delayMin+d.Around(s.plan.delayMean), d)
}

// overtaken is how long a message takes where others overtake it in a trial.
func (s *sim) overtaken(d time.Duration, draw *dice.Dice) time.Duration {
	if s.opt.meter != nil && s.plan.faults.Has(Reorder) {
		d += draw.Around(2 * d)
	}
	return d
}

// home is the replica beside which a client lives.
func (s *sim) home(client int) process.ID { return process.ID(1 + client%s.plan.nodes) }

// startTrial schedules what the scenario says.
func (s *sim) startTrial() {
	if m := s.opt.meter; m != nil {
		s.after(s.opt.Duration/3, m.trial.Scenario.begin)
		s.after(2*s.opt.Duration/3, m.trial.Scenario.end)
	}
}

// script does what was asked for.
func (s *sim) script(part int) {
	if do := s.opt.meter.script[part]; do != nil {
		do(s)
	}
}

// unable says why the trial's scenario is not run.
func (s *sim) unable() string {
	if why := s.opt.meter.trial.Scenario.unable; why != nil {
		return why(s)
	}
	return ""
}

// note notes a message, if it is a trial's.
func (m *meter) note(msg process.Msg) {
	if m == nil {
		return
	}
	b, _ := msg.AppendBinary(nil) // never fails, by its contract
	m.messages++
	m.bytes += len(b)
}

func (s *sim) measured(p process.Protocol) Measured {
	m, t := s.opt.meter, s.opt.meter.trial
	r := Measured{Protocol: p.Name, Scenario: t.Scenario.Name, Elections: s.elections}
	if n := float64(len(m.waits)); n > 0 {
		r.Messages, r.Bytes, r.Flushes = float64(m.messages)/n, float64(m.bytes)/n, float64(m.flushes)/n
	}
	for i := range r.Phases {
		from, to := t.Duration*time.Duration(i)/3, t.Duration*time.Duration(i+1)/3
		r.Phases[i] = waits.Between(m.waits, from, to)
	}
	r.Outage = waits.Outage(m.waits, t.Duration/3, t.Duration)
	r.Lost, r.Stale, r.Refused = s.lost(), weak.Stale(s.ops), s.operator.closed
	if s.violation != nil {
		r.Violation = s.violation.Name
	}
	return r
}

// lost returns the keys of answered writes that are not in the history.
func (s *sim) lost() (keys []string) {
	if s.store {
		return guest.Keys(s.stores())
	}
	decided := map[string]bool{}
	for _, e := range s.w.Chosen() {
		decided[string(e.Req.Cmd)] = true
	}
	for i := range s.ops {
		if o := &s.ops[i]; o.Kind == history.Put && !o.Open && !decided[string(command(o))] {
			keys = append(keys, o.Key)
		}
	}
	slices.Sort(keys)
	return keys
}
