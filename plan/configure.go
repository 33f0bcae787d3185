package plan

import (
	"fmt"
	"math"
	"time"

	"althing/quorum"
	"althing/timing"
)

// configure finds the numbers of the plan's system.
func (p *Plan) configure() {
	r, c := p.request, &p.Configuration
	c.Voters = r.Cluster.Nodes
	p.sizes()
	p.tolerances()
	p.timeouts()
	if p.system.Key == "2pc" {
		wait := 2 * or(r.Environment.ClockUncertaintyMS, clockMS)
		c.ClockWaitMS = int(math.Ceil(wait))
		p.because("Each commit waits until its stamp is surely past", "2·clock_uncertainty",
			"Corbett et al. 2012 (Spanner), §4.1.2", fmt.Sprintf("%d ms", c.ClockWaitMS), "")
	}
}

// sizes finds the quorums.
func (p *Plan) sizes() {
	r, c := p.request, &p.Configuration
	n := c.Voters
	c.Quorum = quorum.Majority(n)
	formula, source := "⌊n/2⌋+1", "Lamport 1998"
	command := fmt.Sprintf("althing calc quorum --nodes %d", n)
	switch p.system.Kind {
	case lying:
		f := (n - 1) / 3
		c.Quorum, _ = quorum.ByzantineSize(n, f) // n ≥ 3f+1 by f's definition
		formula, source = "⌊(n+f)/2⌋+1, f = ⌊(n-1)/3⌋", "Castro, Liskov 1999, for n = 3f+1"
		command += " --byzantine"
	case chained, viewed, firstBackup:
		if p.system.Key == "primarybackup-async" {
			c.Quorum, formula = 1, "the primary alone"
			source, command = p.system.Source, ""
			break
		}
		c.Quorum, formula, source = n, "all that are in step", p.system.Source
		c.Election, command = quorum.Majority(n), ""
	case openMajority:
		c.Quorum, _ = quorum.FastSize(n, quorum.Majority(n)) // a majority is within 1 and n
		c.Election = quorum.Majority(n)
		formula, source = "least q with q1 + 2q > 2n", "Lamport 2006, §2.2"
	case partial:
		p.replicas()
		return
	case ledMajority:
		if p.system.Key == "multipaxos" {
			f := max(1, min(r.tolerance(), (n-1)/2))
			c.Quorum = min(n, max(f+1, (n+3)/4))
			c.Election, _ = quorum.OtherPhase(n, c.Quorum) // f+1 is within 1 and n
			formula = "q2 = max(f+1, ⌈n/4⌉), so that elections bear a quarter that is down"
			source = "Howard, Malkhi, Spiegelman 2016"
			command += fmt.Sprintf(" --second %d", c.Quorum)
		}
	}
	p.because("Nodes that acknowledge a write", formula, source, fmt.Sprintf("%d of %d", c.Quorum, n), command)
	switch {
	case c.Election == 0:
	case p.system.Key == "multipaxos":
		p.because("Nodes that elect", "q1 = n-q2+1", source, fmt.Sprintf("%d of %d", c.Election, n), command)
	default:
		p.because("Nodes that are enough to go on after a failure", "⌊n/2⌋+1", p.system.Source,
			fmt.Sprintf("%d of %d", c.Election, n), fmt.Sprintf("althing calc quorum --nodes %d", n))
	}
}

// replicas chooses N, R and W where replicas answer alone: a read from one, and a
// write on two, so that no single failure takes what was acknowledged, unless
// that is acceptable; and so many replicas that writes go on when as many have
// failed as were asked for, but three at least, as stores of this kind do.
func (p *Plan) replicas() {
	r := p.request
	if key := p.system.Key; key != "dynamo" && key != "ring" && key != "causal-ring" {
		p.Configuration.Quorum = 1
		p.because("A write is acknowledged by the node that takes it", "", p.system.Source, "1 node", "")
		return
	}
	w := min(2, r.Cluster.Nodes)
	if r.Workload.LossAcceptable {
		w = 1
	}
	n := min(r.Cluster.Nodes, max(3, or(r.Cluster.Tolerance, 1)+w))
	p.NRW = &NRW{N: n, R: 1, W: w}
	p.Configuration.Quorum = p.NRW.W
	p.because("Replicas of a key, and how many a read and a write wait for",
		"W = 2 unless loss is acceptable, R = 1, N = max(3, failure_tolerance + W)", "DeCandia et al. 2007, §6",
		fmt.Sprintf("N=%d, R=%d, W=%d", n, p.NRW.R, p.NRW.W), p.NRW.command())
}

// command computes what comes of N, R and W.
func (c *NRW) command() string {
	return fmt.Sprintf("althing calc staleness --replicas %d --read %d --write %d", c.N, c.R, c.W)
}

// tolerances says what is really survived.
func (p *Plan) tolerances() {
	r, c, t := p.request, &p.Configuration, &p.FaultTolerance
	n := c.Voters
	t.Asked = r.tolerance()
	if p.system.Kind == partial {
		t.Asked = or(r.Cluster.Tolerance, min(1, n-1))
	}
	t.AnyRegion = r.inhabited() > 1 && r.survivesRegion()
	t.Crashes = (n - 1) / 2
	t.Durable = t.Crashes
	switch p.system.Kind {
	case lying:
		t.Liars = (n - 1) / 3
		t.Crashes = n - c.Quorum
		t.Durable = t.Liars
	case ledMajority:
		if c.Election > 0 { // whichever they are: commands need q2, a new leader q1
			t.Crashes, t.Durable = n-max(c.Election, c.Quorum), c.Quorum-1
			t.Condition = fmt.Sprintf("with a leader up, commands go on while %d nodes are; a new leader needs %d",
				c.Quorum, c.Election)
			t.AnyRegion = r.inhabited() > 1 && n-r.spread()[0] >= max(c.Election, c.Quorum)
		}
	case partial:
		t.Crashes, t.Durable = n-1, 0
		t.AnyRegion = r.inhabited() > 1
		if p.NRW != nil {
			t.Crashes, t.Durable = p.NRW.N-max(p.NRW.R, p.NRW.W), p.NRW.W-1
			t.Condition = "of the replicas of any one key"
		} else {
			t.Condition = "while one node is up it answers; what it alone had taken goes with its disk"
		}
		if p.system.Key == "saga" {
			t.Condition = "of those that run sagas; a step waits for its own service, and the log of sagas belongs " +
				"on more than one disk"
		}
		if r.Network.Byzantine { // none is waited for, and none is believed without its causes
			t.Liars = n - 1
			t.Condition = "those that do not lie become the same, however many others do"
		}
	case chained:
		t.Condition = "of the chain one may be left; the master needs a majority"
	case firstBackup:
		if p.system.Key == "primarybackup-async" {
			t.Durable = 0
			t.Condition = "what was acknowledged and no backup had is undone by a failover"
		}
	}
	if t.AnyRegion && p.system.Kind != partial {
		need := quorum.Majority(n)
		switch {
		case p.system.Kind == lying:
			need = c.Quorum
		case c.Election > 0:
			need = c.Election
		}
		then := n - r.spread()[0] - need
		t.Then = &then
	}
	p.tolerated()
}

// tolerated says so where what is reached is not what was asked for, or comes at
// a price.
func (p *Plan) tolerated() {
	r, t := p.request, &p.FaultTolerance
	reached := t.Crashes
	if r.Network.Byzantine {
		reached = t.Liars
	}
	switch n := r.Cluster.Nodes; {
	case n == 1:
		p.note("One node survives nothing: if it is down, all is; with its disk all goes. Three survive one failure.")
	case n > 9 && r.Cluster.Tolerance != nil && r.tolerance() < 5 && p.system.Kind == ledMajority:
		p.note(fmt.Sprintf("%d voters are enough to bear %d failures: let the other %d nodes learn, and a vote waits "+
			"for fewer.", 2*r.tolerance()+1, r.tolerance(), n-2*r.tolerance()-1))
	case n%2 == 0 && p.system.Kind == ledMajority && p.Configuration.Election == 0:
		p.note(fmt.Sprintf("%d nodes survive no more failures than %d: an even number costs a node and gains nothing.",
			n, n-1))
	case r.Network.Byzantine && r.tolerance() == 0:
		p.note("failure_tolerance is 0: no node may lie, so byzantine says nothing.")
	}
	if reached > t.Asked && r.Cluster.Tolerance != nil {
		p.note(fmt.Sprintf("More failures are survived than were asked for: %d, not %d.", reached, t.Asked))
	}
	if reached < t.Asked {
		p.note(fmt.Sprintf("Writes go on while %d nodes are down, not %d: there are too few.", reached, t.Asked))
	}
	if p.system.Kind == partial && !r.needsQuorum() {
		p.note("quorum_possible (2f+1 nodes) is a rule of agreement; replicas that answer alone need f+1.")
	}
}

// timeouts finds heartbeats, timeouts and retries.
func (p *Plan) timeouts() {
	r, c := p.request, &p.Configuration
	net := r.network()
	t, _ := timing.Choose(net, timing.DefaultRisk) // rule timeouts_possible
	c.HeartbeatMS, c.TimeoutMS = whole(t.Heartbeat), whole(t.Election)
	given := fmt.Sprintf("althing calc timeouts --rtt %v --flush %v", net.RoundTrip, net.Flush)
	p.because("Heartbeat", "clamp(longest round trip + flush, 10 ms, 5 s)", "etcd's tuning guide",
		fmt.Sprintf("%d ms", c.HeartbeatMS), given)
	p.because(p.Silence(),
		"max(10·(longest round trip + flush), 5·heartbeat, 150 ms), at most 50 s",
		"Ongaro, Ousterhout 2014, §5.6, §9.3; etcd's tuning guide",
		fmt.Sprintf("%d ms", c.TimeoutMS), given)
	// A request outlives a change of leaders, or its client would try again in the middle of each.
	c.RequestMS = 2*c.TimeoutMS + 2*whole(net.RoundTrip)
	p.without = t.Election
	if p.system.Kind == lying {
		p.viewChange(net)
	} else if n := c.Voters; n > 2 && p.led() {
		votes := min(max(c.Election, quorum.Majority(n)), n-1)
		o, err := t.Outage(timing.Voters{Standing: n - 1, Votes: votes}, net)
		if err == nil { // else every round of votes would split
			p.without = o.Commit
			p.because("From the crash of who leads until another answers, on average",
				"half a heartbeat before, least of n-1 timeouts, a round of votes, a command; split votes again",
				"Ongaro, Ousterhout 2014, §9.3", fmt.Sprintf("%.4g ms", inMS(o.Commit)),
				given+fmt.Sprintf(" --nodes %d --votes %d", n, votes))
		}
	}
	p.retries()
}

// steps are how many messages follow each other from a timeout to the next answer:
// PBFT's VIEW-CHANGE, NEW-VIEW and three of a request; HotStuff's NEW-VIEW and seven;
// the three of Tendermint's next round.
var steps = map[string]int{"pbft": 5, "hotstuff": 8, "tendermint": 3, "pnyxdb": 3}

// viewChange says how long a primary that orders nothing holds all up.
func (p *Plan) viewChange(net timing.Network) {
	k := steps[p.system.Key]
	timeout := time.Duration(p.Configuration.TimeoutMS) * time.Millisecond
	p.without = timeout + time.Duration(k)*(net.RoundTrip/2+net.Flush)
	p.because("From a request that the primary does not order until another has", fmt.Sprintf(
		"timeout + %d·(one way + flush)", k), p.system.Source, fmt.Sprintf("%.4g ms", inMS(p.without)), "")
}

// Silence says what the timeout is for, which depends on the system.
func (p *Plan) Silence() string {
	switch p.system.Kind {
	case lying:
		return "A primary that orders nothing for so long is replaced, the next after twice as long"
	case partial:
		return "A node that is silent for so long is taken for gone"
	case chained, viewed:
		return "A member that is silent for so long is taken out"
	}
	return "Election timeout, drawn between it and twice as much"
}

// because adds what a number rests on.
func (p *Plan) because(claim, formula, source, value, command string) {
	p.Evidence = append(p.Evidence, Evidence{Claim: claim, Formula: formula, Source: source, Value: value,
		Command: command, Verdict: Computed})
}

func (p *Plan) note(text string) { p.Notes = append(p.Notes, text) }

// whole is a time in whole milliseconds, at least one, rounded up.
func whole(d time.Duration) int { return max(1, int((d+time.Millisecond-1)/time.Millisecond)) }
