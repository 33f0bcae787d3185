package txn

import (
	"cmp"
	"fmt"
	"slices"
)

// earlier tells whether a process did i before j: i was answered, and called
// before.
func earlier(txns []Txn, i, j int32) bool {
	s, t := &txns[i], &txns[j]
	return i != j && s.Process == t.Process && s.State == Committed &&
		cmp.Or(cmp.Compare(s.Call, t.Call), cmp.Compare(i, j)) < 0
}

// wrote tells whether a transaction that may have happened wrote a value to a
// key; "" is any.
func wrote(t *Txn, key, value string) bool {
	return t.State != Aborted && slices.ContainsFunc(t.Actions, func(a Action) bool {
		return a.Write && a.Key == key && (value == "" || a.Value == value)
	})
}

// sees tells whether a read of a transaction, before its action at place, saw a
// value that from wrote.
func sees(from, t *Txn, m Model, place int) bool {
	for _, a := range others(t, m)[:place] {
		saw := a.List
		if m == RWRegister && !a.Write && a.Value != "" {
			saw = []string{a.Value}
		}
		if slices.ContainsFunc(saw, func(v string) bool { return wrote(from, a.Key, v) }) {
			return true
		}
	}
	return false
}

// others returns a committed transaction's actions, of which reads return what
// others wrote, and those that do not are empty.
func others(t *Txn, m Model) []Action {
	all, own := slices.Clone(t.Actions), map[string]int{}
	for i := range all {
		switch a := &all[i]; {
		case a.Write:
			own[a.Key]++
		case t.State != Committed || m == RWRegister && own[a.Key] > 0:
			*a = Action{}
		case m == ListAppend:
			a.List = a.List[:max(0, len(a.List)-own[a.Key])]
		}
	}
	return all
}

// VerifyForced tells why a cycle does not prove that transactions lack a level
// of isolation that is about what is seen. Each edge must be there: a session,
// a read, two versions of a list; or a commit that must come first, since
// somebody saw it, and read the other's version; or the cycle leads to a read
// that lacks what its reader saw.
func VerifyForced(txns []Txn, m Model, l Level, cycle []Edge) error {
	v := forced{txns, m, l}
	for i, e := range cycle {
		ok := cycle[(i+1)%len(cycle)].From == e.To
		switch e.Why {
		case SO, WR:
			ok = ok && (e.Why == SO && earlier(txns, e.From, e.To) || e.Why == WR && e.From != e.To &&
				wrote(&txns[e.From], e.Key, e.New) && sees(&txns[e.From], &txns[e.To], m, len(txns[e.To].Actions)))
		case WW:
			ok = ok && m == ListAppend && seen(txns, e)
		case CO:
			ok = ok && v.co(e)
		case RW: // the rest of the cycle is why From had to see To
			var via []int32
			for n := range len(cycle) - 1 {
				d := cycle[(i+1+n)%len(cycle)]
				via, ok = append(via, d.To), ok && d.Why&(SO|WR) != 0
			}
			ok = ok && v.lacks(e, via)
		default:
			ok = false
		}
		if !ok {
			return fmt.Errorf("%w: T%d %v T%d", ErrCertificate, e.From, e, e.To)
		}
	}
	if len(cycle) == 0 {
		return fmt.Errorf("%w: no edges", ErrCertificate)
	}
	return nil
}

type forced struct {
	txns  []Txn
	model Model
	level Level
}

// step tells whether from is before to in a session, or is seen by it before a
// place.
func (v *forced) step(from, to int32, place int) bool {
	return from != to && (earlier(v.txns, from, to) || sees(&v.txns[from], &v.txns[to], v.model, place))
}

// seen tells whether the last of via has to see from when it comes to its action
// at place.
func (v *forced) seen(from int32, via []int32, place int) bool {
	if v.level == MonotonicView {
		return len(via) == 1 && sees(&v.txns[from], &v.txns[via[0]], v.model, place)
	}
	for _, to := range via {
		if !v.step(from, to, len(v.txns[to].Actions)) {
			return false
		}
		from = to
	}
	return len(via) == 1 || v.level == Causal && len(via) > 1
}

// co tells whether somebody who had to see From read To's version of a key that
// both wrote.
func (v *forced) co(e Edge) bool {
	if len(e.Via) == 0 || v.model != RWRegister || e.From == e.To || !wrote(&v.txns[e.From], e.Key, "") ||
		!wrote(&v.txns[e.To], e.Key, e.New) {
		return false
	}
	by := &v.txns[e.Via[len(e.Via)-1]]
	for place, a := range others(by, v.model) {
		if !a.Write && a.Key == e.Key && a.Value == e.New && a.Value != "" && v.seen(e.From, e.Via, place) {
			return true
		}
	}
	return false
}

// lacks tells whether From read a key, had to see To, and found nothing of what
// To wrote to it: nor anybody else's, if it is a register.
func (v *forced) lacks(e Edge, via []int32) bool {
	for place, a := range others(&v.txns[e.From], v.model) {
		if e.From != e.To && !a.Write && a.Key == e.Key && a.Value == "" && wrote(&v.txns[e.To], e.Key, e.New) &&
			!slices.Contains(a.List, e.New) && v.seen(e.To, via, place) {
			return true
		}
	}
	return false
}

// An audit holds each read of an order of commits against all that was committed
// between whom it read and its reader.
type audit struct {
	txns    []Txn
	model   Model
	level   Level
	at      []int            // by transaction: its place in the order
	places  map[string][]int // by key: of its versions, the first first
	values  map[string][]string
	number  map[version]int // of a version among those of its key, from 1
	writer  map[version]int32
	prior   []int32   // by transaction: whom its process did last before, of those answered; or -1
	column  []int32   // by transaction
	pasts   [][]int32 // by transaction, with itself: by column, the last place in the order; only if causal
	columns int32
}

// verifySeen is VerifyOrder for the levels that are about what is seen: the
// order keeps sessions, and nothing that a read had to see, and that wrote its
// key, is between whom it read and its reader.
func verifySeen(txns []Txn, m Model, l Level, order []int32) error {
	n := len(txns)
	v := &audit{txns: txns, model: m, level: l, at: make([]int, n), places: map[string][]int{},
		values: map[string][]string{}, number: map[version]int{}, writer: map[version]int32{},
		prior: make([]int32, n), column: make([]int32, n), pasts: make([][]int32, n)}
	for p, i := range order {
		v.at[i] = p
		v.write(i, p)
	}
	if err := v.sessions(order); err != nil {
		return err
	}
	if l == Causal && len(order)*int(v.columns) > maxCells {
		return fmt.Errorf("%w: it is too large to verify", ErrCertificate)
	}
	for p, i := range order {
		if !v.right(i, p) {
			return fmt.Errorf("%w: its reads are not right: %v", ErrCertificate, &txns[i])
		}
	}
	return nil
}

// write notes the versions that a transaction wrote; of a register only the last.
func (v *audit) write(i int32, p int) {
	for _, a := range v.txns[i].Actions {
		if !a.Write {
			continue
		}
		places, n := v.places[a.Key], len(v.places[a.Key])
		if v.model == RWRegister && n > 0 && places[n-1] == p {
			delete(v.number, version{a.Key, v.values[a.Key][n-1]})
			v.values[a.Key][n-1] = a.Value
		} else {
			v.places[a.Key], v.values[a.Key] = append(places, p), append(v.values[a.Key], a.Value)
		}
		v.number[version{a.Key, a.Value}] = len(v.places[a.Key])
		v.writer[version{a.Key, a.Value}] = i
	}
}

// sessions tells whether the order keeps each process's. What was not answered
// has a column for itself.
func (v *audit) sessions(order []int32) error {
	by := slices.Clone(order)
	slices.SortFunc(by, func(a, b int32) int {
		s, t := &v.txns[a], &v.txns[b]
		return cmp.Or(cmp.Compare(s.Process, t.Process), cmp.Compare(s.Call, t.Call), cmp.Compare(a, b))
	})
	last := int32(-1)
	for k, i := range by {
		if k > 0 && v.txns[by[k-1]].Process != v.txns[i].Process {
			last = -1
		}
		if v.prior[i] = last; last >= 0 && v.at[last] > v.at[i] {
			return fmt.Errorf("%w: against its session: %v", ErrCertificate, &v.txns[i])
		}
		if v.column[i] = v.columns; last >= 0 && v.txns[i].State == Committed {
			v.column[i] = v.column[last]
		} else {
			v.columns++
		}
		if v.txns[i].State == Committed {
			last = i
		}
	}
	return nil
}

// right tells whether what the transaction at place p read was there.
func (v *audit) right(i int32, p int) bool {
	t := &v.txns[i]
	read := map[int32]bool{} // whom it has seen
	actions := others(t, v.model)
	if v.level != MonotonicView {
		for _, a := range actions {
			v.sources(&a, func(w int32) { read[w] = true })
		}
	}
	if v.level == Causal {
		v.remember(i, p, read)
	}
	own := map[string][]string{}
	for j, a := range t.Actions {
		if a.Write {
			own[a.Key] = append(own[a.Key], a.Value)
			continue
		}
		if t.State != Committed {
			continue
		}
		if mine := own[a.Key]; v.model == RWRegister && mine != nil {
			if a.Value != mine[len(mine)-1] {
				return false
			}
			continue
		} else if len(a.List) < len(mine) || !slices.Equal(a.List[len(a.List)-len(mine):], mine) {
			return false
		}
		if !v.fresh(i, p, &actions[j], read) {
			return false
		}
		v.sources(&actions[j], func(w int32) { read[w] = true })
	}
	return true
}

// fresh tells whether a read of others' writes returned a version from before p,
// and whether none that was committed since had to be seen.
func (v *audit) fresh(i int32, p int, a *Action, read map[int32]bool) bool {
	places, n := v.places[a.Key], len(a.List)
	if v.model == RWRegister {
		n = v.number[version{a.Key, a.Value}]
		if n == 0 && a.Value != "" {
			return false
		}
	} else if n > len(places) || !slices.Equal(v.values[a.Key][:n], a.List) ||
		n > 0 && n < len(places) && places[n] == places[n-1] {
		return false
	}
	if n > 0 && places[n-1] >= p {
		return false
	}
	for k, at := range places[n:] {
		if at >= p {
			break
		}
		w := v.writer[version{a.Key, v.values[a.Key][n+k]}]
		if read[w] || v.level == ReadAtomic && earlier(v.txns, w, i) ||
			v.level == Causal && v.pasts[i][v.column[w]] > int32(at) {
			return false
		}
	}
	return true
}

// sources calls f with whom a read saw.
func (v *audit) sources(a *Action, f func(w int32)) {
	all := a.List
	if v.model == RWRegister && a.Value != "" && !a.Write {
		all = []string{a.Value}
	}
	for _, value := range all {
		if w, ok := v.writer[version{a.Key, value}]; ok {
			f(w)
		}
	}
}

// remember joins what a transaction depends on.
func (v *audit) remember(i int32, p int, read map[int32]bool) {
	past := make([]int32, v.columns)
	join := func(w int32) {
		for c, last := range v.pasts[w] {
			past[c] = max(past[c], last)
		}
	}
	if v.prior[i] >= 0 {
		join(v.prior[i])
	}
	for w := range read {
		join(w) // nothing, if it is not before: then the read is not right
	}
	past[v.column[i]] = int32(p) + 1
	v.pasts[i] = past
}
