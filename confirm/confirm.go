// Package confirm says how sure a payment is that so many blocks confirm, where
// the longest chain of proofs of work wins.
//
// A merchant waits until a block and those on top of it, z in all, confirm a
// payment. An attacker who has a share q of the computing power, the honest
// miners having p = 1-q, works on another chain meanwhile, without the payment,
// and shows it when it wins. How likely is it that it ever does? For q of a half
// or more, certain. Below that there are two answers to be found everywhere, and
// a third question that sounds the same:
//
//   - Nakamoto (Bitcoin: A Peer-to-Peer Electronic Cash System, 2008, §11) takes
//     the number of blocks that the attacker finds meanwhile for a Poisson
//     variable, as if the honest ones came at their mean pace. That is an
//     approximation, and too low where it matters: 13.2% for q = 30%, z = 6.
//   - Rosenfeld (Analysis of Hashrate-Based Double-Spending, 2014, §3) has it
//     exact, a negative binomial variable: 15.6%. The attacker has one block
//     already when the payment is made and has to get ahead; or it has none, and
//     a tie is enough. (Both are the same, and the second is Nakamoto's.)
//   - Strict is exact, too, for an attacker that has no block beforehand and
//     must get ahead: 8.9%.
//
// Use Rosenfeld unless you compare with somebody's table. None knows of delay
// between honest miners, which lets forks happen without an attacker: Tolerable
// says how much of an attacker is left to bear then.
package confirm

import (
	"fmt"
	"math"
	"time"
)

// A Model is one of the probabilities that are told of the same race.
type Model uint8

// The models, of the same race, are said in the package's comment.
const (
	Rosenfeld Model = iota // exact; a tie wins, or a block is there beforehand
	Nakamoto               // as in Bitcoin's paper: Poisson for negative binomial
	Strict                 // exact; from level, strictly ahead
)

// String returns the model's name.
func (m Model) String() string {
	switch m {
	case Rosenfeld:
		return "rosenfeld"
	case Nakamoto:
		return "nakamoto"
	case Strict:
		return "strict"
	}
	return fmt.Sprintf("model %d", uint8(m))
}

// Parse returns the model of a name.
func Parse(name string) (Model, error) {
	for m := Rosenfeld; m <= Strict; m++ {
		if m.String() == name {
			return m, nil
		}
	}
	return 0, fmt.Errorf("confirm: model %q: want rosenfeld, nakamoto or strict", name)
}

// MaxBlocks is the most blocks that are computed with: two weeks of a block a
// second. With more, an attacker is too near a half for waiting to make sense.
const MaxBlocks = 1 << 20

// Risk returns the chance that an attacker with a share 0 ≤ q ≤ 1 of the power
// ever undoes a payment with so many blocks, 0 to MaxBlocks: the one with the
// payment is the first. Without any the chance is 1 (in Strict, that the attacker
// ever gets one ahead), with a share of a half or more, too. Only positive
// numbers are summed, from the largest on, so that chances of any size down to 1e-300
// have twelve digits, and with thousands of blocks nine.
func (m Model) Risk(q float64, blocks int) (float64, error) {
	switch {
	case m > Strict:
		return 0, fmt.Errorf("confirm: there is no %v: want Rosenfeld, Nakamoto or Strict", m)
	case !(q >= 0 && q <= 1):
		return 0, fmt.Errorf("confirm: an attacker with a share of %v: want 0 to 1", q)
	case blocks < 0 || blocks > MaxBlocks:
		return 0, fmt.Errorf("confirm: %d blocks: want 0 to %d", blocks, MaxBlocks)
	case q >= 0.5:
		return 1, nil
	case q == 0 && blocks == 0 && m == Strict:
		return 0, nil
	case q == 0 && blocks > 0:
		return 0, nil
	case blocks == 0 && m == Strict:
		return q / (1 - q), nil
	case blocks == 0:
		return 1, nil
	case m == Nakamoto:
		return min(1, poisson(q, float64(blocks))), nil
	}
	ahead, behind := race(q, float64(blocks))
	if m == Strict {
		behind *= q / (1 - q)
	}
	return min(1, ahead+behind), nil
}

// race returns the chances that the attacker is ahead when the honest miners have
// found z blocks, and that it is not but draws level once: the sums over m of
// C(m+z-1, m)·pᶻqᵐ beyond z, and of that times (q/p)ᶻ⁻ᵐ up to z (Rosenfeld, §3).
// Both have the same term at m = z, and it is the largest of each.
func race(q, z float64) (ahead, behind float64) {
	p := 1 - q
	middle := math.Exp(lgamma(2*z) - lgamma(z+1) - lgamma(z) + z*math.Log(p*q))
	for m, t := z, middle; ; m++ {
		if t *= (m + z) / (m + 1) * q; negligible(t, ahead) {
			break
		}
		ahead += t
	}
	for m, t := z, middle; m >= 0 && !negligible(t, behind); m-- {
		behind += t
		t *= m / ((m + z - 1) * p)
	}
	return ahead, behind
}

// poisson returns Nakamoto's sum in a form without differences: with r = q/p, the
// chance that a Poisson variable of mean zr exceeds z, and of those up to z,
// weighted with rᶻ⁻ᵏ, which is exp(z(1-r))·rᶻ times the chance that one of mean z
// does not exceed z.
func poisson(q, z float64) float64 {
	r := q / (1 - q)
	sum := 0.0
	t := math.Exp(-z*r + z*math.Log(z*r) - lgamma(z+1))
	for k := z + 1; ; k++ {
		if t *= z * r / k; negligible(t, sum) {
			break
		}
		sum += t
	}
	below := 0.0
	t = math.Exp(-z + z*math.Log(z) - lgamma(z+1))
	for k := z; k >= 0 && !negligible(t, below); k-- {
		below += t
		t *= k / z
	}
	return sum + math.Exp(z*(1-r+math.Log(r)))*below
}

// negligible tells whether terms from t on, each smaller than the one before, no
// longer change a sum.
func negligible(t, sum float64) bool { return t == 0 || t < sum*1e-20 }

func lgamma(x float64) float64 {
	v, _ := math.Lgamma(x)
	return v
}

// Blocks returns the least number of blocks with which an attacker with a share
// q succeeds with a chance below risk. It returns an error unless 0 ≤ q < 1/2 and
// 0 < risk ≤ 1, and if MaxBlocks would not be enough.
func (m Model) Blocks(q, risk float64) (int, error) {
	if !(risk > 0 && risk <= 1) {
		return 0, fmt.Errorf("confirm: a risk of %v: want above 0, and at most 1", risk)
	}
	if q >= 0.5 {
		return 0, fmt.Errorf("confirm: an attacker with a share of %v wins in the end, whatever "+
			"one waits for: want below 0.5", q)
	}
	most, err := m.Risk(q, MaxBlocks)
	if err != nil {
		return 0, err
	}
	if most >= risk {
		return 0, fmt.Errorf("confirm: against an attacker with a share of %v, more than %d "+
			"blocks are needed for a risk below %v: take a larger risk", q, MaxBlocks, risk)
	}
	low, high := 0, MaxBlocks // more blocks are never less sure
	for low < high {
		middle := (low + high) / 2
		if r, err := m.Risk(q, middle); err != nil || r >= risk {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return low, nil
}

// Tolerable returns the share of the power from which on an attacker undoes
// whatever it likes when blocks come at the given mean interval, the attacker's
// included, and reach all honest miners within delay: the β that solves
// β = α/(1+αΔ) with α + β = 1/interval. That is tight (Dembo et al.; Gaži, Kiayias
// and Russell; both CCS 2020): a half without delay, 38% if delay and interval are
// the same. It returns an error for an interval that is not above 0, or a negative
// delay.
func Tolerable(delay, interval time.Duration) (float64, error) {
	if delay < 0 || interval <= 0 {
		return 0, fmt.Errorf("confirm: blocks each %v that travel for %v: want an interval above "+
			"0, and a delay of at least 0", interval, delay)
	}
	x := float64(delay) / float64(interval)
	return 2 / (2 + x + math.Hypot(x, 2)), nil
}
