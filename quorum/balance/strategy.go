package balance

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"althing/quorum"
)

// A Choice is a quorum and how often it is asked.
type Choice struct {
	Quorum      []string // sorted
	Probability float64
}

// A Strategy says how often each quorum is asked. In a strategy of Best, a
// choice stands for all quorums that it turns into when nodes of an orbit trade
// places, each as often: see Read and Write.
type Strategy struct {
	Reads, Writes []Choice // by probability, the largest first

	model *model
}

// Figures are what a strategy costs.
type Figures struct {
	Load     float64       // of the busiest node: seconds of its time a command
	Capacity float64       // commands a second that the busiest node bears
	Latency  time.Duration // until the members that make a quorum have answered
	Network  float64       // nodes asked a command
}

// New returns a strategy made by hand. It refuses choices that are no quorums,
// and probabilities that do not sum to 1.
func New(system *quorum.System, nodes []Node, reads, writes []Choice) (*Strategy, error) {
	m, err := newModel(system, nodes, false)
	if err != nil {
		return nil, err
	}
	return m.strategy(reads, writes)
}

// A model is a system with what its nodes can do.
type model struct {
	system   *quorum.System
	nodes    []Node
	byName   map[string]Node
	symmetry *quorum.Symmetry // nil if each node is an orbit
	orbits   [][]string
	orbitOf  map[string]int
}

func newModel(system *quorum.System, nodes []Node, symmetric bool) (*model, error) {
	m := &model{system: system, byName: make(map[string]Node), orbitOf: make(map[string]int)}
	for _, n := range nodes {
		if _, twice := m.byName[n.Name]; twice {
			return nil, fmt.Errorf("balance: node %s is described twice", n.Name)
		}
		for _, c := range []float64{n.ReadCapacity, n.WriteCapacity} {
			if !(c > 0) || math.IsInf(c, 1) {
				return nil, fmt.Errorf("balance: capacity %v of node %s: want a number above 0",
					c, n.Name)
			}
		}
		if n.Latency < 0 {
			return nil, fmt.Errorf("balance: latency %v of node %s: want at least 0",
				n.Latency, n.Name)
		}
		m.byName[n.Name] = n
	}
	for _, name := range system.Names() {
		n, ok := m.byName[name]
		if !ok {
			return nil, fmt.Errorf("balance: node %s of the system is not described: add its "+
				"capacities", name)
		}
		m.nodes = append(m.nodes, n)
	}
	if len(m.nodes) != len(nodes) {
		return nil, fmt.Errorf("balance: %d nodes are described, but the system has the %d "+
			"nodes %s only",
			len(nodes), len(m.nodes), strings.Join(system.Names(), " "))
	}
	if symmetric {
		m.symmetry = system.Symmetry(func(node string) string {
			n := m.byName[node]
			return fmt.Sprint(n.ReadCapacity, " ", n.WriteCapacity, " ", n.Latency)
		})
		m.orbits = m.symmetry.Orbits
	} else {
		for _, name := range system.Names() {
			m.orbits = append(m.orbits, []string{name})
		}
	}
	for o, orbit := range m.orbits {
		for _, node := range orbit {
			m.orbitOf[node] = o
		}
	}
	return m, nil
}

func (m *model) expr(side int) *quorum.Expr {
	if side == reading {
		return m.system.Reads()
	}
	return m.system.Writes()
}

// work returns how long each node of an orbit is busy, on average, when n of
// them are asked: in seconds.
func (m *model) work(side, orbit, n int) float64 {
	node := m.byName[m.orbits[orbit][0]]
	capacity := node.ReadCapacity
	if side == writing {
		capacity = node.WriteCapacity
	}
	return float64(n) / float64(len(m.orbits[orbit])) / capacity
}

// count returns how many members are in each orbit.
func (m *model) count(members []string) []int {
	n := make([]int, len(m.orbits))
	for _, node := range members {
		n[m.orbitOf[node]]++
	}
	return n
}

// latency returns when the earliest members that are a quorum have answered.
func (m *model) latency(side int, members []string) time.Duration {
	waits := make([]time.Duration, len(members))
	in := make(map[string]bool)
	for i, node := range members {
		waits[i] = m.byName[node].Latency
		in[node] = true
	}
	slices.Sort(waits)
	if waits = slices.Compact(waits); len(waits) == 1 {
		return waits[0]
	}
	i, _ := slices.BinarySearchFunc(waits, true, func(wait time.Duration, _ bool) int {
		if m.expr(side).Holds(func(node string) bool {
			return in[node] &&
				m.byName[node].Latency <= wait
		}) {
			return 0
		}
		return -1
	})
	return waits[min(i, len(waits)-1)]
}

// strategy checks and returns a strategy of these choices.
func (m *model) strategy(reads, writes []Choice) (*Strategy, error) {
	s := &Strategy{model: m}
	for side, choices := range [][]Choice{reads, writes} {
		what := []string{"reads", "writes"}[side]
		sum := 0.0
		var sorted []Choice
		for _, c := range choices {
			set := slices.Clone(c.Quorum)
			slices.Sort(set)
			set = slices.Compact(set)
			for _, node := range set {
				if _, ok := m.byName[node]; !ok {
					return nil, fmt.Errorf("balance: %s ask node %s, which is not in the system",
						what, node)
				}
			}
			if !m.expr(side).Holds(func(node string) bool {
				_, in := slices.BinarySearch(set, node)
				return in
			}) {
				return nil, fmt.Errorf("balance: %s ask %v, which is no quorum", what, set)
			}
			if !(c.Probability >= 0 && c.Probability <= 1+1e-9) {
				return nil, fmt.Errorf("balance: %s ask %v with probability %v: want 0 to 1",
					what, set, c.Probability)
			}
			sum += c.Probability
			sorted = append(sorted, Choice{set, c.Probability})
		}
		if math.Abs(sum-1) > 1e-7 {
			return nil, fmt.Errorf("balance: the probabilities of %s sum to %v: want 1", what, sum)
		}
		for i := range sorted {
			sorted[i].Probability /= sum
		}
		slices.SortStableFunc(sorted, func(a, b Choice) int {
			switch {
			case a.Probability > b.Probability:
				return -1
			case a.Probability < b.Probability:
				return 1
			}
			return slices.Compare(a.Quorum, b.Quorum)
		})
		if side == reading {
			s.Reads = sorted
		} else {
			s.Writes = sorted
		}
	}
	return s, nil
}

func (s *Strategy) choices(side int) []Choice {
	if side == reading {
		return s.Reads
	}
	return s.Writes
}

// loads returns the load of a node of each orbit when a fraction of commands
// are reads.
func (s *Strategy) loads(fraction float64) []float64 {
	loads := make([]float64, len(s.model.orbits))
	for side := range 2 {
		f := often(side, fraction)
		if f == 0 {
			continue
		}
		for _, c := range s.choices(side) {
			for o, n := range s.model.count(c.Quorum) {
				if n > 0 {
					loads[o] += f * c.Probability * s.model.work(side, o, n)
				}
			}
		}
	}
	return loads
}

// NodeLoad returns how busy a node is, in seconds of its time a command, when
// the given fraction of commands are reads: 0 for a node that the system does
// not have.
func (s *Strategy) NodeLoad(node string, reads float64) float64 {
	o, ok := s.model.orbitOf[node]
	if !ok {
		return 0
	}
	return s.loads(reads)[o]
}

// Load returns the load of the busiest node when the given fraction of commands
// are reads. 1/Load is the capacity then.
func (s *Strategy) Load(reads float64) float64 { return slices.Max(s.loads(reads)) }

// Over returns the figures of the strategy over a mix: the mean load, latency
// and network load, and the mean capacity, which is the mean of 1/load and not
// 1 by the mean load.
func (s *Strategy) Over(mix Mix) (Figures, error) {
	mix, err := mix.normal()
	if err != nil {
		return Figures{}, err
	}
	v, capacity := s.values(mix)
	return Figures{v[Load], capacity, time.Duration(math.Round(v[Latency])), v[Network]}, nil
}

// values returns the mean of each objective, latency in nanoseconds and not
// rounded, and the mean capacity.
func (s *Strategy) values(mix Mix) (v [3]float64, capacity float64) {
	for _, share := range mix {
		load := s.Load(share.Reads)
		v[Load] += share.Weight * load
		capacity += share.Weight / load
	}
	for side := range 2 {
		f := often(side, mix.reads())
		for _, c := range s.choices(side) {
			v[Latency] += f * c.Probability * float64(s.model.latency(side, c.Quorum))
			v[Network] += f * c.Probability * float64(len(c.Quorum))
		}
	}
	return v, capacity
}

// Read draws a read quorum.
func (s *Strategy) Read(r *rand.Rand) []string { return s.draw(s.Reads, r) }

// Write draws a write quorum.
func (s *Strategy) Write(r *rand.Rand) []string { return s.draw(s.Writes, r) }

func (s *Strategy) draw(choices []Choice, r *rand.Rand) []string {
	left := r.Float64()
	i := 0
	for ; i < len(choices)-1 && left >= choices[i].Probability; i++ {
		left -= choices[i].Probability
	}
	if s.model.symmetry == nil {
		return slices.Clone(choices[i].Quorum)
	}
	return s.model.symmetry.Shuffle(choices[i].Quorum, r)
}

// String prints the strategy, a choice a line.
func (s *Strategy) String() string {
	var b strings.Builder
	for side, what := range []string{"read ", "write"} {
		for _, c := range s.choices(side) {
			fmt.Fprintf(&b, "%s %.4f {%s}\n", what, c.Probability, strings.Join(c.Quorum, " "))
		}
	}
	return b.String()
}
