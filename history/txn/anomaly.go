package txn

import (
	"errors"
	"fmt"
	"slices"

	"althing/history"
)

// ErrInferred says that a cycle of registers' versions is not to be seen in the
// reads: their order was inferred, step by step. Package proof follows the steps.
var ErrInferred = errors.New("an order of versions that is inferred is not seen in the reads")

// Verify tells why a report does not prove its verdict. It shares no code with
// Check, but for what takes a reader's own values from the list that it read.
// Unknown needs no proof.
func Verify(txns []Txn, m Model, l Level, r Report) error {
	switch {
	case r.Verdict == history.Unknown:
		return nil
	case r.Verdict == history.OK:
		return VerifyOrder(txns, m, l, r.Order)
	case r.Cycle == nil:
		return VerifyAnomaly(txns, m, r.Anomaly, r.Core)
	case l.weak():
		return VerifyForced(txns, m, l, r.Cycle)
	case m == ListAppend:
		return VerifyCycle(txns, r.Cycle)
	}
	return ErrInferred
}

// VerifyAnomaly tells why a few transactions do not show an anomaly that is not
// a cycle. Core is them, as in a Report.
func VerifyAnomaly(txns []Txn, m Model, anomaly string, core []int32) error {
	if len(core) == 0 || len(core) > 2 {
		return fmt.Errorf("%w: %d transactions", ErrCertificate, len(core))
	}
	first, last := &txns[core[0]], &txns[core[len(core)-1]]
	shows := false
	switch read := others(last, m); {
	case last.State != Committed:
	case anomaly == "garbage":
		shows = anyValue(last, m, func(key, v string, _ bool) bool {
			return !slices.ContainsFunc(txns, func(t Txn) bool { return wroteEver(&t, key, v) >= 0 })
		})
	case anomaly == "G1a":
		shows = first.State == Aborted && anyValue(last, m, func(key, v string, _ bool) bool {
			return wroteEver(first, key, v) >= 0
		})
	case anomaly == "G1b":
		shows = first != last && anyValue(last, m, func(key, v string, end bool) bool {
			at := wroteEver(first, key, v)
			return end && at >= 0 && slices.ContainsFunc(first.Actions[at+1:], func(a Action) bool {
				return a.Write && a.Key == key
			})
		})
	case anomaly == "internal":
		shows = contradicts(last, m)
	case anomaly == "torn-write":
		shows = slices.ContainsFunc(last.Actions, func(a Action) bool {
			got := values(first, a.Key, a.List)
			return first != last && len(got) > 0 && !slices.Equal(got, values(first, a.Key, nil))
		})
	case anomaly == "duplicate":
		shows = slices.ContainsFunc(last.Actions, func(a Action) bool {
			list := slices.Sorted(slices.Values(a.List))
			return len(slices.Compact(list)) < len(a.List)
		})
	case anomaly == "fuzzy-read", anomaly == "incompatible-order":
		shows = slices.ContainsFunc(others(first, m), func(a Action) bool {
			return !a.Write && a.Key != "" && slices.ContainsFunc(read, func(b Action) bool {
				n := min(len(a.List), len(b.List))
				same := a.Value == b.Value && len(a.List) == len(b.List) && slices.Equal(a.List[:n], b.List[:n])
				return !b.Write && b.Key == a.Key && !same &&
					(anomaly == "fuzzy-read" || !slices.Equal(a.List[:n], b.List[:n]))
			})
		}) && (anomaly == "incompatible-order" || len(core) == 1)
	case anomaly == "lost-update":
		shows = first != last && slices.ContainsFunc(others(first, m), func(a Action) bool {
			return first.State == Committed && !a.Write && a.Key != "" &&
				wrote(first, a.Key, "") && wrote(last, a.Key, "") && slices.ContainsFunc(read, func(b Action) bool {
				return !b.Write && b.Key == a.Key && b.Value == a.Value && slices.Equal(a.List, b.List)
			})
		})
	}
	if !shows {
		return fmt.Errorf("%w: no %s: %v", ErrCertificate, anomaly, last)
	}
	return nil
}

// values returns what a transaction wrote to a key; or what of a list that is.
func values(t *Txn, key string, list []string) (own []string) {
	if list != nil {
		return slices.DeleteFunc(slices.Clone(list), func(v string) bool { return wroteEver(t, key, v) < 0 })
	}
	for _, a := range t.Actions {
		if a.Write && a.Key == key {
			own = append(own, a.Value)
		}
	}
	return own
}

// anyValue tells whether f says so of a value that was read; end: it is the last.
func anyValue(t *Txn, m Model, f func(key, value string, end bool) bool) bool {
	return slices.ContainsFunc(t.Actions, func(a Action) bool {
		if a.Write {
			return false
		}
		for i, v := range a.List {
			if f(a.Key, v, i == len(a.List)-1) {
				return true
			}
		}
		return m == RWRegister && a.Value != "" && f(a.Key, a.Value, true)
	})
}

// wroteEver returns the place of a write, whatever became of it; -1: none.
func wroteEver(t *Txn, key, value string) int {
	return slices.IndexFunc(t.Actions, func(a Action) bool { return a.Write && a.Key == key && a.Value == value })
}

// contradicts tells whether a transaction reads otherwise than it wrote: its last
// write of a register, the end of a list, nothing that it writes later.
func contradicts(t *Txn, m Model) bool {
	own := map[string][]string{}
	for _, a := range t.Actions {
		mine := own[a.Key]
		if a.Write {
			own[a.Key] = append(mine, a.Value)
			continue
		}
		rest := a.List
		switch {
		case m == RWRegister && mine != nil:
			if a.Value != mine[len(mine)-1] {
				return true
			}
			continue
		case m == RWRegister:
			rest = []string{a.Value}
		case len(rest) < len(mine) || !slices.Equal(rest[len(rest)-len(mine):], mine):
			return true
		default:
			rest = rest[:len(rest)-len(mine)]
		}
		if slices.ContainsFunc(rest, func(v string) bool { return wroteEver(t, a.Key, v) >= 0 }) {
			return true
		}
	}
	return false
}
