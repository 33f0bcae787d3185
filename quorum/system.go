package quorum

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
)

// A System is a set of read quorums and a set of write quorums, of which each
// of the one meets each of the other. For protocols with two phases, the first
// phase reads and the second writes.
type System struct {
	reads, writes *Expr
	names         []string
}

// New returns the system of these reads and writes; for writes of nil, that of
// the dual of the reads, which are the smallest that meet them all. It returns
// a *NoMeeting if some read quorum and some write quorum share no node.
func New(reads, writes *Expr) (*System, error) {
	if err := reads.Check(); err != nil {
		return nil, err
	}
	if writes == nil {
		writes = reads.Dual()
	}
	if err := writes.Check(); err != nil {
		return nil, err
	}
	read, write, err := disjoint(reads, writes)
	if err != nil {
		return nil, err
	}
	if read != nil {
		return nil, &NoMeeting{[][]string{read, write},
			"make either larger, or take as writes " + abridged(reads.Dual())}
	}
	names := slices.Concat(reads.Names(), writes.Names())
	slices.Sort(names)
	return &System{reads, writes, slices.Compact(names)}, nil
}

// abridged prints an expression for an error.
func abridged(e *Expr) string {
	const most = 200
	s := e.String()
	if len(s) > most {
		s = s[:most] + "…"
	}
	return s
}

// Reads returns the expression of the read quorums.
func (s *System) Reads() *Expr { return s.reads }

// Writes returns the expression of the write quorums.
func (s *System) Writes() *Expr { return s.writes }

// Names returns the nodes of the system, sorted.
func (s *System) Names() []string { return s.names }

// Names returns n names of nodes: n1 … nN.
func Names(n int) []string {
	names := make([]string, max(n, 0))
	for i := range names {
		names[i] = "n" + strconv.Itoa(i+1)
	}
	return names
}

// Majorities is the system in which reads and writes ask a majority of the
// nodes.
func Majorities(nodes []string) (*System, error) {
	return Thresholds(nodes, Majority(len(nodes)), Majority(len(nodes)))
}

// Thresholds is the system in which a read asks any r of the nodes and a write
// any w: N-R-W, and flexible quorums with the first phase as reads. It refuses
// r + w ≤ n with a *NoMeeting.
func Thresholds(nodes []string, r, w int) (*System, error) {
	n := len(nodes)
	err := errors.Join(distinct(nodes), among(n, "read quorum", r), among(n, "write quorum", w))
	if err != nil {
		return nil, err
	}
	return changed(New(Choose(r, Nodes(nodes...)...), Choose(w, Nodes(nodes...)...)))(
		"read + write quorum must exceed n, %d + %d > %d: raise one", r, w, n)
}

// changed puts a better advice into a refusal.
func changed(s *System, err error) func(format string, args ...any) (*System, error) {
	return func(format string, args ...any) (*System, error) {
		if no := (*NoMeeting)(nil); errors.As(err, &no) {
			no.Change = fmt.Sprintf(format, args...)
		}
		return s, err
	}
}

// FastRounds is the system of Fast (Flexible) Paxos: the first phase, as
// reads, asks q1 nodes, and a fast round, as writes, q2. It refuses q1 + 2·q2 ≤
// 2n, with three quorums that no node is in all of.
func FastRounds(nodes []string, q1, q2 int) (*System, error) {
	n := len(nodes)
	if err := distinct(nodes); err != nil {
		return nil, err
	}
	if err := (Phases{N: n, First: q1, Slow: n, Fast: q2}).Check(); err != nil {
		return nil, renamed(err, nodes)
	}
	return Thresholds(nodes, q1, q2)
}

// renamed puts the nodes' own names into a refusal that speaks of n1 … nN.
func renamed(err error, nodes []string) error {
	no := (*NoMeeting)(nil)
	if !errors.As(err, &no) {
		return err
	}
	for _, q := range no.Quorums {
		for i, name := range q {
			x, _ := strconv.Atoi(name[1:])
			q[i] = nodes[x-1]
		}
	}
	return no
}

// LyingMajorities is the system of protocols that bear f liars: reads and
// writes ask ByzantineSize(n, f), so that any two quorums share a correct node.
func LyingMajorities(nodes []string, f int) (*System, error) {
	q, err := ByzantineSize(len(nodes), f)
	if err != nil {
		return nil, err
	}
	return Thresholds(nodes, q, q)
}

// Weighted is the system in which a read asks nodes that weigh r together and a
// write nodes that weigh w (Gifford 1979). weights has one entry a node. It
// refuses r + w ≤ the weight of all, if two such quorums exist.
func Weighted(nodes []string, weights []int, r, w int) (*System, error) {
	if err := distinct(nodes); err != nil {
		return nil, err
	}
	reads, writes := Weigh(r, weights, Nodes(nodes...)...), Weigh(w, weights, Nodes(nodes...)...)
	if err := errors.Join(reads.Check(), writes.Check()); err != nil {
		return nil, err
	}
	total := 0
	for _, x := range weights {
		total += x
	}
	return changed(New(reads, writes))(
		"read + write weight must exceed that of all, %d + %d > %d: raise one", r, w, total)
}

// Grid is the system in which a read asks all nodes of a row and a write one
// node of each row.
func Grid(rows [][]string) (*System, error) {
	if err := distinct(slices.Concat(rows...)); err != nil {
		return nil, err
	}
	parts := make([]*Expr, len(rows))
	for i, row := range rows {
		if len(row) == 0 {
			return nil, fmt.Errorf("quorum: row %d of the grid is empty: leave it out", i+1)
		}
		parts[i] = And(Nodes(row...)...)
	}
	return New(Or(parts...), nil)
}

// Hierarchy is the system of majorities of majorities (Kumar 1991): a complete
// tree with the given fan-out at each level, from the root, whose leaves are
// the nodes, and as reads and as writes a majority of the parts at each level.
// The product of the fan-outs is the number of nodes.
func Hierarchy(nodes []string, fanouts ...int) (*System, error) {
	if err := distinct(nodes); err != nil {
		return nil, err
	}
	level := Nodes(nodes...)
	for _, fan := range slices.Backward(fanouts) {
		if fan < 1 || len(level)%fan != 0 {
			return nil, fmt.Errorf("quorum: %d parts do not group by %d: want fan-outs %v with "+
				"a product of %d",
				len(level), fan, fanouts, len(nodes))
		}
		var above []*Expr
		for group := range slices.Chunk(level, fan) {
			above = append(above, Choose(Majority(fan), group...))
		}
		level = above
	}
	if len(level) != 1 {
		return nil, fmt.Errorf("quorum: %d parts are left at the root: want fan-outs %v with a "+
			"product of %d",
			len(level), fanouts, len(nodes))
	}
	return New(level[0], level[0])
}

// distinct returns nil if there are nodes, and no two with the same name.
func distinct(nodes []string) error {
	if len(nodes) == 0 {
		return fmt.Errorf("quorum: no nodes: name at least one")
	}
	seen := make(map[string]bool)
	for _, name := range nodes {
		if seen[name] {
			return fmt.Errorf("quorum: node %s is named twice", name)
		}
		seen[name] = true
	}
	return nil
}

// Resilience returns how many nodes may fail, whichever they are, such that a
// quorum is left: one less than the smallest set that meets every quorum.
func (e *Expr) Resilience() (int, error) {
	f, err := NewFinder(e.Dual(), 0)
	if err != nil {
		return 0, err
	}
	set, _, err := f.Cheapest(func(string) float64 { return 1 }, nil)
	return len(set) - 1, err
}

// Resilience returns how many nodes may fail, whichever they are, such that
// there is still a read quorum, and such that there is still a write quorum. The
// system as a whole bears the lesser of both.
func (s *System) Resilience() (reads, writes int, err error) {
	reads, err = s.reads.Resilience()
	if err == nil {
		writes, err = s.writes.Resilience()
	}
	return reads, writes, err
}

// Unavailability returns the chance that no read quorum is up, and that no write
// quorum is up, when each node is down by the given chance, independently. It
// is computed from the failures, so that small chances keep their digits.
func (s *System) Unavailability(down func(node string) float64) (reads, writes float64, err error) {
	reads, err = s.reads.Dual().Probability(down)
	if err == nil {
		writes, err = s.writes.Dual().Probability(down)
	}
	return reads, writes, err
}
