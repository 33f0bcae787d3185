package prove

import (
	"fmt"
	"time"

	"althing/plan"
	"althing/sim"
)

// factor is how much longer than a plan says answers may stop before a run
// contradicts it. Plans say what is most likely: an election may be split and
// begin anew, which one in some tens is, and a client that asked who is gone waits
// for its own timeout and may then ask another who does not know better.
const factor = 3

// replacement is how long a plan says that replacing who leads takes at most: the
// longest timeout, a round of votes, and one until a command is answered.
func replacement(t *sim.Trial) time.Duration {
	return t.Process.Election.Max + 2*farthest(t)
}

// gap is how long nobody may happen to ask anything: clients think for times that
// are drawn, and forty times the mean between two requests does not come up by
// chance in a run.
func gap(t *sim.Trial) time.Duration { return 40 * time.Second / time.Duration(t.Rate) }

// slower is how much longer a flush takes in the scenario of a slow disk.
const slower = 50

// allowed is how long answers may stop in a run, by what the plan says of them; 0 if
// it does not say.
func allowed(r *run, a plan.Answers) time.Duration {
	t := &r.trial
	switch a {
	case plan.GoOn:
		// What is lost is said again with a heartbeat, and then takes its time; what a
		// client said, or was to hear, when its patience ends.
		again := 2*t.Process.Heartbeat + 2*farthest(t) + r.measured.Phases[0].P99
		switch r.scenario {
		case plan.LostMessages:
			again += t.Retry
		case plan.SlowDisk: // one flush is under way, and the write is in the next
			again += 2 * slower * t.Flush
		}
		return factor*again + gap(t)
	case plan.Resume:
		takes := replacement(t)
		if r.scenario == plan.Asymmetric { // who leads is heard until it has missed answers for as long
			takes *= 2
		}
		return factor*takes + gap(t)
	case plan.Stop:
		return t.Duration/3 + factor*replacement(t) + gap(t)
	}
	return 0
}

// contradicts says which claim of its plan a run contradicts; "" if none.
func (r *run) contradicts() string {
	m, t := &r.measured, &r.trial
	claim := r.of.plan.Claim(r.scenario)
	most := allowed(r, claim.Answers)
	switch {
	case m.Unable != "":
		return ""
	case m.Violation != "":
		return "broken: " + m.Violation
	case len(m.Lost) > 0 && !claim.Loses:
		return fmt.Sprintf("%d acknowledged writes are lost, where none may be", len(m.Lost))
	case m.Stale > 0 && !claim.Stale:
		return fmt.Sprintf("%d reads show less than was acknowledged before them, though they are to be linearizable",
			m.Stale)
	case most > 0 && m.Outage > most:
		return fmt.Sprintf("nothing is answered for %.4g ms, where %.4g ms would be far too long", inMS(m.Outage),
			inMS(most))
	case claim.Answers == plan.Stop && m.Outage < t.Duration/3-2*replacement(t):
		return fmt.Sprintf("answers never stop for longer than %.4g ms, where they are to until it is over",
			inMS(m.Outage))
	}
	return ""
}

// result is what the plan shows of a run.
func (r *run) result(wrong string) *plan.Measured {
	m := &r.measured
	before, while := &m.Phases[0], &m.Phases[1]
	return &plan.Measured{P50: inMS(before.P50), P99: inMS(before.P99), P50MS: inMS(while.P50), P99MS: inMS(while.P99),
		OutageMS: inMS(m.Outage), LostWrites: len(m.Lost), StaleReads: m.Stale, Violation: m.Violation,
		Seed: r.trial.Seed, Contradicts: wrong}
}

// evidence is a run as what a claim rests on.
func (r *run) evidence(wrong string) plan.Evidence {
	m, t := &r.measured, &r.trial
	e := plan.Evidence{Claim: fmt.Sprintf("%s, with %s", r.scenario, r.of.protocol.Name), Seed: t.Seed,
		Source: fmt.Sprintf("a run of %d nodes for %v of virtual time, of which it lasts the middle third", t.Nodes,
			t.Duration),
		Command: r.command(), Verdict: plan.Found}
	if n := r.of.plan.Configuration.Voters; n > t.Nodes {
		e.Source += fmt.Sprintf("; the plan has %d nodes", n)
	}
	if part := r.of.plan.Part(); part != "" {
		e.Source += "; of " + part
	}
	if r.of.protocol.Flexible != nil && !r.of.quorums {
		e.Source += "; with majorities"
	}
	if m.Unable != "" {
		e.Value, e.Verdict, e.Seed = m.Unable, plan.NotSimulated, 0
		return e
	}
	before, while := &m.Phases[0], &m.Phases[1]
	e.Value = fmt.Sprintf("p50 %.4g ms, p99 %.4g ms before; %.4g, %.4g while; outage %.4g ms; %.3g messages an "+
		"answer; %d acknowledged writes lost; %d stale reads", inMS(before.P50), inMS(before.P99), inMS(while.P50),
		inMS(while.P99), inMS(m.Outage), m.Messages, len(m.Lost), m.Stale)
	if while.Answers == 0 {
		e.Value += "; no answer while"
	}
	if m.Refused {
		e.Value += "; a change of the group is refused"
	}
	if wrong != "" {
		e.Verdict, e.Value = plan.Contradicted, e.Value+": "+wrong
	}
	return e
}

// partitions are the scenarios that are.
var partitions = map[string]bool{plan.MinorityPartition: true, plan.MajorityPartition: true, plan.Asymmetric: true}

// expected weighs the runs by the chance that a run has a partition: that is what
// partition_probability means, and not that a message is lost.
func expected(runs []run) plan.Evidence {
	chance := runs[0].of.plan.Request().Network.PartitionProbability
	var sums [2]time.Duration
	var n [2]int
	for i := range runs {
		if m := &runs[i].measured; m.Unable == "" {
			with := 0
			if partitions[runs[i].scenario] {
				with = 1
			}
			sums[with] += m.Outage
			n[with]++
		}
	}
	mean := func(i int) float64 { return inMS(sums[i]) / float64(max(1, n[i])) }
	return plan.Evidence{Claim: "Outage of a run, on average",
		Formula: "p·mean over partitions + (1-p)·mean over other scenarios, p = partition_probability",
		Seed:    runs[0].trial.Seed, Source: "the runs of this plan", Verdict: plan.Found,
		Value: fmt.Sprintf("%.4g ms with p = %v: %.4g ms with a partition, %.4g ms without",
			chance*mean(1)+(1-chance)*mean(0), chance, mean(1), mean(0))}
}
