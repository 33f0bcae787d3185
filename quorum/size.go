package quorum

import (
	"errors"
	"fmt"
)

// A Fault is what a node that is not correct may do.
type Fault uint8

const (
	Crash     Fault = iota // it stops, and says nothing wrong before
	Byzantine              // it says anything to anybody
)

// Tolerates returns nil when n nodes can agree although f of them fail, and
// otherwise one error for each rule that is broken, joined: that more than
// twice as many nodes as faults are needed for any quorum (2f+1), and under
// Byzantine faults more than three times as many (3f+1; Lamport, Shostak and
// Pease 1982). Protocols that agree (Paxos, Raft, PBFT …) need it; a store that
// answers from any one replica does not: there, n copies survive n-1 crashes.
func Tolerates(n, f int, fault Fault) error {
	if n < 1 || f < 0 {
		return fmt.Errorf("quorum: %d nodes with %d faults: want at least 1 node and no fewer "+
			"than 0 faults", n, f)
	}
	var broken []error
	if n < 2*f+1 {
		broken = append(broken, fmt.Errorf("quorum: %d faults need 2f+1 = %d nodes, not %d",
			f, 2*f+1, n))
	}
	if fault == Byzantine && n < 3*f+1 {
		broken = append(broken,
			fmt.Errorf("quorum: %d Byzantine faults need 3f+1 = %d nodes, not %d", f, 3*f+1, n))
	}
	return errors.Join(broken...)
}

// MostFaults returns the most faults that Tolerates bears among n nodes: ⌊(n-1)/2⌋
// crashes, or ⌊(n-1)/3⌋ liars; 0 for fewer than 1 node.
func MostFaults(n int, fault Fault) int {
	if fault == Byzantine {
		return max(n-1, 0) / 3
	}
	return max(n-1, 0) / 2
}

// OtherPhase returns the least second quorum that meets every first quorum of
// size q1 among n nodes: n-q1+1. (Howard, Malkhi and Spiegelman 2016: only
// quorums of different phases need to meet, q1+q2 > n.)
func OtherPhase(n, q1 int) (q2 int, err error) {
	if err := among(n, "quorum", q1); err != nil {
		return 0, err
	}
	return n - q1 + 1, nil
}

// FastSize returns the least fast quorum of Fast (Flexible) Paxos among n
// nodes whose first phase asks q1: the least q with q1 + 2q > 2n. With
// q1 = Majority(n) it is the fast quorum of Fast Paxos (Lamport 2006), 3 of 3
// and 4 of 5; three quarters in integers would be too few. The first phase
// has to meet in the intersection of any two fast quorums.
func FastSize(n, q1 int) (int, error) {
	if err := among(n, "first-phase quorum", q1); err != nil {
		return 0, err
	}
	return (2*n-q1)/2 + 1, nil
}

// FastFaults returns the classic and the fast quorum of Fast Paxos among n
// nodes that is to be live with f faults and fast with e: n-f and n-e. It
// refuses what breaks n > 2f or n > 2e+f (Lamport 2006, §2.2).
func FastFaults(n, e, f int) (classic, fast int, err error) {
	switch {
	case n < 1 || e < 0 || f < 0:
		return 0, 0, fmt.Errorf("quorum: n = %d, e = %d, f = %d: want n ≥ 1, and no fewer than "+
			"0 faults", n, e, f)
	case e > f:
		return 0, 0, fmt.Errorf("quorum: fast with e = %d faults but live with f = %d only: "+
			"want e ≤ f", e, f)
	case n <= 2*f:
		return 0, 0, fmt.Errorf("quorum: live with f = %d faults needs n > 2f: %d nodes, not %d",
			f, 2*f+1, n)
	case n <= 2*e+f:
		return 0, 0, fmt.Errorf("quorum: fast with e = %d faults and live with f = %d needs "+
			"n > 2e+f: %d nodes, not %d", e, f, 2*e+f+1, n)
	}
	return n - f, n - e, nil
}

// EPaxosFast returns the fast quorum of Egalitarian Paxos, the command's leader
// included, among n = 2F+1 replicas: F + ⌊(F+1)/2⌋ (Moraru et al. 2013, §4.4).
func EPaxosFast(n int) (int, error) {
	if n < 3 || n%2 == 0 {
		return 0, fmt.Errorf("quorum: EPaxos is defined for odd n of at least 3, not %d", n)
	}
	f := n / 2
	return f + (f+1)/2, nil
}

// ByzantineSize returns the least quorum of n nodes, f of them liars, such that
// any two share a correct node: ⌊(n+f)/2⌋+1. It is 2f+1 only when n = 3f+1: of
// five nodes with one liar, two sets of three may share just the liar. It
// refuses n ≤ 3f, where the correct nodes alone would be no quorum.
func ByzantineSize(n, f int) (int, error) {
	if err := Tolerates(n, f, Byzantine); err != nil {
		return 0, err
	}
	return (n+f)/2 + 1, nil
}

// A Phases is a configuration of quorums by their size alone, for protocols
// whose phases ask differently many of N nodes.
type Phases struct {
	N     int // nodes
	First int // of the first phase: prepare, or election
	Slow  int // of the second phase, when a leader proposes
	Fast  int // of the second phase, when clients propose directly; 0: never
}

// A NoMeeting is a refused configuration: quorums that share no node, as sets of
// names. Two of them, or for fast quorums three.
type NoMeeting struct {
	Quorums [][]string // the witness
	Change  string     // what would make them meet
}

// Error says which quorums do not meet, and what to change.
func (e *NoMeeting) Error() string {
	s := "quorum: these share no node:"
	for _, q := range e.Quorums {
		s += " " + braces(q)
	}
	return s + ": " + e.Change
}

// Check returns nil when the configuration is safe: First + Slow > N (Howard et
// al. 2016) and, if Fast is not 0, First + 2·Fast > 2N (Lamport 2006; Howard et
// al. 2021 for flexible sizes). Otherwise it returns a *NoMeeting with nodes
// named as Names names them.
func (p Phases) Check() error {
	err := errors.Join(
		among(p.N, "first-phase quorum", p.First), among(p.N, "second-phase quorum", p.Slow))
	if err != nil {
		return err
	}
	if p.First+p.Slow <= p.N {
		return &NoMeeting{apart(p.N, p.First, p.Slow), fmt.Sprintf(
			"first + second phase must exceed n, %d + %d > %d: raise one", p.First, p.Slow, p.N)}
	}
	if p.Fast == 0 {
		return nil
	}
	if err := among(p.N, "fast quorum", p.Fast); err != nil {
		return err
	}
	if p.First+2*p.Fast <= 2*p.N {
		return &NoMeeting{apart(p.N, p.First, p.Fast, p.Fast), fmt.Sprintf(
			"first phase + twice fast must exceed 2n, %d + 2·%d > %d: raise one",
			p.First, p.Fast, 2*p.N)}
	}
	return nil
}

// apart returns sets of the given sizes among n nodes that no node is in all
// of, given that the places left out are n or more: each set leaves out the
// next places, round and round.
func apart(n int, sizes ...int) [][]string {
	names := Names(n)
	next := 0
	sets := make([][]string, len(sizes))
	for i, size := range sizes {
		out := make([]bool, n)
		for range n - size {
			out[next%n] = true
			next++
		}
		for x, name := range names {
			if !out[x] {
				sets[i] = append(sets[i], name)
			}
		}
	}
	return sets
}

// A NRW is a Dynamo-style configuration: a write waits for W of N replicas, a
// read for R. That R+W > N is not yet strong consistency: a sloppy quorum, a
// write that failed half-way, a read beside a write, and clocks that decide
// between writes each break it without breaking the inequality.
type NRW struct{ N, R, W int }

// ReadsMeetWrites returns nil when R+W > N, so that a read asks at least one
// replica of the last complete write; else a *NoMeeting.
func (c NRW) ReadsMeetWrites() error {
	if err := c.check(); err != nil {
		return err
	}
	if c.R+c.W > c.N {
		return nil
	}
	return &NoMeeting{apart(c.N, c.R, c.W), fmt.Sprintf(
		"R + W must exceed N, %d + %d > %d: raise one; R = W = %d do",
		c.R, c.W, c.N, Majority(c.N))}
}

// WritesMeet returns nil when 2W > N, so that of two writes some replica sees
// both; else a *NoMeeting.
func (c NRW) WritesMeet() error {
	if err := c.check(); err != nil {
		return err
	}
	if 2*c.W > c.N {
		return nil
	}
	return &NoMeeting{apart(c.N, c.W, c.W), fmt.Sprintf(
		"2W must exceed N, 2·%d > %d: raise W to %d", c.W, c.N, Majority(c.N))}
}

func (c NRW) check() error {
	return errors.Join(among(c.N, "R", c.R), among(c.N, "W", c.W))
}

// among returns nil when q of n nodes can be asked for.
func among(n int, what string, q int) error {
	if n < 1 || n > MaxNodes {
		return fmt.Errorf("quorum: %d nodes: want 1 to %d", n, MaxNodes)
	}
	if q < 1 || q > n {
		return fmt.Errorf("quorum: %s of %d among %d nodes: want 1 to %d", what, q, n, n)
	}
	return nil
}
