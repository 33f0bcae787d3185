package staleness

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"
)

// A Dist is a distribution of durations of at least 0: Pareto, Exp, Mixture or
// Empirical.
type Dist interface {
	// draw returns nanoseconds.
	draw(*rand.Rand) float64
	check() error
}

// Pareto has a least value and a tail: a share of (Least/x)^Shape exceeds x.
type Pareto struct {
	Least time.Duration // above 0
	Shape float64       // above 0; the mean is finite above 1
}

func (p Pareto) draw(r *rand.Rand) float64 {
	return float64(p.Least) * math.Exp(r.ExpFloat64()/p.Shape)
}

func (p Pareto) check() error {
	if p.Least <= 0 || !(p.Shape > 0) {
		return fmt.Errorf("staleness: Pareto from %v with shape %v: want both above 0",
			p.Least, p.Shape)
	}
	return nil
}

// Exp is the exponential distribution. Rates are given as in the literature: of
// λ a millisecond the mean is time.Millisecond/λ.
type Exp struct {
	Mean time.Duration // above 0
}

func (e Exp) draw(r *rand.Rand) float64 { return float64(e.Mean) * r.ExpFloat64() }

func (e Exp) check() error {
	if e.Mean <= 0 {
		return fmt.Errorf("staleness: Exp of mean %v: want it above 0", e.Mean)
	}
	return nil
}

// Mixture draws from one of several distributions.
type Mixture []Part

// A Part is a distribution of a mixture and how often it is drawn from.
type Part struct {
	Weight float64 // above 0; those of a mixture need not sum to 1
	Dist   Dist    // not a Mixture: write its parts instead
}

func (m Mixture) draw(r *rand.Rand) float64 {
	total := 0.0
	for _, p := range m {
		total += p.Weight
	}
	left := r.Float64() * total
	i := 0
	for ; i < len(m)-1 && left >= m[i].Weight; i++ {
		left -= m[i].Weight
	}
	return m[i].Dist.draw(r)
}

func (m Mixture) check() error {
	if len(m) == 0 {
		return fmt.Errorf("staleness: a mixture of nothing: name at least one part")
	}
	for i, p := range m {
		if !(p.Weight > 0) || math.IsInf(p.Weight, 1) {
			return fmt.Errorf("staleness: part %d of a mixture has weight %v: want it above 0",
				i+1, p.Weight)
		}
		if _, nested := p.Dist.(Mixture); p.Dist == nil || nested {
			return fmt.Errorf("staleness: part %d of a mixture: want Pareto, Exp or Empirical", i+1)
		}
		if err := p.Dist.check(); err != nil {
			return err
		}
	}
	return nil
}

// Empirical draws one of the durations that were measured, each as often.
type Empirical []time.Duration

func (e Empirical) draw(r *rand.Rand) float64 { return float64(e[r.IntN(len(e))]) }

func (e Empirical) check() error {
	if len(e) == 0 {
		return fmt.Errorf("staleness: an empirical distribution of no durations: measure at " +
			"least one")
	}
	if least := slices.Min(e); least < 0 {
		return fmt.Errorf("staleness: a measured duration of %v: want at least 0", least)
	}
	return nil
}
