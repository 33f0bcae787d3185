package txn

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"althing/history"
	"althing/history/format"
)

// parse reads transactions, one a line: x+1 appends or writes, x:1,2 reads a
// list or x:1 a register. A line may begin with from-to, else all are at once;
// ! ends one that was aborted, ? one without an answer.
func parse(m Model, text string) (txns []Txn) {
	for i, line := range strings.Split(text, "/") {
		t := Txn{Process: i, State: Committed, Call: 0, Return: 100}
		for _, word := range strings.Fields(line) {
			if n, err := fmt.Sscanf(word, "%d-%d", &t.Call, &t.Return); n == 2 && err == nil {
				continue
			}
			switch word {
			case "!":
				t.State = Aborted
				continue
			case "?":
				t.State = Unknown
				continue
			}
			at := strings.IndexAny(word, "+:")
			a := Action{Key: word[:at], Write: word[at] == '+', Value: word[at+1:]}
			if !a.Write && m == ListAppend {
				a.List, a.Value = strings.FieldsFunc(a.Value, func(r rune) bool { return r == ',' }), ""
			}
			t.Actions = append(t.Actions, a)
		}
		txns = append(txns, t)
	}
	return txns
}

// TestAnomalies: each by name, and the weakest level that rules it out.
func TestAnomalies(t *testing.T) {
	for _, c := range []struct {
		model   Model
		text    string
		anomaly string
		levels  string // that rule it out
	}{
		{ListAppend, "x+1 / x:1 x+2 / x:1,2", "", ""},
		{ListAppend, "x+1 y+1 / x+2 y+2 / x:1,2 / y:2,1", "G0", "rc rr si ser strict"},
		{ListAppend, "x+1 ! / x:1", "G1a", "rc rr si ser strict"},
		{ListAppend, "x+1 ? / x:1", "", ""},
		{ListAppend, "x+1 x+2 / x:1", "G1b", "rc rr si ser strict"},
		{ListAppend, "x+1 y:1 / y+1 x:1", "G1c", "rc rr si ser strict"},
		{ListAppend, "x:1", "garbage", "rc rr si ser strict"},
		{ListAppend, "x+1 / x:1,1", "duplicate", "rc rr si ser strict"},
		{ListAppend, "x+1 / x+2 / x:1 / x:2", "incompatible-order", "rc rr si ser strict"},
		{ListAppend, "x+1 x:", "internal", "rc rr si ser strict"},
		{ListAppend, "x: x:1 / x+1", "fuzzy-read", "rr si ser strict"},
		{ListAppend, "x+1 y+1 / x: y:1", "G-single", "rr si ser strict"},
		{ListAppend, "x: x+1 / x: x+2 / x:1,2", "lost-update", "rr si ser strict"},
		{ListAppend, "x: x+1 / x: x+2", "lost-update", "rr si ser strict"},
		{ListAppend, "x: y+1 / y: x+1", "write-skew", "rr ser strict"},
		{ListAppend, "x: y+1 / y: z+1 / z: x+1", "G2-item", "rr ser strict"},
		{ListAppend, "x+1 / y+1 / x:1 y: / x: y:1", "G-nonadjacent", "rr si ser strict"}, // a long fork
		{ListAppend, "0-1 x+1 / 2-3 x:", "G-single-realtime", "strict"},
		{ListAppend, "0-1 x+1 / 2-3 x+2 / 4-5 x:2,1", "G0-realtime", "strict"},
		{RWRegister, "x+1 / x:1 x+2 / x:2", "", ""},
		{RWRegister, "x+1 ! / x:1", "G1a", "rc rr si ser strict"},
		{RWRegister, "x+1 x+2 / x:1", "G1b", "rc rr si ser strict"},
		{RWRegister, "x+1 y:1 / y+1 x:1", "G1c", "rc rr si ser strict"},
		{RWRegister, "x:1", "garbage", "rc rr si ser strict"},
		{RWRegister, "x+1 x:", "internal", "rc rr si ser strict"},
		{RWRegister, "x: y+1 / y: x+1", "write-skew", "rr ser strict"},
		{RWRegister, "x: x+1 / x: x+2", "lost-update", "rr si ser strict"},
		{RWRegister, "x+1 / y+1 / x:1 y: / x: y:1", "G-nonadjacent", "rr si ser strict"},
		{RWRegister, "0-1 x+1 / 2-3 x:", "G-single-realtime", "strict"},
	} {
		short := map[string]Level{"rc": ReadCommitted, "rr": RepeatableRead, "si": Snapshot, "ser": Serializable,
			"strict": StrictSerializable}
		txns := parse(c.model, c.text)
		for name, l := range short {
			want := history.OK
			if slices.Contains(strings.Fields(c.levels), name) {
				want = history.Illegal
			}
			r := Check(txns, c.model, l, 0)
			if r.Verdict != want || want == history.Illegal && r.Anomaly != c.anomaly {
				t.Errorf("%s %s: %s: %v %s %s, want %v %s", c.model, c.text, l, r.Verdict, r.Anomaly, r.Reason,
					want, c.anomaly)
			}
			if err := proved(txns, c.model, l, r); err != nil {
				t.Errorf("%s: %s: %v", c.text, l, err)
			}
		}
	}
}

// proved tells why a verdict has no certificate, where it must have one.
func proved(txns []Txn, m Model, l Level, r Report) error {
	if err := Verify(txns, m, l, r); !errors.Is(err, ErrInferred) || m == ListAppend || l.weak() {
		return err
	}
	return nil
}

// random makes transactions that see, each key by itself or all at once, what
// some serial order left at some earlier point.
func random(rng *rand.Rand, m Model, n int) []Txn {
	keys := []string{"x", "y"}
	states := []map[string][]string{{}}
	var txns []Txn
	wild := rng.IntN(3)
	for i := range n {
		call := time.Duration(rng.IntN(20))
		t := Txn{Process: i, State: Committed, Call: call, Return: call + time.Duration(rng.IntN(12))}
		at := max(0, len(states)-1-rng.IntN(2))
		own := map[string][]string{}
		for j := range 1 + rng.IntN(3) {
			k := keys[rng.IntN(len(keys))]
			if rng.IntN(2) == 0 {
				v := strconv.Itoa(10*(i+1) + j)
				t.Actions = append(t.Actions, Action{Write: true, Key: k, Value: v})
				own[k] = append(own[k], v)
				continue
			}
			from := at
			if rng.IntN(4) < wild {
				from = rng.IntN(len(states))
			}
			list := append(slices.Clone(states[from][k]), own[k]...)
			a := Action{Key: k, List: append([]string{}, list...)}
			if m == RWRegister {
				if a.List = nil; len(list) > 0 {
					a.Value = list[len(list)-1]
				}
			}
			t.Actions = append(t.Actions, a)
		}
		next := map[string][]string{}
		for _, k := range keys {
			next[k] = append(slices.Clone(states[len(states)-1][k]), own[k]...)
		}
		states = append(states, next)
		txns = append(txns, t)
	}
	if rng.IntN(3) == 0 {
		txns[rng.IntN(n)].State = State(rng.IntN(3))
	}
	return txns
}

// TestAgainstDefinitions: of small random histories, those have a level of which
// some order proves it, all tried.
func TestAgainstDefinitions(t *testing.T) {
	rounds := 3000
	if testing.Short() {
		rounds = 300
	}
	for _, m := range Models {
		seen := map[Level]*[4]int{}
		for seed := range rounds {
			rng := rand.New(rand.NewPCG(uint64(seed), 9))
			txns := random(rng, m, 3+rng.IntN(3))
			for _, l := range Levels {
				r := Check(txns, m, l, 0)
				want := history.Illegal
				if exists(txns, nil, func(order []int32) bool { return VerifyOrder(txns, m, l, order) == nil }) {
					want = history.OK
				}
				if seen[l] == nil {
					seen[l] = new([4]int)
				}
				seen[l][r.Verdict]++
				// Of registers the order of versions is inferred only as far as it must be.
				if r.Verdict != want && (m == ListAppend || r.Verdict != history.Unknown) && !beyond(r) {
					t.Fatalf("%s, seed %d: %s: %v %s %s %v, want %v\n%v", m, seed, l, r.Verdict, r.Anomaly, r.Reason,
						r.Cycle, want, show(txns))
				}
				if err := proved(txns, m, l, r); err != nil {
					t.Fatalf("%s, seed %d: %s: %v\n%v", m, seed, l, err, show(txns))
				}
			}
		}
		for l, n := range seen {
			if n[history.OK] < rounds/20 || n[history.Illegal] < rounds/100 || n[history.Unknown] > rounds/50 {
				t.Errorf("%s %s: %v: the histories do not tell", m, l, n)
			}
		}
	}
}

// beyond tells whether an anomaly is none of order: G1b is one even if an order
// of versions can be made up that has it.
func beyond(r Report) bool { return r.Anomaly == "G1b" }

// exists tries all orders of what happened.
func exists(txns []Txn, order []int32, f func([]int32) bool) bool {
	if f(order) {
		return true
	}
	for i := range txns {
		if txns[i].State != Aborted && !slices.Contains(order, int32(i)) &&
			exists(txns, append(slices.Clone(order), int32(i)), f) {
			return true
		}
	}
	return false
}

func show(txns []Txn) (s string) {
	for i := range txns {
		s += fmt.Sprintln(i, txns[i].String(), txns[i].Call, txns[i].Return)
	}
	return s
}

// TestFalseCertificates: orders and cycles that prove nothing are refused.
func TestFalseCertificates(t *testing.T) {
	txns := parse(ListAppend, "0-1 x+1 / 2-3 x:1 x+2 / 4-5 x:1,2")
	for _, order := range [][]int32{nil, {0, 1}, {0, 1, 1, 2}, {1, 0, 2}, {0, 2, 1}} {
		if VerifyOrder(txns, ListAppend, Serializable, order) == nil {
			t.Errorf("%v is taken", order)
		}
	}
	if err := VerifyOrder(txns, ListAppend, StrictSerializable, []int32{0, 1, 2}); err != nil {
		t.Error(err)
	}
	for _, e := range []Edge{
		edge(0, 2, WW, "x", "1", "2"), edge(0, 2, WR, "x", "", "1"), edge(2, 0, RW, "x", "2", "1"),
		edge(1, 0, RT, "", "", ""),
	} {
		if VerifyCycle(txns, []Edge{e, edge(e.To, e.From, RT, "", "", "")}) == nil {
			t.Errorf("%v is taken", e)
		}
	}
}

// TestEvents: transactions are read as Jepsen writes them.
func TestEvents(t *testing.T) {
	const text = `{:process 0 :type :invoke :f :txn :value [[:append x 1] [:r y nil]]}
{:process 0 :type :ok :f :txn :value [[:append x 1] [:r y []]]}
{:process 1 :type :invoke :f :txn :value [[:append y 1] [:r x nil]]}
{:process 1 :type :ok :f :txn :value [[:append y 1] [:r x []]]}`
	c := Collector{Model: ListAppend}
	if err := format.Read(strings.NewReader(text), format.Auto, c.Add); err != nil {
		t.Fatal(err)
	}
	r := Check(c.Txns(), ListAppend, StrictSerializable, 0)
	if r.Verdict != history.Illegal || r.Anomaly != "write-skew" || len(Tell(c.Txns(), r.Cycle)) != 4 {
		t.Errorf("%v %s", r.Verdict, r.Anomaly)
	}
	for bad, want := range map[string]string{
		`{:process 0 :type :invoke :f :txn :value [[:w x 1]]}`:        `no operation "w"`,
		`{:process 0 :type :invoke :f :txn :value [[:append x]]}`:     "expected [f key value]",
		`{:process 0 :type :invoke :f :txn :value [[:append x nil]]}`: "nothing is written",
		`{:process 0 :type :ok :f :txn :value []}`:                    "asked nothing",
		`{:process 0 :type :invoke :f :txn :value [[:r x nil]]}
{:process 0 :type :ok :f :txn :value [[:r y []]]}`: "line 2: process 0 is answered another",
		`{:process 0 :type :invoke :f :txn :value [[:r x 5]]}`: "a list is read as",
	} {
		c := Collector{Model: ListAppend}
		err := format.Read(strings.NewReader(bad), format.EDN, c.Add)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", bad, err, want)
		}
	}
}

// served makes transactions that were executed one after the other.
func served(n int, m Model) []Txn {
	rng := rand.New(rand.NewPCG(1, 1))
	values := map[string][]string{}
	txns := make([]Txn, n)
	for i := range txns {
		t := &txns[i]
		*t = Txn{Process: i % 10, State: Committed, Call: time.Duration(2 * i), Return: time.Duration(2*i + 15)}
		for j := range 3 {
			k := strconv.Itoa(i/100*10 + rng.IntN(10)) // a key lives for a hundred transactions
			if rng.IntN(2) == 0 {
				a := Action{Write: true, Key: k, Value: strconv.Itoa(4*i + j)}
				t.Actions, values[k] = append(t.Actions, a), append(values[k], a.Value)
				continue
			}
			a := Action{Key: k, List: append([]string{}, values[k]...)}
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

func TestLarge(t *testing.T) {
	for _, m := range Models {
		txns := served(2000, m)
		for _, l := range Levels {
			if r := Check(txns, m, l, time.Minute); r.Verdict != history.OK {
				t.Errorf("%s: %s: %v %s %s", m, l, r.Verdict, r.Anomaly, r.Reason)
			}
		}
	}
}

func benchmark(b *testing.B, n int, m Model) {
	txns := served(n, m)
	b.ReportAllocs()
	for b.Loop() {
		if r := Check(txns, m, StrictSerializable, 0); r.Verdict != history.OK {
			b.Fatal(r.Verdict, r.Anomaly, r.Reason)
		}
	}
}

func BenchmarkListAppend100k(b *testing.B) { benchmark(b, 100_000, ListAppend) }
func BenchmarkRWRegister5k(b *testing.B)   { benchmark(b, 5_000, RWRegister) }

func ExampleCheck() {
	txns := []Txn{
		{State: Committed, Return: 9, Actions: []Action{{Key: "x"}, {Write: true, Key: "y", Value: "1"}}},
		{State: Committed, Return: 9, Actions: []Action{{Key: "y"}, {Write: true, Key: "x", Value: "1"}}},
	}
	r := Check(txns, ListAppend, Serializable, 0)
	fmt.Println(r.Verdict, r.Anomaly, VerifyCycle(txns, r.Cycle))
	fmt.Println(Check(txns, ListAppend, Snapshot, 0).Verdict)
	// Output:
	// illegal write-skew <nil>
	// ok
}
