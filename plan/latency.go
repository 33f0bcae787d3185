package plan

import (
	"cmp"
	"fmt"
	"math"
	"math/bits"
	"slices"
	"time"

	"althing/region"
)

// delays are how long messages take between places, where nodes are, and how
// long a flush. Nodes of one place are alike.
type delays struct {
	places  []region.Region
	nodes   []int             // at each place
	between [][]time.Duration // from a node at one place to one at another, or the same
	flush   time.Duration
}

func (p *Plan) delays() *delays {
	r := p.request
	d := &delays{places: []region.Region{""}, nodes: []int{r.Cluster.Nodes},
		between: [][]time.Duration{{r.anyWay()}}, flush: milliseconds(or(r.Environment.FlushMS, flushMS))}
	if k := r.inhabited(); k > 0 {
		d.places, d.nodes, d.between = r.Cluster.Regions[:k], r.spread()[:k], make([][]time.Duration, k)
		for i, from := range d.places {
			for _, to := range d.places {
				d.between[i] = append(d.between[i], r.oneWay(from, to))
			}
		}
	}
	return d
}

// away is how long a message takes to the node that clients of place i ask, if
// the node is at place j: nothing if it is the one beside them.
func (d *delays) away(i, j int) time.Duration {
	if i == j {
		return 0
	}
	return d.between[i][j]
}

// around is a round trip that begins at place i, to the node that is asked at j. It
// is twice a way of its own: the way back from j is what was measured from i, too.
func (d *delays) around(i, j int) time.Duration { return 2 * d.away(i, j) }

// A term is so many nodes for which something takes as long.
type term struct {
	takes time.Duration
	nodes int
}

// least returns how long it takes for the first k of all nodes.
func least(terms []term, k int) time.Duration {
	slices.SortFunc(terms, func(a, b term) int { return cmp.Compare(a.takes, b.takes) })
	for _, t := range terms {
		if k -= t.nodes; k <= 0 {
			return t.takes
		}
	}
	return terms[len(terms)-1].takes
}

// gather is how long a node at place i waits until k nodes, itself among them,
// have what it sent on their disks, and it knows.
func (d *delays) gather(i, k int) time.Duration {
	var terms []term
	for j, n := range d.nodes {
		if j == i && n > 0 {
			terms = append(terms, term{d.flush, 1})
			n--
		}
		terms = append(terms, term{2*d.between[i][j] + d.flush, n})
	}
	return least(terms, k)
}

// replicas is how long a node at place i waits for k of a key's n replicas, on average
// over all keys: a ring that knows of places puts as many at each, and the rest at some.
// If a key has a replica at place i, that is the node which is asked.
func (d *delays) replicas(i, k, n int) time.Duration {
	places := len(d.nodes)
	each, rest := n/places, n%places
	var sum, ways time.Duration
	for some := range 1 << min(places, maxPlaces) {
		if bits.OnesCount(uint(some)) != rest {
			continue
		}
		at := *d
		at.nodes = make([]int, places)
		for j := range at.nodes {
			at.nodes[j] = each + some>>j&1
		}
		sum, ways = sum+at.gather(i, k), ways+1
	}
	return sum / max(1, ways)
}

// maxPlaces bounds the ways to put replicas; of more places the first have them.
const maxPlaces = 12

// all is how many nodes there are.
func (d *delays) all() (n int) {
	for _, k := range d.nodes {
		n += k
	}
	return n
}

// write is how long a client beside node c waits for a write, if node l leads.
func (p *Plan) write(d *delays, c, l int) time.Duration {
	n, q := d.all(), p.Configuration.Quorum
	switch p.system.Kind {
	case openMajority:
		return d.gather(c, q)
	case partial:
		if p.NRW == nil {
			return d.flush
		}
		return d.replicas(c, q, p.NRW.N)
	case firstBackup:
		if q == 1 {
			return d.around(c, l) + d.flush
		}
		return d.around(c, l) + d.flush + d.gather(l, n) // the backups write after the primary
	case chained:
		return d.along(c)
	case viewed:
		return d.around(c, l) + d.gather(l, n)
	case lying:
		if p.system.Key == "hotstuff" {
			return d.certified(c, l, q, (n-1)/3)
		}
		return d.votes(c, l, q, (n-1)/3)
	}
	t := d.around(c, l) + d.gather(l, q)
	if p.system.Key == "2pc" || p.system.Key == "2pc-sequential" {
		// Another part's leader prepares, in its own log; then the decision is logged.
		t += d.around(l, (l+1)%len(d.nodes)) + d.gather(l, q)
		t += milliseconds(float64(p.Configuration.ClockWaitMS))
	}
	return t
}

// along is how long a write takes down a chain that goes through one place
// after another, a flush at each node, and from its tail to the client.
func (d *delays) along(c int) time.Duration {
	last := len(d.nodes) - 1
	t := d.away(c, 0) + d.away(last, c)
	for i, n := range d.nodes {
		t += time.Duration(n)*d.flush + time.Duration(n-1)*d.between[i][i]
		if i < last {
			t += d.between[i][i+1]
		}
	}
	return t
}

// votes is how long a request takes through two rounds of votes of q nodes each,
// until f+1 nodes have answered the client. Castro, Liskov 1999, Figure 1.
func (d *delays) votes(c, l, q, f int) time.Duration {
	at := make([]time.Duration, len(d.nodes)) // when the nodes of a place have what they wait for
	for j := range at {
		at[j] = d.away(c, l) + d.between[l][j] + d.flush
	}
	for range 2 {
		next := make([]time.Duration, len(at))
		for j := range next {
			var heard []term
			for i, n := range d.nodes {
				heard = append(heard, term{at[i] + d.between[i][j], n})
			}
			next[j] = least(heard, q) + d.flush
		}
		at = next
	}
	var answers []term
	for i, n := range d.nodes {
		answers = append(answers, term{at[i] + d.away(i, c), n})
	}
	return least(answers, f+1)
}

// certified is how long a request takes through three rounds in which a leader
// gathers votes of q nodes, and tells them the outcome, until f+1 nodes have answered
// the client. Yin et al. 2019, Algorithm 2.
func (d *delays) certified(c, l, q, f int) time.Duration {
	var answers []term
	for j, n := range d.nodes {
		answers = append(answers, term{d.between[l][j] + d.away(j, c), n})
	}
	return d.away(c, l) + 3*d.gather(l, q) + least(answers, f+1)
}

// read is how long a client beside node c waits for a read of the promised kind.
func (p *Plan) read(d *delays, c, l int) time.Duration {
	unflushed := *d
	unflushed.flush = 0
	switch {
	case p.system.Kind == partial && p.NRW != nil:
		return unflushed.replicas(c, p.NRW.R, p.NRW.N)
	case p.system.Kind == partial, p.system.Key == "raft-followers", p.system.Key == "primarybackup-async":
		return 0 // the node beside it answers at once
	case p.system.Kind == chained:
		return d.around(c, len(d.nodes)-1)
	case p.system.Kind == lying:
		return p.write(d, c, l)
	case p.system.Kind == openMajority:
		return unflushed.gather(c, p.Configuration.Election)
	case p.system.Kind == firstBackup, p.system.Kind == viewed:
		return d.around(c, l) + unflushed.gather(l, p.Configuration.Election)
	}
	q := max(p.Configuration.Quorum, p.Configuration.Election)
	if p.system.Key == "multipaxos" { // who answers must meet every election
		q = p.Configuration.Quorum
	}
	return d.around(c, l) + unflushed.gather(l, q)
}

// led reports whether a leader's place matters.
func (p *Plan) led() bool {
	switch p.system.Kind {
	case openMajority, partial, chained:
		return false
	}
	return true
}

// latencies says what the clients of each region wait, with the leader where they
// wait least on average, and where that is.
func (p *Plan) latencies() {
	r := p.request
	d := p.delays()
	best, fewest := 0, time.Duration(math.MaxInt64)
	for l := range d.places {
		var sum time.Duration
		for c := range d.places {
			sum += p.write(d, c, l)
		}
		if sum < fewest {
			best, fewest = l, sum
		}
	}
	for c, place := range d.places {
		p.Latency = append(p.Latency, Latency{Region: string(place),
			WriteMS: inMS(p.write(d, c, best)), ReadMS: inMS(p.read(d, c, best))})
	}
	if r.inhabited() > 0 {
		p.Placement = &Placement{Replicas: map[string]int{}}
		for i, n := range r.spread() {
			if n > 0 {
				p.Placement.Replicas[string(r.Cluster.Regions[i])] = n
			}
		}
		if p.led() {
			p.Placement.Leader = string(d.places[best])
			p.because("Leader where clients of all regions wait least on average",
				"argmin over leaders of Σ over clients of RTT(client, leader) + commit(leader)",
				"Ailijiang et al. 2019, §3; round trips of rtt_ms, or Bailis 2013",
				fmt.Sprintf("%s, %.4g ms on average", p.Placement.Leader, inMS(fewest)/float64(len(d.places))),
				p.waiting())
		}
	}
	for _, l := range p.Latency {
		where := ""
		if l.Region != "" {
			where = " in " + l.Region
		}
		p.because("A client"+where+" waits for a write", formulas[p.system.Kind],
			p.system.Source, fmt.Sprintf("%.4g ms", l.WriteMS), p.waiting())
	}
}

var formulas = map[kind]string{
	ledMajority:  "RTT(client, leader) + quorum-th least of RTT(leader, node) + flush; twice in two-phase commit",
	openMajority: "quorum-th least of RTT(client's node, node) + flush",
	firstBackup:  "RTT(client, primary) + flush, and if synchronous + greatest RTT(primary, backup) + flush",
	chained:      "one way through all nodes, a flush at each, and from the tail to the client",
	viewed:       "RTT(client, sequencer) + greatest RTT(sequencer, member) + flush",
	lying: "client to primary, its proposal, two rounds of votes (HotStuff: three round trips " +
		"of its leader), f+1 answers; a flush before each vote",
	partial: "W-th least of RTT(client's node, replica) + flush; a flush where one node answers alone",
}

func list(rs []region.Region) string {
	s := ""
	for i, r := range rs {
		if i > 0 {
			s += ","
		}
		s += string(r)
	}
	return s
}

func inMS(d time.Duration) float64 {
	return math.Round(float64(d)/float64(time.Millisecond)*1000) / 1000
}
