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
	scale   []float64       // of the row of an orbit: its nodes' capacity, for the same reason
	limits  [3]int          // rows of the limits; -1 if there is none
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
		return nil, fmt.Errorf("balance: query %+v: want Load, Latency or Network, and limits "+
			"of at least 0", query)
	}
	p := &problem{query: query, limits: [3]int{-1, -1, -1}}
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
		return nil, fmt.Errorf("balance: %d read fractions and %d kinds of nodes in different "+
			"places make %d rows, "+
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
		if row >= 0 {
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
	if p.limits[o] >= 0 {
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
// prices, at most 0 but for the equations, and what it costs in a phase.
func (p *problem) cheapest(side int, prices []float64, ph phase) ([]string, float64, error) {
	f := often(side, p.query.Mix.reads())
	price := func(o Objective) (each float64) { // of a unit of an objective
		if p.query.Minimise == o {
			each = ph.scale
		}
		if row := p.limits[o]; row >= 0 {
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

// A phase is what the simplex method minimises: first what is missing from a
// solution, then what was asked for, which costs nothing in the first.
type phase struct {
	cost  func(column) float64
	scale float64 // of the objective
}

var (
	first = phase{func(c column) float64 {
		if c.barred {
			return 1
		}
		return 0
	}, 0}
	second = phase{func(c column) float64 { return c.cost }, 1}
)

// solve runs both phases and proves the result.
func (p *problem) solve() (*Strategy, error) {
	s := p.start()
	prices, err := p.minimise(s, first)
	if err != nil {
		return nil, err
	}
	missing := 0.0
	for i, c := range s.basis {
		missing += first.cost(c) * s.x[i]
	}
	if missing > 1e-9 {
		if bound, err := p.bound(prices, first); err != nil || bound <= 0 {
			return nil, errors.Join(errNumbers, err)
		}
		return nil, fmt.Errorf("%w: %s: raise one", ErrNoStrategy, p.limitsText())
	}
	prices, err = p.minimise(s, second)
	if err == nil {
		err = s.refactor()
	}
	if err != nil {
		return nil, err
	}
	return p.prove(s, prices)
}

// start returns the program without a solution.
func (p *problem) start() *simplex {
	return newSimplex(p.right(), func(row int) bool { return row >= p.rows-2 })
}

// minimise runs a phase and returns the prices at its end.
func (p *problem) minimise(s *simplex, ph phase) ([]float64, error) {
	enter := func(prices []float64) (column, error) { return p.enter(prices, ph) }
	return s.minimise(ph.cost, enter)
}

func (p *problem) limitsText() string {
	var texts []string
	for i, text := range []string{
		fmt.Sprintf("load %v", p.query.MaxLoad),
		fmt.Sprintf("latency %v", p.query.MaxLatency),
		fmt.Sprintf("network %v", p.query.MaxNetwork),
	} {
		if p.limits[i] >= 0 {
			texts = append(texts, text)
		}
	}
	return strings.Join(texts, ", ")
}

// enter returns the column with the least reduced cost: of the quorums, the
// loads and the slacks.
func (p *problem) enter(prices []float64, ph phase) (column, error) {
	var best column
	least := math.Inf(1)
	offer := func(c column) {
		if r := reduced(c, ph.cost, prices); r < least {
			best, least = c, r
		}
	}
	for side := range p.finders {
		set, _, err := p.cheapest(side, prices, ph)
		if err != nil {
			return column{}, err
		}
		if set == nil {
			return column{}, errNumbers // a price overflowed
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
// that rounding cannot have spoilt it. In the first phase strategies cost
// nothing, so that a bound above 0 says that there is none (Farkas).
func (p *problem) bound(prices []float64, ph phase) (float64, error) {
	prices = slices.Clone(prices)
	value := 0.0
	for _, row := range p.limits {
		if row >= 0 {
			prices[row] = min(prices[row], 0)
			value += prices[row]
		}
	}
	for j, share := range p.shares { // the prices of the loads must not exceed what load costs
		most, sum := 0.0, 0.0
		if p.query.Minimise == Load {
			most = ph.scale * share.Weight
		}
		if row := p.limits[Load]; row >= 0 {
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
		_, c, err := p.cheapest(side, prices, ph)
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
			choice := Choice{c.quorum.members, s.x[i]}
			choices[c.quorum.side] = append(choices[c.quorum.side], choice)
		}
	}
	strategy, err := p.model.strategy(choices[reading], choices[writing])
	if err != nil {
		return nil, errors.Join(errNumbers, err)
	}
	got, _ := strategy.values(p.query.Mix)
	limits := [3]float64{p.query.MaxLoad, float64(p.query.MaxLatency), p.query.MaxNetwork}
	for o, limit := range limits {
		if limit > 0 && got[o] > limit*(1+1e-7) {
			return nil, errNumbers
		}
	}
	bound, err := p.bound(prices, second)
	if err != nil {
		return nil, err
	}
	value := got[p.query.Minimise] / p.units[p.query.Minimise]
	if math.Abs(value-bound) > 1e-7*value+1e-12 {
		return nil, errNumbers
	}
	return strategy, nil
}
