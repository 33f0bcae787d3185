package plan

import (
	"fmt"
)

// Make plans. It returns a *Refusal if the request cannot be met, with every
// rule that it breaks. The same request always gives the same plan.
func Make(r Request) (*Plan, error) {
	if r.Consistency == "" {
		r.Consistency = Eventual
	}
	if err := r.Check(); err != nil {
		return nil, err
	}
	rows, path := choose(&r)
	if len(rows) == 0 {
		return nil, fmt.Errorf("plan: the table has no row for %s, %s", r.Problem, r.Consistency)
	}
	p := of(&r, rows[0].Pick)
	p.Path = path
	p.Evidence = append([]Evidence{{
		Claim:  fmt.Sprintf("%s for %s, %s", p.Protocol.Name, r.Problem, r.Consistency),
		Source: rows[0].Source, Value: rows[0].Why, Verdict: Computed,
		Command: "althing plan " + r.flags() + " --explain",
	}}, p.Evidence...)
	for _, w := range rows[1:] {
		s := find(w.Pick)
		p.Alternatives = append(p.Alternatives, Alternative{Name: s.Name, For: w.Why, Lost: w.Against, Row: s.Row})
	}
	if s := p.system; s.Gives != r.Consistency {
		p.note(fmt.Sprintf("%s is %s: stronger than the %s that was asked for.", s.Name, s.Gives, r.Consistency))
	}
	if r.Problem == ConflictResolution && r.Consistency.atLeast(Sequential) {
		p.note("With one order of writes there are no conflicts to resolve: this is a plan for consensus.")
	}
	if p.system.Kind == lying && r.Problem == Partitioning {
		p.note("Each part of the keys is a group of its own: on fewer than 3f+1 of the nodes it bears no f liars.")
	}
	if p.system.Kind == lying && r.Problem == Transaction {
		p.note("A transaction within one group is one command, and needs no commit protocol; across groups each " +
			"group votes as one participant.")
	}
	if err := p.availability(); err != nil {
		return nil, err
	}
	if err := p.staleness(); err != nil {
		return nil, err
	}
	p.scenarios()
	return p, nil
}

// of is the plan for a system, with its numbers.
func of(r *Request, key string) *Plan {
	s := find(key)
	p := &Plan{request: r, system: s, Row: s.Row, CAP: s.CAP, PACELC: s.PACELC, Alternatives: []Alternative{},
		Protocol: Protocol{Name: s.Name, Description: s.What, Guarantee: s.Guarantee, Source: s.Source}}
	p.configure()
	p.latencies()
	p.scheme()
	return p
}
