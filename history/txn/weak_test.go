package txn

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"althing/history"
	"althing/history/weak"
)

var seenLevels = []Level{MonotonicView, ReadAtomic, Causal}

// inSessions is parse, with | between sessions.
func inSessions(m Model, text string) (txns []Txn) {
	for p, session := range strings.Split(text, "|") {
		for i, t := range parse(m, session) {
			t.Process, t.Call, t.Return = p, time.Duration(10*i), time.Duration(10*i+5)
			txns = append(txns, t)
		}
	}
	return txns
}

// TestSeen: textbook histories, the levels that they break, and by what name.
func TestSeen(t *testing.T) {
	for _, c := range []struct {
		model Model
		text  string
		names string // at monotonic-atomic-view, read-atomic, causal; - if it holds
	}{
		{RWRegister, "x+1 | x:1 x+2 | x:2", "- - -"},
		{RWRegister, "x+1 y+1 | x:1 y:", "non-monotonic-read fractured-read causality-violation"},
		{RWRegister, "x+1 y+1 | y: x:1", "- fractured-read causality-violation"},
		{RWRegister, "x+1 / y+1 | y:1 x:", "- - causality-violation"}, // the session's first is not seen
		{RWRegister, "x+1 / x:", "- fractured-read causality-violation"},
		{RWRegister, "x+1 | x+2 | x:1 / x:2 / x:1", "- - causality-violation"},
		{RWRegister, "x+1 | x+2 | x:1 x:2", "- fuzzy-read fuzzy-read"},
		{RWRegister, "x+1 | x+2 | x:1 x:2 x:1", "non-monotonic-read fuzzy-read fuzzy-read"},
		{RWRegister, "x+1 y+1 | x+2 y+2 | x:2 y:1 | y:1 x:2", "non-monotonic-read fractured-read causality-violation"},
		{RWRegister, "x+1 y+1 | x+2 y+2 | x:2 y:1", "- fractured-read causality-violation"},
		{RWRegister, "x:1 / y+1 | y:1 / x+1", "G1c-process G1c-process G1c-process"},
		{RWRegister, "x:1 y+1 | y:1 x+1", "G1c G1c G1c"},
		{RWRegister, "x+1 / x+2 y+2 | x+3 | y:2 x:2 x:1 x:3", "non-monotonic-read fuzzy-read fuzzy-read"},
		{RWRegister, "x+2 / x+1 y+1 | y:1 x:1 x:1 x:2", "non-monotonic-read fuzzy-read fuzzy-read"},
		{RWRegister, "x+1 y+1 | y: x:1 y:", "non-monotonic-read fractured-read causality-violation"},
		{RWRegister, "x: x:1 x+1", "internal fuzzy-read fuzzy-read"},
		// Biswas and Enea: read committed alone, and read atomic alone.
		{RWRegister, "x+1 / x+2 | x:2 y+1 | x:1 y:1", "- - causality-violation"},
		// What none of them rules out: lost updates, long forks, write skews.
		{RWRegister, "x: x+1 | x: x+2", "- - -"},
		{RWRegister, "x+1 | y+1 | x:1 y: | x: y:1", "- - -"},
		{RWRegister, "x: y+1 | y: x+1", "- - -"},
		// Two orders of two writes: what convergence rules out.
		{RWRegister, "x+1 | x+2 | x:1 / x:2 | x:2 / x:1", "- - causality-violation"},
		{RWRegister, "x+1 ? / x: / x:1", "- - -"}, // it may have been committed at any time
		{RWRegister, "x+1 ? / x:1 / x:", "- - causality-violation"},
		{RWRegister, "x+1 ! | x:1", "G1a G1a G1a"},
		{ListAppend, "x+1 | x:1 x+2 | x:1,2", "- - -"},
		{ListAppend, "x+1 y+1 | x:1 y:", "non-monotonic-read fractured-read causality-violation"},
		{ListAppend, "x+1 y+1 | y: x:1", "- fractured-read causality-violation"},
		{ListAppend, "x+1 y+1 | x+2 | y: x:1,2", "- fractured-read causality-violation"},
		{ListAppend, "x+1 / x:", "- fractured-read causality-violation"},
		{ListAppend, "x+1 / y+1 | y:1 x:", "- - causality-violation"},
		{ListAppend, "x+1 x+2 | x+3 | x:2,1,3", "torn-write torn-write torn-write"},
		{ListAppend, "x:1 x+1", "internal internal internal"},
		{ListAppend, "x+1 / x+2 | x:2,1", "G1c-process G1c-process G1c-process"},
		{ListAppend, "x+1 y+1 | x+2 y+2 | x:1,2 | y:2,1", "G0 G0 G0"},
		{ListAppend, "x+1 | y+1 | x:1 y: | x: y:1", "- - -"},
	} {
		txns := inSessions(c.model, c.text)
		for i, want := range strings.Fields(c.names) {
			r := Check(txns, c.model, seenLevels[i], 0)
			if got := r.Anomaly; r.Verdict == history.OK && want != "-" || r.Verdict != history.OK && got != want {
				t.Errorf("%s %s: %s: %v %s %v, want %s", c.model, c.text, seenLevels[i], r.Verdict, got, r.Cycle, want)
			}
			if err := Verify(txns, c.model, seenLevels[i], r); err != nil {
				t.Errorf("%s %s: %s: %v", c.model, c.text, seenLevels[i], err)
			}
		}
	}
}

// A definition says of a small history what it must hold to, by trying all
// orders of commits.
type definition struct {
	txns   []Txn
	m      Model
	l      Level
	live   []int
	hb     [][]bool // session and reads; closed if causal
	direct [][]bool
}

func (d *definition) writer(key, value string) int {
	return slices.IndexFunc(d.txns, func(t Txn) bool { return wroteEver(&t, key, value) >= 0 })
}

// saw returns whom a read saw: of a register one, of a list all.
func (d *definition) saw(a Action) (from []int) {
	if a.Write {
		return nil
	}
	list := a.List
	if d.m == RWRegister && a.Value != "" {
		list = []string{a.Value}
	}
	for _, v := range list {
		from = append(from, d.writer(a.Key, v))
	}
	return from
}

// sound tells whether each read returns, but for its own writes, what somebody
// wrote last, and has not aborted.
func (d *definition) sound() bool {
	for i := range d.txns {
		if d.txns[i].State == Committed && contradicts(&d.txns[i], d.m) {
			return false
		}
		read := map[string]Action{}
		for _, a := range others(&d.txns[i], d.m) {
			saw := d.saw(a)
			for n, w := range saw {
				if w < 0 || d.txns[w].State == Aborted || slices.Contains(a.List[:min(n, len(a.List))], a.value(n)) {
					return false
				}
				if n == len(saw)-1 {
					last := ""
					for _, b := range d.txns[w].Actions {
						if b.Write && b.Key == a.Key {
							last = b.Value
						}
					}
					if last != a.value(n) {
						return false
					}
				}
			}
			if b, again := read[a.Key]; !a.Write && a.Key != "" {
				if again && d.l != MonotonicView && (b.Value != a.Value || !slices.Equal(a.List, b.List)) {
					return false
				}
				read[a.Key] = a
			}
		}
	}
	return true
}

func (a *Action) value(n int) string {
	if a.List != nil {
		return a.List[n]
	}
	return a.Value
}

func (d *definition) holds() bool {
	if !d.sound() {
		return false
	}
	n := len(d.txns)
	d.hb = make([][]bool, n)
	for i := range d.hb {
		d.hb[i] = make([]bool, n)
	}
	live := map[int]bool{}
	for i := range d.txns {
		if d.txns[i].State != Committed {
			continue
		}
		live[i] = true
		for _, a := range others(&d.txns[i], d.m) {
			for _, w := range d.saw(a) {
				live[w], d.hb[w][i] = true, w != i
			}
		}
	}
	for i := range n {
		if live[i] {
			d.live = append(d.live, i)
		}
	}
	for _, i := range d.live {
		for _, j := range d.live {
			if d.txns[i].Process == d.txns[j].Process && i < j && d.txns[i].State == Committed {
				d.hb[i][j] = true
			}
		}
	}
	d.direct = make([][]bool, n)
	for i := range d.hb {
		d.direct[i] = slices.Clone(d.hb[i])
	}
	for k := range n {
		for i := range n {
			for j := range n {
				d.hb[i][j] = d.hb[i][j] || d.hb[i][k] && d.hb[k][j]
			}
		}
	}
	return d.try(nil)
}

// visible tells whether a read had to see w.
func (d *definition) visible(w, t, place int) bool {
	switch d.l {
	case MonotonicView:
		return slices.ContainsFunc(others(&d.txns[t], d.m)[:place], func(a Action) bool {
			return slices.Contains(d.saw(a), w)
		})
	case ReadAtomic:
		return d.direct[w][t]
	}
	return d.hb[w][t]
}

func (d *definition) try(order []int) bool {
	if len(order) == len(d.live) {
		return d.fits(order)
	}
	for _, i := range d.live {
		if !slices.Contains(order, i) && !slices.ContainsFunc(d.live, func(j int) bool {
			return d.hb[j][i] && !slices.Contains(order, j)
		}) && d.try(append(slices.Clone(order), i)) {
			return true
		}
	}
	return false
}

// fits is the axiom: whoever is visible and wrote what was read was committed
// before whom it was read of.
func (d *definition) fits(order []int) bool {
	for _, t := range order {
		if d.txns[t].State != Committed {
			continue
		}
		for place, a := range others(&d.txns[t], d.m) {
			if a.Write || a.Key == "" {
				continue
			}
			var all []string
			for _, w := range order {
				for _, b := range d.txns[w].Actions {
					if b.Write && b.Key == a.Key {
						all = append(all, b.Value)
					}
				}
			}
			if d.m == ListAppend && (len(a.List) > len(all) || !slices.Equal(all[:len(a.List)], a.List)) {
				return false
			}
			at := -1
			if saw := d.saw(a); len(saw) > 0 {
				at = slices.Index(order, saw[len(saw)-1])
			}
			for p, w := range order {
				if p > at && w != t && wroteKey(&d.txns[w], a.Key) && d.visible(w, t, place) {
					return false
				}
			}
		}
	}
	return true
}

func wroteKey(t *Txn, key string) bool {
	return slices.ContainsFunc(t.Actions, func(a Action) bool { return a.Write && a.Key == key })
}

// replicated makes transactions of a few sessions, each of which sees some of
// those before; a wild one sees a bit of anything.
func replicated(rng *rand.Rand, m Model) []Txn {
	n, sessions, keys := 3+rng.IntN(4), 2+rng.IntN(2), 2+rng.IntN(2)
	wild := rng.IntN(3)
	var txns []Txn
	views := make([]map[string][]string, n+1)
	views[0] = map[string][]string{}
	for i := range n {
		t := Txn{Process: rng.IntN(sessions), State: Committed, Call: time.Duration(i), Return: time.Duration(i)}
		own := map[string][]string{}
		from := rng.IntN(i + 1)
		if rng.IntN(2) == 0 {
			from = i
		}
		for j := range 1 + rng.IntN(3) {
			k := string(rune('x' + rng.IntN(keys)))
			if rng.IntN(2) == 0 {
				v := strconv.Itoa(10*(i+1) + j)
				t.Actions, own[k] = append(t.Actions, Action{Write: true, Key: k, Value: v}), append(own[k], v)
				continue
			}
			at := from
			if rng.IntN(4) < wild {
				at = rng.IntN(i + 1)
			}
			list := append(slices.Clone(views[at][k]), own[k]...)
			a := Action{Key: k, List: append([]string{}, list...)}
			if m == RWRegister {
				if a.List = nil; len(list) > 0 {
					a.Value = list[len(list)-1]
				}
			}
			t.Actions = append(t.Actions, a)
		}
		views[i+1] = map[string][]string{}
		for k := range keys {
			key := string(rune('x' + k))
			views[i+1][key] = append(slices.Clone(views[i][key]), own[key]...)
		}
		txns = append(txns, t)
	}
	if rng.IntN(4) == 0 {
		txns[rng.IntN(n)].State = State(rng.IntN(3))
	}
	if rng.IntN(4) == 0 {
		spoil(rng, txns)
	}
	return txns
}

// spoil has a read return what it could not.
func spoil(rng *rand.Rand, txns []Txn) {
	t := &txns[rng.IntN(len(txns))]
	a := &t.Actions[rng.IntN(len(t.Actions))]
	b := txns[rng.IntN(len(txns))].Actions[0]
	switch {
	case a.Write:
	case a.List == nil && rng.IntN(8) == 0:
		a.Value = "99"
	case a.List == nil:
		a.Key, a.Value = b.Key, b.Value
	case len(a.List) > 1 && rng.IntN(2) == 0:
		a.List[0], a.List[1] = a.List[1], a.List[0]
	case b.Write:
		a.List = append(a.List, b.Value)
	case len(a.List) > 0:
		a.List = append(a.List, a.List[0])
	}
}

// TestSeenAgainstDefinitions: on small random histories of sessions each verdict
// is that of the definition, all orders tried, and has its certificate.
func TestSeenAgainstDefinitions(t *testing.T) {
	rounds := 12_000
	if testing.Short() {
		rounds = 1000
	}
	for _, m := range Models {
		count := map[Level]*[4]int{}
		names := map[string]int{}
		for seed := range rounds {
			txns := replicated(rand.New(rand.NewPCG(uint64(seed), 5)), m)
			for _, l := range seenLevels {
				want := history.Illegal
				if (&definition{txns: txns, m: m, l: l}).holds() {
					want = history.OK
				}
				r := Check(txns, m, l, 0)
				if r.Verdict != want {
					t.Fatalf("%s, seed %d: %s: %v %s %v, want %v\n%s", m, seed, l, r.Verdict, r.Anomaly, r.Cycle, want,
						show(txns))
				}
				if err := Verify(txns, m, l, r); err != nil {
					t.Fatalf("%s, seed %d: %s: %v %v: %v\n%s", m, seed, l, r.Anomaly, r.Cycle, err, show(txns))
				}
				if count[l] == nil {
					count[l] = new([4]int)
				}
				count[l][want]++
				names[r.Anomaly]++
			}
		}
		for l, n := range count {
			if n[history.OK] < rounds/20 || n[history.Illegal] < rounds/30 {
				t.Errorf("%s %s: %v: the histories do not tell", m, l, n)
			}
		}
		for _, name := range []string{"G1a", "G1b", "G1c-process", "garbage", "internal", "fuzzy-read",
			"non-monotonic-read", "fractured-read", "causality-violation"} {
			if names[name] == 0 {
				t.Errorf("%s: no history had %s: %v", m, name, names)
			}
		}
	}
}

// TestLevelsImply: a stronger level that holds has all the weaker ones hold.
func TestLevelsImply(t *testing.T) {
	for seed := range 2000 {
		for _, m := range Models {
			txns := replicated(rand.New(rand.NewPCG(uint64(seed), 6)), m)
			held := true
			for _, l := range []Level{Causal, ReadAtomic, MonotonicView, ReadCommitted} {
				v := Check(txns, m, l, 0).Verdict
				if held && v == history.Illegal && l != Causal {
					t.Fatalf("%s, seed %d: %s is broken, and what implies it holds\n%s", m, seed, l, show(txns))
				}
				held = v == history.OK
			}
		}
	}
}

// store makes transactions that one copy served, each reading and writing a few
// of many keys, by a few sessions.
func store(n, sessions, keys int, m Model) []Txn {
	rng := rand.New(rand.NewPCG(1, 2))
	values := make([][]string, keys)
	txns := make([]Txn, n)
	for i := range txns {
		t := &txns[i]
		*t = Txn{Process: rng.IntN(sessions), State: Committed, Call: time.Duration(2 * i)}
		t.Return = t.Call + 1
		for j := range 4 {
			k := rng.IntN(keys)
			if rng.IntN(2) == 0 {
				values[k] = append(values[k], strconv.Itoa(4*i+j))
				a := Action{Write: true, Key: fmt.Sprint(k), Value: strconv.Itoa(4*i + j)}
				t.Actions = append(t.Actions, a)
				continue
			}
			a := Action{Key: fmt.Sprint(k), List: values[k][:len(values[k]):len(values[k])]}
			if m == RWRegister {
				if a.List = nil; len(values[k]) > 0 {
					a.Value = values[k][len(values[k])-1]
				}
			}
			t.Actions = append(t.Actions, a)
		}
	}
	return txns
}

// TestSeenLarge: what one copy served has all levels, and one stale read breaks
// them.
func TestSeenLarge(t *testing.T) {
	for _, m := range Models {
		txns := store(5000, 20, 400, m)
		for _, l := range seenLevels {
			if r := Check(txns, m, l, 0); r.Verdict != history.OK || Verify(txns, m, l, r) != nil {
				t.Errorf("%s %s: %v %s %v", m, l, r.Verdict, r.Reason, Verify(txns, m, l, r))
			}
		}
		last := &txns[len(txns)-1]
		first := slices.IndexFunc(txns, func(t Txn) bool { return t.Actions[0].Write && t.Process == last.Process })
		last.Actions = []Action{{Key: txns[first].Actions[0].Key, List: []string{}}}
		for _, l := range seenLevels[1:] {
			r := Check(txns, m, l, 0)
			if r.Verdict != history.Illegal || len(r.Core) > 3 && l == ReadAtomic || Verify(txns, m, l, r) != nil {
				t.Errorf("%s %s: %v %s %v %v", m, l, r.Verdict, r.Anomaly, r.Core, Verify(txns, m, l, r))
			}
		}
	}
}

func benchmarkSeen(b *testing.B, l Level, sessions int) {
	txns := store(250_000, sessions, 10_000, RWRegister)
	b.ReportAllocs()
	for b.Loop() {
		if r := Check(txns, RWRegister, l, 0); r.Verdict != history.OK {
			b.Fatal(r.Verdict, r.Anomaly)
		}
	}
}

func BenchmarkMonotonicView1M(b *testing.B) { benchmarkSeen(b, MonotonicView, 50) }
func BenchmarkReadAtomic1M(b *testing.B)    { benchmarkSeen(b, ReadAtomic, 50) }
func BenchmarkCausal1M(b *testing.B)        { benchmarkSeen(b, Causal, 50) }

// TestSingles: of transactions of one operation each, causal is what package weak
// calls causal-convergence.
func TestSingles(t *testing.T) {
	count := map[history.Verdict]int{}
	for seed := range 5000 {
		rng := rand.New(rand.NewPCG(uint64(seed), 11))
		var ops []history.Op
		var txns []Txn
		for i := range 3 + rng.IntN(6) {
			o := history.Op{Client: rng.IntN(3), Key: string(rune('x' + rng.IntN(2))), Kind: history.Put,
				Arg: strconv.Itoa(i + 1), Call: time.Duration(i), Return: time.Duration(i), Open: rng.IntN(9) == 0}
			a := Action{Write: true, Key: o.Key, Value: o.Arg}
			if n := rng.IntN(2 * (i + 1)); n <= i { // reads any of those before, or what was there at first
				o.Kind, o.Arg, o.Open = history.Get, "", false
				if n < i && ops[n].Kind == history.Put {
					o.Key, o.Result = ops[n].Key, ops[n].Arg
				}
				a = Action{Key: o.Key, Value: o.Result}
			}
			state := Committed
			if o.Open {
				state = Unknown
			}
			ops = append(ops, o)
			txns = append(txns, Txn{o.Client, state, []Action{a}, o.Call, o.Return})
		}
		one := Check(txns, RWRegister, Causal, 0).Verdict
		if other := weak.Check(ops, weak.Convergent, 0).Verdict; one != other {
			t.Fatalf("seed %d: %v of transactions, %v of operations:\n%s", seed, one, other, show(txns))
		}
		count[one]++
	}
	if min(count[history.OK], count[history.Illegal]) < 500 {
		t.Errorf("%v: the histories do not tell", count)
	}
}
