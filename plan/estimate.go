package plan

import (
	"fmt"
	"math"
	"time"

	"althing/quorum"
	"althing/quorum/forecast"
	"althing/quorum/staleness"
	"althing/retry"
)

// availability finds the chance that enough nodes are up.
func (p *Plan) availability() error {
	down := or(p.request.Environment.FailureProbability, failureChance)
	writes, reads := p.Configuration.Quorum, p.Configuration.Quorum
	n := p.Configuration.Voters
	formula := "Σ over k ≥ quorum of C(n,k)·(1-p)^k·p^(n-k)"
	switch {
	case p.NRW != nil:
		n, writes, reads = p.NRW.N, p.NRW.W, p.NRW.R
		formula += " among a key's replicas, without stand-ins"
	case p.system.Kind == partial:
		writes, reads = 1, 1
	case p.system.Kind == ledMajority && p.Configuration.Election > 0:
		writes, reads = p.Configuration.Election, p.Configuration.Election // or nobody leads when the leader is down
		formula += ", with the quorum of elections"
	case p.system.Kind == chained, p.system.Kind == viewed, p.system.Kind == firstBackup, p.system.Kind == openMajority:
		writes = quorum.Majority(n) // who is down is taken out, which takes a moment
		reads = writes
		formula += ", once those that are down have been taken out"
	}
	nodes := forecast.Place{Nodes: n, Node: down}
	w, err := forecast.Available(writes, nodes)
	if err != nil {
		return err
	}
	r, err := forecast.Available(reads, nodes)
	if err != nil {
		return err
	}
	p.Availability = Availability{Write: 1 - w.Unavailable, Read: 1 - r.Unavailable,
		DownMinutes: sane(w.Downtime().Minutes())}
	p.because("Writes are answered at a given moment", formula, "nodes down independently, each with p = "+
		fmt.Sprint(down), rest(w.Unavailable),
		fmt.Sprintf("althing calc availability --nodes %d --quorum %d --down %v", n, writes, down))
	return nil
}

// rest is how likely something is that is not with chance u, in percent: with one or
// two digits of what is missing to all.
func rest(u float64) string {
	digits := 0
	if u > 0 {
		digits = max(0, int(math.Ceil(-math.Log10(u))))
	}
	return fmt.Sprintf("%.*f%%", min(digits, 10), 100-100*u)
}

// sane rounds to six digits, so that the last bit of a float is not an answer.
func sane(x float64) float64 {
	if x == 0 {
		return 0
	}
	unit := math.Pow(10, 5-math.Floor(math.Log10(math.Abs(x))))
	return math.Round(x*unit) / unit
}

// How many races are drawn for staleness: so many messages, but for the tail so
// many races at least. And from which seed.
const (
	raced     = 300_000
	races     = 10_000
	racesSeed = 1
)

// staleness says how old reads may be where they need not meet writes.
func (p *Plan) staleness() error {
	switch {
	case p.system.Gives.atLeast(Sequential):
		return nil
	case p.system.Key == "saga":
		p.Staleness = &Staleness{Bound: "others see what is half done, until the last step or the last compensation"}
		return nil
	case p.system.Kind == firstBackup:
		p.Staleness = &Staleness{Bound: fmt.Sprintf("none at the primary; at a backup what is on its way, %.4g ms "+
			"between the farthest nodes, and all since it was cut off", inMS(p.request.farthest()/2))}
		return nil
	case p.NRW == nil:
		p.Staleness = &Staleness{Bound: fmt.Sprintf("what is on its way: %.4g ms between the farthest nodes, "+
			"and as long as a partition lasts; then until anti-entropy finds it", inMS(p.request.farthest()/2))}
		return nil
	}
	c := p.NRW
	missed, err := staleness.Missed(c.N, c.R, c.W)
	if err != nil {
		return err
	}
	versions, err := staleness.Versions(c.N, c.R, c.W, 0.999)
	if err != nil {
		return err
	}
	way := staleness.Exp{Mean: p.request.farthest() / 2}
	m := staleness.Model{N: c.N, R: c.R, W: c.W, Write: way, Ack: way, Read: way, Response: way}
	drawn := max(races, raced/c.N)
	r, err := m.Run(drawn, racesSeed)
	if err != nil {
		return err
	}
	p.Staleness = &Staleness{Missed: sane(missed), Versions: versions, Fresh: sane(r.Fresh(0)),
		WithinMS: inMS(r.Visible(0.999).Round(10 * time.Microsecond))}
	delay := fmt.Sprintf("'exp(%v)'", way.Mean)
	given := c.command() + fmt.Sprintf(" --write-delay %[1]s --ack-delay %[1]s --read-delay %[1]s "+
		"--response-delay %[1]s --trials %[2]d --seed %[3]d", delay, drawn, racesSeed)
	p.because("Chance that a read of random replicas misses the last write", "C(N-W,R)/C(N,R)",
		"Bailis et al. 2012, §3.1", fmt.Sprintf("%.4g%%", 100*p.Staleness.Missed), c.command())
	p.because("A read begun so long after an acknowledgement shows the write, 999 times in 1,000",
		fmt.Sprintf("races of messages that take %v on average, exponentially", way.Mean),
		"Bailis et al. 2012, §3.3", fmt.Sprintf("%.4g ms", inMS(r.Visible(0.999))), given)
	p.Evidence[len(p.Evidence)-1].Seed = racesSeed
	return nil
}

// window is how long results of requests are remembered, unless they must be longer.
const window = 300 * time.Second

// retries is how clients try again, and for how long servers must know a retry.
func (p *Plan) retries() {
	policy := retry.Consensus
	horizon, _ := policy.Horizon(milliseconds(float64(p.Configuration.RequestMS))) // bounded, and above 0
	remember := window
	if horizon > window {
		remember = horizon.Truncate(time.Second) + time.Second
		p.note(fmt.Sprintf("Ten tries of %d ms each last longer than the usual 300 s for which results are kept: "+
			"keep them for %v, or a late retry would be done twice.", p.Configuration.RequestMS, remember))
	}
	p.Retry = Retry{Attempts: policy.Attempts, InitialMS: whole(policy.Initial), MaxMS: whole(policy.Max),
		Multiplier: policy.Multiplier, Jitter: policy.Jitter, HorizonS: inMS(horizon) / 1000,
		DedupWindowS: int(remember / time.Second)}
	p.because(fmt.Sprintf("Results are remembered, for %v, longer than a client tries", remember),
		"tries·request timeout + Σ pauses, with jitter", "Ongaro 2014, §6.3", fmt.Sprintf("%.4g s", p.Retry.HorizonS),
		fmt.Sprintf("althing calc timeouts --request %dms", p.Configuration.RequestMS))
}

// What a range grows to before it splits; those of Spanner's descendants.
const (
	splitBytes = 512 << 20
	splitRate  = 2500
	points     = 100
)

// scheme says how keys are placed.
func (p *Plan) scheme() {
	n := float64(p.request.Cluster.Nodes)
	const stale = "a request names the epoch of the table it was sent by; if that is old it is refused, and its " +
		"sender asks for the table"
	switch {
	case p.system.Key == "ring" || p.system.Key == "dynamo" || p.system.Key == "causal-ring":
		p.Partitioning = &Scheme{Name: "consistent hashing", Points: points,
			Why:       "keys are read one by one, and anybody can tell who has one",
			Imbalance: sane(math.Sqrt((n - 1) / (n*points + 1))), MovedByOne: sane(1 / (n + 1))}
		p.because("Relative deviation of a node's share of keys", "√((n-1)/(n·points+1))",
			"a share of a ring is Beta(v, (n-1)·v)", fmt.Sprintf("%.4g%%", 100*p.Partitioning.Imbalance),
			fmt.Sprintf("althing calc ring --nodes %v --points %d", n, points))
	case p.request.Problem != Partitioning && p.request.Problem != Transaction:
		return
	case p.request.Workload.Pinning:
		p.Partitioning = &Scheme{Name: "directory", Why: "keys are put where they are told", StaleRequest: stale}
	case p.request.Workload.Scans:
		p.Partitioning = &Scheme{Name: "ranges", Why: "keys are read in order", SplitBytes: splitBytes,
			SplitRate: splitRate, StaleRequest: stale}
	default:
		p.Partitioning = &Scheme{Name: "directory of hashed parts", MovedByOne: sane(1 / (n + 1)),
			Why: "keys are read one by one, so hashing spreads them evenly; a table says which group has which " +
				"part, so parts move one at a time",
			StaleRequest: stale}
	}
}
