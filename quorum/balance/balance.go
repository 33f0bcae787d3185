package balance

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"althing/quorum"
)

// maxRows is the most rows of a linear program: orbits times read fractions.
// The inverse of its basis has the square of it, and a pivot costs as much.
const maxRows = 512

// ErrNoStrategy says that no strategy keeps the limits asked for.
var ErrNoStrategy = errors.New("balance: no strategy keeps all limits")

// A Node is what a node of a system can do.
type Node struct {
	Name          string
	ReadCapacity  float64       // reads a second that it can serve, if nothing else; above 0
	WriteCapacity float64       // ditto for writes
	Latency       time.Duration // until its answer is there, from where one asks; at least 0
}

// Uniform returns nodes of these names, each with the same capacity for reads
// and writes, and no latency.
func Uniform(names []string, capacity float64) []Node {
	nodes := make([]Node, len(names))
	for i, name := range names {
		nodes[i] = Node{Name: name, ReadCapacity: capacity, WriteCapacity: capacity}
	}
	return nodes
}

// A Share is a part of the time, in which some fraction of commands are reads.
type Share struct {
	Reads  float64 // 0 to 1
	Weight float64 // above 0; those of a Mix need not sum to 1
}

// A Mix is a distribution of read fractions. A strategy is chosen for all of it:
// it does not change as the fraction does.
type Mix []Share

// Reads is the mix of one fraction.
func Reads(fraction float64) Mix { return Mix{{Reads: fraction, Weight: 1}} }

// normal returns the mix with weights that sum to 1, and no fraction twice.
func (m Mix) normal() (Mix, error) {
	total := 0.0
	for _, s := range m {
		if !(s.Reads >= 0 && s.Reads <= 1) || !(s.Weight > 0) || math.IsInf(s.Weight, 1) {
			return nil, fmt.Errorf("balance: read fraction %v with weight %v: want 0 to 1, and a weight above 0",
				s.Reads, s.Weight)
		}
		total += s.Weight
	}
	if len(m) == 0 {
		return nil, errors.New("balance: the mix is empty: name at least one read fraction")
	}
	var n Mix
	for _, s := range m {
		w := s.Weight / total
		if i := slices.IndexFunc(n, func(t Share) bool { return t.Reads == s.Reads }); i >= 0 {
			n[i].Weight += w
		} else {
			n = append(n, Share{s.Reads, w})
		}
	}
	return n, nil
}

// reads returns the mean fraction.
func (m Mix) reads() (mean float64) {
	for _, s := range m {
		mean += s.Reads * s.Weight
	}
	return mean
}

// An Objective is what a strategy makes least.
type Objective uint8

const (
	Load    Objective = iota // the load of the busiest node, so: the most capacity
	Latency                  // the time until a quorum has answered
	Network                  // the number of nodes asked
)

// A Query says what a strategy is to be good for. The zero limits are none. Each
// figure is the mean over the mix.
type Query struct {
	Mix        Mix
	Minimise   Objective
	MaxLoad    float64       // seconds of the busiest node's time a command
	MaxLatency time.Duration // of a command
	MaxNetwork float64       // nodes asked a command
	// Survive is how many members of any quorum asked may fail without a second
	// try: the others are still a quorum.
	Survive int
}

// Best returns the best strategy of a system for a query. It fails with
// ErrNoStrategy if none keeps the limits, with an error that says what to
// change for bad input and for systems too large or too entangled (package
// quorum says when), and rather than return a strategy that it cannot prove to
// be best: the proof is a solution of the dual program, which bounds all
// strategies from below, and must come within 1e-7.
func Best(system *quorum.System, nodes []Node, query Query) (*Strategy, error) {
	p, err := newProblem(system, nodes, query)
	if err != nil {
		return nil, err
	}
	return p.solve()
}

// A problem is a query in the numbers of its linear program:
//
//	variables   r_q, w_q   how often quorum q is asked, for reads and writes
//	            L_f        the load under read fraction f
//	minimise    Σ p_f·L_f, or mean latency, or mean number of nodes asked
//	such that   load of orbit o under f ≤ L_f        for all o and f
//	            Σ r_q = 1, Σ w_q = 1, and the limits
//
// Whittaker et al. have the same (PaPoC 2021, §4), but a variable for each
// quorum and a row for each node. Here equal nodes share a row, and quorums
// become variables only when they would improve the solution: which one does
// most is a question for quorum.Finder.
type problem struct {
	query   Query
	model   *model
	shares  Mix // those with rows: none if load does not matter
	finders [2]*quorum.Finder
	waits   []time.Duration // latencies that nodes have, ascending
	units   [3]float64      // of load, latency and network: to be about 1
	scale   []float64       // of the row of an orbit: the capacity of its nodes, for the same reason
	limits  [3]int          // rows of the limits; 0 if there is none
	rows    int             // the two equations are the last two
}

const (
	reading = 0
	writing = 1
)

// A quorumColumn is a quorum as a variable.
type quorumColumn struct {
	side    int
	members []string
	latency time.Duration
}

func newProblem(system *quorum.System, nodes []Node, query Query) (*problem, error) {
	mix, err := query.Mix.normal()
	if err != nil {
		return nil, err
	}
	query.Mix = mix
	if query.Minimise > Network || !(query.MaxLoad >= 0) || query.MaxLatency < 0 ||
		!(query.MaxNetwork >= 0) {
		return nil, fmt.Errorf("balance: query %+v: want Load, Latency or Network, and limits of at least 0", query)
	}
	p := &problem{query: query}
	if p.model, err = newModel(system, nodes, true); err != nil {
		return nil, err
	}
	for side, e := range []*quorum.Expr{system.Reads(), system.Writes()} {
		if p.finders[side], err = quorum.NewFinder(e, query.Survive); err != nil {
			return nil, fmt.Errorf("balance: %s: %w", []string{"reads", "writes"}[side], err)
		}
	}
	if query.Minimise == Load || query.MaxLoad > 0 {
		p.shares = mix
	}
	p.rows = len(p.shares) * len(p.model.orbits)
	for i, limit := range []float64{query.MaxLoad, float64(query.MaxLatency), query.MaxNetwork} {
		if limit > 0 {
			p.limits[i] = p.rows
			p.rows++
		}
	}
	if p.rows += 2; p.rows > maxRows {
		return nil, fmt.Errorf("balance: %d read fractions and %d kinds of nodes in different places make %d rows, "+
			"of %d at most: round capacities and latencies, or name fewer fractions",
			len(p.shares), len(p.model.orbits), p.rows, maxRows)
	}
	fastest := 0.0
	p.waits = []time.Duration{0}
	for _, n := range p.model.nodes {
		fastest = max(fastest, n.ReadCapacity, n.WriteCapacity)
		p.waits = append(p.waits, n.Latency)
	}
	for _, orbit := range p.model.orbits {
		n := p.model.byName[orbit[0]]
		p.scale = append(p.scale, min(n.ReadCapacity, n.WriteCapacity))
	}
	slices.Sort(p.waits)
	p.waits = slices.Compact(p.waits)
	slowest := max(p.waits[len(p.waits)-1], 1)
	p.units = [3]float64{1 / fastest, float64(slowest), float64(len(p.model.nodes))}
	return p, nil
}

// row returns the row for the load of an orbit under a share of the mix.
func (p *problem) row(share, orbit int) int { return share*len(p.model.orbits) + orbit }

// equation returns the row that says that some quorum is asked.
func (p *problem) equation(side int) int { return p.rows - 2 + side }

// often returns the fraction of commands that are of a side.
func often(side int, reads float64) float64 {
	if side == reading {
		return reads
	}
	return 1 - reads
}

// right returns the right sides. Limits are scaled to 1.
func (p *problem) right() []float64 {
	b := make([]float64, p.rows)
	for i := p.rows - 2; i < p.rows; i++ {
		b[i] = 1
	}
	for _, row := range p.limits {
		if row > 0 {
			b[row] = 1
		}
	}
	return b
}

// limit returns the limit on an objective, in units.
func (p *problem) limit(o Objective) float64 {
	return []float64{p.query.MaxLoad, float64(p.query.MaxLatency),
		p.query.MaxNetwork}[o] / p.units[o]
}

// add gives a column its contribution to one of the objectives, as cost if that
// is minimised, and in the row of the limit.
func (p *problem) add(c *column, o Objective, value float64) {
	if p.query.Minimise == o {
		c.cost = value
	}
	if p.limits[o] > 0 {
		c.entries = append(c.entries, entry{p.limits[o], value / p.limit(o)})
	}
}

// loadColumn returns the variable L of a share of the mix.
func (p *problem) loadColumn(share int) column {
	var c column
	for o := range p.model.orbits {
		c.entries = append(c.entries, entry{p.row(share, o), -p.scale[o] * p.units[Load]})
	}
	p.add(&c, Load, p.shares[share].Weight)
	return c
}

// column returns the variable of a quorum.
func (p *problem) column(side int, members []string) column {
	c := column{quorum: &quorumColumn{side, members, p.model.latency(side, members)}}
	for orbit, n := range p.model.count(members) {
		if n == 0 {
			continue
		}
		work := p.model.work(side, orbit, n) * p.scale[orbit]
		for j, share := range p.shares {
			if f := often(side, share.Reads); f > 0 {
				c.entries = append(c.entries, entry{p.row(j, orbit), f * work})
			}
		}
	}
	f := often(side, p.query.Mix.reads())
	p.add(&c, Latency, f*float64(c.quorum.latency)/p.units[Latency])
	p.add(&c, Network, f*float64(len(members))/p.units[Network])
	c.entries = append(c.entries, entry{p.equation(side), 1})
	return c
}

// cheapest returns the quorum of a side that costs least when rows have these
// prices, at most 0 but for the equations, and what it costs. scale is 1 when
// the objective counts, and 0 while a solution within the limits is sought.
func (p *problem) cheapest(side int, prices []float64, scale float64) ([]string, float64, error) {
	f := often(side, p.query.Mix.reads())
	price := func(o Objective) (each float64) { // of a unit of an objective
		if p.query.Minimise == o {
			each = scale
		}
		if row := p.limits[o]; row > 0 {
			each += max(0, -prices[row]) / p.limit(o)
		}
		return each * f / p.units[o]
	}
	byOrbit := make([]float64, len(p.model.orbits))
	for o := range byOrbit {
		byOrbit[o] = price(Network)
		for j, share := range p.shares {
			each := often(side, share.Reads) * p.model.work(side, o, 1) * p.scale[o]
			byOrbit[o] += max(0, -prices[p.row(j, o)]) * each
		}
	}
	cost := func(node string) float64 { return byOrbit[p.model.orbitOf[node]] }
	waiting := price(Latency)
	if waiting == 0 {
		return p.finders[side].Cheapest(cost, nil)
	}
	var best []string
	least := math.Inf(1)
	for _, wait := range p.waits {
		if waiting*float64(wait) >= least {
			break
		}
		set, c, err := p.finders[side].Cheapest(cost, func(node string) bool {
			return p.model.byName[node].Latency <= wait
		})
		if err != nil {
			return nil, 0, err
		}
		if c += waiting * float64(wait); c < least {
			best, least = set, c
		}
	}
	return best, least, nil
}

// solve runs both phases and proves the result.
func (p *problem) solve() (*Strategy, error) {
	s := newSimplex(p.right(), func(row int) bool { return row >= p.rows-2 })
	missing := func(c column) float64 {
		if c.barred {
			return 1
		}
		return 0
	}
	y, err := s.minimise(missing, func(y []float64) (column, error) {
		return p.enter(y, missing,
			0)
	})
	if err != nil {
		return nil, err
	}
	left := 0.0
	for i, c := range s.basis {
		left += missing(c) * s.x[i]
	}
	if left > 1e-9 {
		if bound, err := p.bound(y, 0); err != nil || bound <= 0 {
			return nil, errors.Join(errNumbers, err)
		}
		return nil, fmt.Errorf("%w: %s: raise one", ErrNoStrategy, p.limitsText())
	}
	cost := func(c column) float64 { return c.cost }
	y, err = s.minimise(cost, func(y []float64) (column, error) { return p.enter(y, cost, 1) })
	if err == nil {
		err = s.refactor()
	}
	if err != nil {
		return nil, err
	}
	return p.prove(s, y)
}

func (p *problem) limitsText() string {
	var texts []string
	for i, text := range []string{
		fmt.Sprintf("load %v", p.query.MaxLoad),
		fmt.Sprintf("latency %v", p.query.MaxLatency),
		fmt.Sprintf("network %v", p.query.MaxNetwork),
	} {
		if p.limits[i] > 0 {
			texts = append(texts, text)
		}
	}
	return strings.Join(texts, ", ")
}

// enter returns the column with the least reduced cost: of the quorums, the
// loads and the slacks.
func (p *problem) enter(prices []float64, cost func(column) float64, scale float64) (column,
	error) {
	var best column
	least := math.Inf(1)
	offer := func(c column) {
		if r := reduced(c, cost, prices); r < least {
			best, least = c, r
		}
	}
	for side := range p.finders {
		set, _, err := p.cheapest(side, prices, scale)
		if err != nil {
			return column{}, err
		}
		offer(p.column(side, set))
	}
	for share := range p.shares {
		offer(p.loadColumn(share))
	}
	for row := range p.rows - 2 {
		offer(column{entries: []entry{{row, 1}}})
	}
	return best, nil
}

// bound returns a value that no strategy can be below, in units of the
// objective: that of a solution of the dual program, made from the prices so
// that rounding cannot have spoilt it. With scale 0 strategies cost nothing, so
// that a bound above 0 says that there is none (Farkas).
func (p *problem) bound(prices []float64, scale float64) (float64, error) {
	prices = slices.Clone(prices)
	value := 0.0
	for _, row := range p.limits {
		if row > 0 {
			prices[row] = min(prices[row], 0)
			value += prices[row]
		}
	}
	for j, share := range p.shares { // the prices of the loads must not exceed what load costs
		most, sum := 0.0, 0.0
		if p.query.Minimise == Load {
			most = scale * share.Weight
		}
		if row := p.limits[Load]; row > 0 {
			most -= prices[row] * share.Weight / p.limit(Load)
		}
		for o := range p.model.orbits {
			sum += max(0, -prices[p.row(j, o)]) * p.scale[o] * p.units[Load]
		}
		for o := range p.model.orbits {
			prices[p.row(j, o)] = min(0, prices[p.row(j, o)])
			if sum > most {
				prices[p.row(j, o)] *= most / sum
			}
		}
	}
	for side := range p.finders {
		_, c, err := p.cheapest(side, prices, scale)
		if err != nil {
			return 0, err
		}
		value += c
	}
	return value, nil
}

// prove makes the strategy of a solution and checks it without recourse to how it
// was found: that it keeps the limits, and that none is better.
func (p *problem) prove(s *simplex, prices []float64) (*Strategy, error) {
	var choices [2][]Choice
	for i, c := range s.basis {
		if c.quorum != nil && s.x[i] > tiny {
			choices[c.quorum.side] = append(choices[c.quorum.side], Choice{c.quorum.members,
				s.x[i]})
		}
	}
	strategy, err := p.model.strategy(choices[reading], choices[writing])
	if err != nil {
		return nil, errors.Join(errNumbers, err)
	}
	got, _ := strategy.values(p.query.Mix)
	for o, row := range p.limits {
		if row > 0 && got[o]/p.units[o] > p.limit(Objective(o))*(1+1e-7) {
			return nil, errNumbers
		}
	}
	bound, err := p.bound(prices, 1)
	if err != nil {
		return nil, err
	}
	if value := got[p.query.Minimise] / p.units[p.query.Minimise]; value-bound > 1e-7*value+1e-12 {
		return nil, errNumbers
	}
	return strategy, nil
}
