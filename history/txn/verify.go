package txn

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"time"
)

// ErrCertificate is what a certificate that does not hold is refused with.
var ErrCertificate = errors.New("the certificate does not hold")

// VerifyOrder tells why order, in which transactions were committed, does not
// prove that they had a level of isolation. All that are known to be committed
// must be in it, once, and none that was aborted. Each read returned a version;
// what matters is where that stands among the versions of its key, which are in
// the order. At read-committed its writer must be before the reader; at a
// serializable level it must be the last one before; for a snapshot there must
// be an instant at which all that a transaction read was the last, and after
// which nobody wrote what it wrote. Strict, the order must keep time, too.
func VerifyOrder(txns []Txn, m Model, l Level, order []int32) error {
	v := verifier{txns: txns, model: m, at: map[string][]int{}, values: map[string][]string{}}
	used := make([]bool, len(txns))
	latest := time.Duration(math.MinInt64)
	for p, i := range order {
		t := &txns[i]
		if used[i] || t.State == Aborted {
			return fmt.Errorf("%w: twice, or aborted: %v", ErrCertificate, t)
		}
		if used[i] = true; l == StrictSerializable && t.State == Committed && t.Return < latest {
			return fmt.Errorf("%w: too late: %v", ErrCertificate, t)
		}
		latest = max(latest, t.Call)
		v.write(t, p)
	}
	for i := range txns {
		if !used[i] && txns[i].State == Committed {
			return fmt.Errorf("%w: left out: %v", ErrCertificate, &txns[i])
		}
	}
	if l.weak() {
		return verifySeen(txns, m, l, order)
	}
	for p, i := range order {
		if t := &txns[i]; t.State == Committed && !v.right(t, p, l) {
			return fmt.Errorf("%w: its reads are not right: %v", ErrCertificate, t)
		}
	}
	return nil
}

// A verifier has the versions of each key, and where in the order they were
// written.
type verifier struct {
	txns   []Txn
	model  Model
	at     map[string][]int
	values map[string][]string
}

// write adds what a transaction wrote; to a register only the last.
func (v *verifier) write(t *Txn, p int) {
	for _, a := range t.Actions {
		if !a.Write {
			continue
		}
		at := v.at[a.Key]
		if n := len(at); v.model == RWRegister && n > 0 && at[n-1] == p {
			v.values[a.Key][n-1] = a.Value
			continue
		}
		v.at[a.Key], v.values[a.Key] = append(at, p), append(v.values[a.Key], a.Value)
	}
}

// index returns how many versions a read has behind it; -1 if it is none of the
// states of its key.
func (v *verifier) index(a *Action) int {
	values := v.values[a.Key]
	if v.model == RWRegister {
		if a.Value == "" {
			return 0
		}
		if n := slices.Index(values, a.Value); n >= 0 {
			return n + 1
		}
		return -1
	}
	if n := len(a.List); n > len(values) || !slices.Equal(values[:n], a.List) {
		return -1
	}
	return len(a.List)
}

// right tells whether what the transaction at place p read was there.
func (v *verifier) right(t *Txn, p int, l Level) bool {
	from, to := 0, p // the instants of a snapshot
	wrote := map[string][]string{}
	for j := range t.Actions {
		a := &t.Actions[j]
		if a.Write {
			wrote[a.Key] = append(wrote[a.Key], a.Value)
			continue
		}
		if own := wrote[a.Key]; own != nil {
			ok := v.model == RWRegister && a.Value == own[len(own)-1] || v.model == ListAppend &&
				len(a.List) >= len(own) && slices.Equal(a.List[len(a.List)-len(own):], own)
			if !ok {
				return false
			}
			if v.model == RWRegister {
				continue
			}
			a = &Action{Key: a.Key, List: a.List[:len(a.List)-len(own)]}
		}
		n, at := v.index(a), v.at[a.Key]
		if n < 0 || n > 0 && (at[n-1] >= p || n < len(at) && at[n] == at[n-1] && v.model == ListAppend) {
			return false
		}
		if n > 0 {
			from = max(from, at[n-1]+1)
		}
		if n < len(at) {
			to = min(to, at[n])
		}
	}
	switch l {
	case ReadCommitted:
		return true
	case Snapshot:
		for k := range wrote {
			n, _ := slices.BinarySearch(v.at[k], p)
			if n > 0 {
				from = max(from, v.at[k][n-1]+1)
			}
		}
		return from <= to
	}
	return to == p && from <= p
}

// VerifyCycle tells why edges are not a cycle of dependencies between the
// transactions of a list-append history: each must be seen in what was read.
func VerifyCycle(txns []Txn, cycle []Edge) error {
	for i, e := range cycle {
		if cycle[(i+1)%len(cycle)].From != e.To || !seen(txns, e) {
			return fmt.Errorf("%w: T%d %v T%d", ErrCertificate, e.From, e, e.To)
		}
	}
	if len(cycle) == 0 {
		return fmt.Errorf("%w: no edges", ErrCertificate)
	}
	return nil
}

// seen tells whether an edge is to be seen in the reads.
func seen(txns []Txn, e Edge) bool {
	from, to := &txns[e.From], &txns[e.To]
	last := func(list []string) string {
		if len(list) == 0 {
			return ""
		}
		return list[len(list)-1]
	}
	reads := func(t *Txn, f func(list []string) bool) bool {
		return t.State == Committed && slices.ContainsFunc(external(t), func(a Action) bool {
			return a.Key == e.Key && f(a.List)
		})
	}
	writes := func(t *Txn, value string) bool {
		return t.State != Aborted && slices.ContainsFunc(t.Actions, func(a Action) bool {
			return a.Write && a.Key == e.Key && a.Value == value
		})
	}
	follows := func() bool { // New comes right after Old, or after all that was read
		any := slices.ContainsFunc(txns, func(t Txn) bool {
			return reads(&t, func(list []string) bool {
				n := slices.Index(list, e.New)
				return n >= 0 && last(list[:n]) == e.Old
			})
		})
		nobody := !slices.ContainsFunc(txns, func(t Txn) bool {
			return reads(&t, func(list []string) bool {
				return slices.Contains(list, e.New) ||
					last(list) != e.Old && (e.Old == "" || slices.Contains(list, e.Old))
			})
		})
		return any || nobody && to.State != Aborted
	}
	switch e.Why {
	case WW:
		return writes(from, e.Old) && writes(to, e.New) && follows()
	case WR:
		return writes(from, e.New) && reads(to, func(list []string) bool { return last(list) == e.New })
	case RW:
		return reads(from, func(list []string) bool { return last(list) == e.Old }) && writes(to, e.New) && follows()
	}
	return from.State == Committed && from.Return < to.Call
}
