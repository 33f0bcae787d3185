package proof

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"althing/history"
	"althing/history/txn"
)

// levels are those of which cycles of registers are inferred.
var levels = []txn.Level{txn.Snapshot, txn.Serializable, txn.StrictSerializable}

// parse reads transactions, parted by /: x+1 writes 1 to x, x:1 reads it, x: what
// was there at first. All overlap.
func parse(text string) (txns []txn.Txn) {
	for i, one := range strings.Split(text, "/") {
		t := txn.Txn{Process: i, State: txn.Committed, Return: 100}
		for _, word := range strings.Fields(one) {
			t.Actions = append(t.Actions,
				txn.Action{Key: word[:1], Write: word[1] == '+', Value: word[2:]})
		}
		txns = append(txns, t)
	}
	return txns
}

// random makes transactions of which each reads, key by key or all at once, what
// some order had left by some earlier point.
func random(rng *rand.Rand) (txns []txn.Txn) {
	states, wild := []map[string]string{{}}, rng.IntN(3)
	for i := range 3 + rng.IntN(2) {
		call := time.Duration(rng.IntN(20))
		t := txn.Txn{Process: i, State: txn.Committed, Call: call, Return: call + time.Duration(rng.IntN(12))}
		at, next, own := max(0, len(states)-1-rng.IntN(2)), map[string]string{}, map[string]string{}
		for j := range 1 + rng.IntN(4) {
			a := txn.Action{Key: []string{"x", "y"}[rng.IntN(2)], Write: rng.IntN(2) == 0}
			if from := at; a.Write {
				a.Value = fmt.Sprint(10*(i+1) + j)
				own[a.Key] = a.Value
			} else if a.Value = own[a.Key]; a.Value == "" {
				if rng.IntN(4) < wild {
					from = rng.IntN(len(states))
				}
				a.Value = states[from][a.Key]
			}
			t.Actions = append(t.Actions, a)
		}
		for _, k := range []string{"x", "y"} {
			if next[k] = states[len(states)-1][k]; own[k] != "" {
				next[k] = own[k]
			}
		}
		states, txns = append(states, next), append(txns, t)
	}
	if rng.IntN(3) == 0 {
		txns[rng.IntN(len(txns))].State = txn.State(rng.IntN(3))
	}
	return txns
}

// keeps tries all orders of commits.
func keeps(txns []txn.Txn, l txn.Level, order []int32) bool {
	if txn.VerifyOrder(txns, txn.RWRegister, l, order) == nil {
		return true
	}
	for i := range int32(len(txns)) {
		if txns[i].State != txn.Aborted && !slices.Contains(order, i) &&
			keeps(txns, l, append(slices.Clone(order), i)) {
			return true
		}
	}
	return false
}

func show(txns []txn.Txn) (s string) {
	for i := range txns {
		s += fmt.Sprintln(i, txns[i].String(), txns[i].Call, txns[i].Return)
	}
	return s
}

// TestRandom: ten thousand small histories get the verdict that trying all orders
// gives, or are unknown; and each verdict is proved.
func TestRandom(t *testing.T) {
	rounds := 10_000
	if testing.Short() {
		rounds = 500
	}
	count, longest := map[txn.Level]*[4]int{}, 0
	for seed := range rounds {
		txns := random(rand.New(rand.NewPCG(uint64(seed), 1)))
		for _, l := range levels {
			r := txn.Check(txns, txn.RWRegister, l, 0)
			if count[l] == nil {
				count[l] = new([4]int)
			}
			count[l][r.Verdict]++
			if err := Verify(txns, txn.RWRegister, l, r); err != nil {
				t.Fatalf("seed %d: %s: %s: %v\n%s%v", seed, l, r.Anomaly, err, show(txns), r.Steps)
			}
			if r.Verdict == history.Illegal && r.Anomaly != "G1b" && keeps(txns, l, nil) {
				t.Fatalf("seed %d: %s: %s is proved of what an order explains\n%s", seed, l, r.Anomaly, show(txns))
			}
			longest = max(longest, len(r.Steps))
		}
	}
	t.Log(count[txn.Snapshot], count[txn.Serializable], count[txn.StrictSerializable], longest)
	for l, n := range count {
		if min(n[history.OK], n[history.Illegal]) < rounds/20 || n[history.Unknown] > rounds/50 || longest < 6 {
			t.Errorf("%s: %v, steps %d: the histories do not tell", l, n, longest)
		}
	}
}

// saturate takes in every step that is right, each edge once, until no more are:
// all that can be proved of a history.
func saturate(txns []txn.Txn, l txn.Level) []txn.Step {
	p := proof{txns: txns, level: l}
	values := map[string][]string{}
	for _, t := range txns {
		for _, a := range t.Actions {
			if values[a.Key] = append(values[a.Key], ""); a.Write {
				values[a.Key] = append(values[a.Key], a.Value)
			}
		}
	}
	try := func(e txn.Edge, path []int32) bool {
		if slices.ContainsFunc(p.steps, func(s txn.Step) bool {
			return s.From == e.From && s.To == e.To && s.Why == e.Why && s.Key == e.Key
		}) {
			return false
		}
		p.steps = append(p.steps, txn.Step{Edge: e, Path: path})
		if !p.right(len(p.steps) - 1) {
			p.steps = p.steps[:len(p.steps)-1]
			return false
		}
		return true
	}
	for more := true; more; {
		more = false
		paths := append([][]int32{nil}, p.paths(len(txns))...)
		for _, path := range paths {
			for from := range int32(len(txns)) {
				for to := range int32(len(txns)) {
					more = try(txn.Edge{From: from, To: to, Why: txn.RT}, path) || more
					for key, all := range values {
						for _, before := range all {
							for _, after := range all {
								for _, why := range []txn.Dependency{txn.WW, txn.WR, txn.RW} {
									e := txn.Edge{From: from, To: to, Why: why, Key: key, Old: before, New: after}
									more = try(e, path) || more
								}
							}
						}
					}
				}
			}
		}
	}
	return p.steps
}

// paths returns a path from each transaction to each, of steps that mean before.
func (p *proof) paths(n int) (all [][]int32) {
	for from := range int32(n) {
		by := map[int32][]int32{}
		for front := []int32{from}; len(front) > 0; front = front[1:] {
			for i, s := range p.steps {
				one := proof{steps: append(slices.Clone(p.steps), txn.Step{Path: []int32{int32(i)}}), level: p.level}
				if _, _, ok := one.path(len(p.steps)); !ok || s.From != front[0] || by[s.To] != nil {
					continue
				}
				by[s.To] = append(slices.Clone(by[s.From]), int32(i))
				front, all = append(front, s.To), append(all, by[s.To])
			}
		}
	}
	return all
}

// cyclic tells whether steps make a cycle that a level rules out.
func cyclic(steps []txn.Step, l txn.Level, at, start int32, was txn.Dependency, trace []txn.Edge) bool {
	for _, s := range steps {
		if s.From != at || l == txn.Snapshot && (s.Why == txn.RT || s.Why == txn.RW && was == txn.RW) ||
			l == txn.Serializable && s.Why == txn.RT ||
			slices.ContainsFunc(trace, func(e txn.Edge) bool { return e.From == at && e.Why == s.Why }) {
			continue
		}
		trace := append(slices.Clone(trace), s.Edge)
		adjacent := l == txn.Snapshot && s.Why == txn.RW && trace[0].Why == txn.RW
		if s.To == start && !adjacent || cyclic(steps, l, s.To, start, s.Why, trace) {
			return true
		}
	}
	return false
}

// TestNothingIsProvedOfWhatHolds: of histories that have a level, all steps that
// are taken, together, make no cycle that the level rules out: so there is no
// forged proof.
func TestNothingIsProvedOfWhatHolds(t *testing.T) {
	rounds := 400
	if testing.Short() {
		rounds = 40
	}
	held, broken, edges := 0, 0, 0
	for seed := 0; held < rounds; seed++ {
		txns := random(rand.New(rand.NewPCG(uint64(seed), 2)))
		if len(txns) > 3 {
			continue
		}
		for _, l := range levels {
			r := txn.Check(txns, txn.RWRegister, l, 0)
			if r.Verdict == history.Unknown || r.Verdict == history.Illegal && r.Cycle == nil {
				continue
			}
			steps := saturate(txns, l)
			cycle := false
			for start := range int32(len(txns)) {
				cycle = cycle || cyclic(steps, l, start, start, 0, nil)
			}
			if cycle != (r.Verdict == history.Illegal) {
				t.Fatalf("seed %d: %s: %v, and a cycle is proved: %v\n%s%v", seed, l, r.Verdict, cycle, show(txns),
					steps)
			}
			if cycle {
				broken++
			} else {
				held, edges = held+1, edges+len(steps)
			}
		}
	}
	t.Log(held, broken, edges)
	if broken < rounds/10 || edges < 2*held {
		t.Errorf("%d held and %d broken, with %d edges: the histories do not tell", held, broken, edges)
	}
}

// TestForged: a proof that lacks a step, or has another in its place, is refused,
// as is one of a level that does not rule the cycle out.
func TestForged(t *testing.T) {
	for _, c := range []struct {
		text    string
		level   txn.Level
		anomaly string
	}{
		{"x+1 y+1 / x:1 y:", txn.Snapshot, "G-single"},
		{"x+1 / x:1 x+2 / x:2 y+1 / y:1 x:1", txn.Snapshot, "G0"},
		{"x+1 y+1 / x+2 y+2 / x:1 z+1 / z:1 x:2 / y:1 w+1 / w:1 y:2 / y:2 u+1 / u:1 x:1", txn.Serializable, ""},
		{"x+1 / x:1 x+2 / x:2 y+1 / y:1 z+1 / z:1 x:1", txn.Snapshot, "G0"},
		{"x: y+1 / y: x+1", txn.Serializable, "write-skew"},
		{"x: y+1 / y: z+1 / z: x+1", txn.Serializable, "G2-item"},
	} {
		txns := parse(c.text)
		r := txn.Check(txns, txn.RWRegister, c.level, 0)
		err := Verify(txns, txn.RWRegister, c.level, r)
		if err != nil || r.Cycle == nil || c.anomaly != "" && r.Anomaly != c.anomaly {
			t.Fatalf("%s: %s: %v %v %v", c.text, c.level, r.Verdict, r, err)
		}
		refuse := func(what string, l txn.Level, forged txn.Report) {
			t.Helper()
			if Verify(txns, txn.RWRegister, l, forged) == nil {
				t.Errorf("%s: %s is taken: %v\n%v", c.text, what, forged.Cycle, forged.Steps)
			}
		}
		with := func(n int, change func(s *txn.Step)) txn.Report {
			f := r
			f.Steps = slices.Clone(r.Steps)
			f.Steps[n].Path = slices.Clone(f.Steps[n].Path)
			change(&f.Steps[n])
			return f
		}
		for n := range r.Steps {
			refuse("the other way", c.level, with(n, func(s *txn.Step) { s.From, s.To = s.To, s.From }))
			refuse("a loop", c.level, with(n, func(s *txn.Step) { s.To = s.From }))
			refuse("nobody", c.level, with(n, func(s *txn.Step) { s.To = int32(len(txns)) }))
			refuse("another key", c.level, with(n, func(s *txn.Step) { s.Key = "q" }))
			refuse("another value", c.level, with(n, func(s *txn.Step) { s.New = "q" }))
			refuse("itself", c.level, with(n, func(s *txn.Step) { s.Path = []int32{int32(n)} }))
			if len(r.Steps[n].Path) > 2 {
				refuse("a torn path", c.level, with(n, func(s *txn.Step) { s.Path = slices.Delete(s.Path, 1, 2) }))
			}
			if len(r.Steps[n].Path) > 0 {
				refuse("no reason", c.level, with(n, func(s *txn.Step) { s.Path = nil }))
				refuse("a later reason", c.level, with(n, func(s *txn.Step) { s.Path[0] = int32(len(r.Steps)) }))
			}
		}
		for n := range r.Cycle {
			f := r
			f.Cycle = slices.Delete(slices.Clone(r.Cycle), n, n+1)
			refuse("part of a cycle", c.level, f)
			if at := slices.IndexFunc(r.Steps, func(s txn.Step) bool {
				return s.From == r.Cycle[n].From && s.To == r.Cycle[n].To && s.Why == r.Cycle[n].Why
			}); at == len(r.Steps)-1 {
				f = r
				f.Steps = r.Steps[:at]
				refuse("fewer steps", c.level, f)
			}
		}
		f := r
		f.Anomaly = "mystery"
		refuse("another name", c.level, f)
		refuse("another level", txn.ReadCommitted, r)
		if c.level == txn.Serializable && c.anomaly != "" {
			refuse("another level", txn.Snapshot, r)
		}
		f = r
		f.Cycle, f.Steps = []txn.Edge{}, nil
		refuse("nothing", c.level, f)
	}
	twice := parse("x+1 y+1 / x:1 y: / z+1 / z+1")
	r := txn.Check(twice[:3], txn.RWRegister, txn.Serializable, 0)
	if Verify(twice, txn.RWRegister, txn.Serializable, r) == nil {
		t.Error("a value that was written twice tells who was read")
	}
}

// TestRuledOut: what a level has nothing against does not break it.
func TestRuledOut(t *testing.T) {
	for _, c := range []struct {
		text, anomaly string
		level         txn.Level
	}{
		{"x+1 / x: x:1", "fuzzy-read", txn.ReadCommitted}, {"x: x+1 / x: x+2", "lost-update", txn.ReadCommitted},
		{"x: x+1 / x: x+2", "lost-update", txn.Causal},
	} {
		r := txn.Report{Verdict: history.Illegal, Anomaly: c.anomaly, Core: []int32{1}}
		if c.anomaly == "lost-update" {
			r.Core = []int32{0, 1}
		}
		if Verify(parse(c.text), txn.RWRegister, c.level, r) == nil {
			t.Errorf("%s: %s is taken for broken", c.text, c.level)
		}
		if err := Verify(parse(c.text), txn.RWRegister, txn.Serializable, r); err != nil {
			t.Errorf("%s: %v", c.text, err)
		}
	}
}

func ExampleVerify() {
	txns := parse("a+1 / a:1 a+2 / a:2 b+1 / b:1 a:1")
	r := txn.Check(txns, txn.RWRegister, txn.Serializable, 0)
	fmt.Println(r.Verdict, r.Anomaly, Verify(txns, txn.RWRegister, txn.Serializable, r))
	fmt.Println(strings.Join(Tell(txns, r.Steps)[:2], "\n"))
	// Output:
	// illegal G0 <nil>
	// 1. (process 0: write a "1") wrote a "1", which was read by (process 1: read a "1" write a "2")
	// 2. (process 0: write a "1") wrote a "1", which was followed by "2" of (process 1: read a "1" write a "2"): by 1
}
