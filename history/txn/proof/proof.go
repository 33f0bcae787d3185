// Package proof holds the certificates of isolation levels against the
// transactions themselves. It has package txn's words, and none of its search.
//
// That a level held is proved by an order of commits; of snapshots, with the instant
// at which each began. That it did not is proved by
// one or two transactions that nothing explains, or by a cycle of dependencies that
// the level rules out. In lists each dependency is seen in the reads. In registers
// it is not: a read tells who wrote what it returned, for no value is written twice
// to a register, and nobody wrote what was there at first; which of two others'
// versions came first is inferred. So there the certificate is a proof, whose every
// step is seen in the history or follows from earlier ones by one of the three rules
// of txn.Step.
//
// Why they are right. At a serializable level there is one order, and a path means
// that its end is after its beginning in it. Then the versions of two writers follow
// each other likewise; a writer before a reader is before, or is, the one who was
// read, for a read returns the last; and one after the writer who was read is after
// the reader. For a snapshot a path of ww and wr means that its beginning was
// committed before its end began, for nobody commits what another replaced since he
// began; with that for "after", the three hold again.
package proof

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"althing/history"
	"althing/history/txn"
)

// Verify tells why a report does not prove its verdict. Unknown needs no proof.
func Verify(txns []txn.Txn, m txn.Model, l txn.Level, r txn.Report) error {
	if r.Verdict == history.Illegal && !ruledOut(l, &r) {
		return fmt.Errorf("%w: %s has nothing against this %s", txn.ErrCertificate, l, r.Anomaly)
	}
	err := txn.Verify(txns, m, l, r)
	if err == nil && l == txn.Snapshot && r.Verdict == history.OK {
		_, err = Starts(txns, m, r.Order)
	}
	if errors.Is(err, txn.ErrInferred) {
		return inferred(txns, l, r.Cycle, r.Steps)
	}
	return err
}

// seen are the levels that are about what a transaction sees; what they rule out
// txn.VerifyForced knows.
var seen = []txn.Level{txn.MonotonicView, txn.ReadAtomic, txn.Causal}

// ruledOut tells whether a level rules out an anomaly, and it is what it is called.
func ruledOut(l txn.Level, r *txn.Report) bool {
	committed := l == txn.ReadCommitted
	switch {
	case r.Anomaly == "fuzzy-read":
		return !committed && l != txn.MonotonicView
	case slices.Contains(seen, l):
		return r.Anomaly != "lost-update"
	case r.Cycle == nil:
		return r.Anomaly != "lost-update" || !committed
	}
	var every txn.Dependency
	count, adjacent := map[txn.Dependency]int{}, false
	for i, e := range r.Cycle {
		count[e.Why]++
		every |= e.Why
		adjacent = adjacent || e.Why == txn.RW && r.Cycle[(i+1)%len(r.Cycle)].Why == txn.RW
	}
	switch {
	case every&^(txn.WW|txn.WR|txn.RW|txn.RT) != 0, committed && every&(txn.RW|txn.RT) != 0,
		l == txn.Snapshot && adjacent, l != txn.StrictSerializable && every&txn.RT != 0:
		return false
	}
	two := len(r.Cycle) == 2
	name, timely := strings.CutSuffix(r.Anomaly, "-realtime")
	return timely == (every&txn.RT != 0) && map[string]bool{
		"G0":            every&(txn.WR|txn.RW) == 0,
		"G1c":           count[txn.RW] == 0 && count[txn.WR] > 0,
		"lost-update":   two && count[txn.RW] > 0 && r.Cycle[0].Key == r.Cycle[1].Key,
		"write-skew":    two && count[txn.RW] == 2 && r.Cycle[0].Key != r.Cycle[1].Key,
		"G-single":      count[txn.RW] == 1,
		"G-nonadjacent": count[txn.RW] > 1 && !adjacent,
		"G2-item":       adjacent,
	}[name]
}

// inferred tells why steps do not lead to a cycle.
func inferred(txns []txn.Txn, l txn.Level, cycle []txn.Edge, steps []txn.Step) error {
	written := map[[2]string]bool{}
	for i := range txns {
		for _, a := range txns[i].Actions {
			v := [2]string{a.Key, a.Value}
			if a.Write && (written[v] || a.Value == "") {
				return fmt.Errorf("%w: %q is written twice to key %s", txn.ErrCertificate, a.Value, a.Key)
			}
			written[v] = written[v] || a.Write
		}
	}
	p := proof{txns, l, steps}
	for at := range steps {
		if !p.right(at) {
			return fmt.Errorf("%w: step %d of %d", txn.ErrCertificate, at+1, len(steps))
		}
	}
	for i, e := range cycle {
		if cycle[(i+1)%len(cycle)].From != e.To || !slices.ContainsFunc(steps, func(s txn.Step) bool {
			return s.From == e.From && s.To == e.To && s.Why == e.Why && s.Key == e.Key
		}) {
			return fmt.Errorf("%w: T%d %v T%d", txn.ErrCertificate, e.From, e, e.To)
		}
	}
	if len(cycle) == 0 {
		return fmt.Errorf("%w: no edges", txn.ErrCertificate)
	}
	return nil
}

type proof struct {
	txns  []txn.Txn
	level txn.Level
	steps []txn.Step
}

// right tells whether a step is seen in the history, or follows from earlier ones.
func (p *proof) right(at int) bool {
	s := &p.steps[at]
	if s.From == s.To || min(s.From, s.To) < 0 || int(max(s.From, s.To)) >= len(p.txns) {
		return false
	}
	from, to := &p.txns[s.From], &p.txns[s.To]
	if len(s.Path) == 0 {
		switch s.Why {
		case txn.WR:
			return wrote(from, s.Key, s.New) && read(to, s.Key, s.New)
		case txn.RW:
			return s.Old == "" && read(from, s.Key, "") && wrote(to, s.Key, s.New)
		}
		return s.Why == txn.RT && from.State == txn.Committed && from.Return < to.Call
	}
	first, last, ok := p.path(at)
	switch {
	case !ok || !wrote(&p.txns[first], s.Key, s.Old) || !wrote(to, s.Key, s.New):
		return false
	case s.Why == txn.RW:
		return last == s.To && read(from, s.Key, s.Old)
	}
	return s.Why == txn.WW && first == s.From && (last == s.To || read(&p.txns[last], s.Key, s.New))
}

// path returns the ends of a step's path, and whether it is one of earlier steps
// that at this level mean before.
func (p *proof) path(at int) (first, last int32, ok bool) {
	before := map[txn.Level]txn.Dependency{txn.Snapshot: txn.WW | txn.WR,
		txn.RepeatableRead: txn.WW | txn.WR | txn.RW, txn.Serializable: txn.WW | txn.WR | txn.RW,
		txn.StrictSerializable: txn.WW | txn.WR | txn.RW | txn.RT}[p.level]
	for n, i := range p.steps[at].Path {
		if i < 0 || int(i) >= at || n > 0 && p.steps[i].From != last || p.steps[i].Why&before == 0 {
			return 0, 0, false
		}
		if last = p.steps[i].To; n == 0 {
			first = p.steps[i].From
		}
	}
	return first, last, true
}

// wrote tells whether a transaction that may have happened wrote a value.
func wrote(t *txn.Txn, key, value string) bool {
	return t.State != txn.Aborted && slices.ContainsFunc(t.Actions, func(a txn.Action) bool {
		return a.Write && a.Key == key && a.Value == value
	})
}

// read tells whether a transaction read a value, before it wrote its own.
func read(t *txn.Txn, key, value string) bool {
	for _, a := range t.Actions {
		if a.Key != key {
			continue
		}
		if a.Write || t.State != txn.Committed {
			return false
		}
		if a.Value == value {
			return true
		}
	}
	return false
}

// Tell describes the steps, a line for each, if any of them is inferred.
func Tell(txns []txn.Txn, steps []txn.Step) (lines []string) {
	told := false
	for at, s := range steps {
		line := fmt.Sprintf("%d. (%v) %v (%v)", at+1, &txns[s.From], s.Edge, &txns[s.To])
		for n, i := range s.Path {
			told = true
			line += map[bool]string{true: ": by ", false: ", "}[n == 0] + fmt.Sprint(i+1)
		}
		lines = append(lines, line)
	}
	if !told {
		return nil
	}
	return lines
}
