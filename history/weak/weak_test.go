package weak

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"althing/history"
)

// sessions reads a small history: sessions by lines, operations by blanks, as
// x=1 for a write and x:1 for a read, x:0 of what was there at first. A ? after
// a write: it was not answered.
func sessions(text string) (ops []history.Op) {
	for c, line := range strings.Split(text, "/") {
		for i, word := range strings.Fields(line) {
			call := time.Duration(10*i + c)
			o := history.Op{Client: c, Call: call, Return: call + 5, Kind: history.Get}
			word, o.Open = strings.CutSuffix(word, "?")
			key, value, write := strings.Cut(word, "=")
			if !write {
				key, value, _ = strings.Cut(word, ":")
			}
			if value == "0" {
				value = ""
			}
			if o.Key = key; write {
				o.Kind, o.Arg = history.Put, value
			} else {
				o.Result = value
			}
			ops = append(ops, o)
		}
	}
	return ops
}

// TestKnownAnswers: the textbook histories, and which promises they break.
func TestKnownAnswers(t *testing.T) {
	const most = "monotonic-reads monotonic-writes writes-follow-reads pram causal " +
		"causal-convergence causal-memory sequential"
	for text, broken := range map[string]string{
		"x=1 x:1":                 "",
		"x=1 x:0":                 "read-your-writes pram causal causal-convergence causal-memory sequential",
		"x=1 x=2 / x:2 x:1":       most,
		"x=1 y=1 / y:1 x:0":       "monotonic-writes pram causal causal-convergence causal-memory sequential",
		"x=1 / x:1 y=1 / y:1 x:0": "writes-follow-reads causal causal-convergence causal-memory sequential",
		// Two see two writes in two orders.
		"x=1 / x=2 / x:1 x:2 / x:2 x:1": "causal-convergence sequential",
		// Store buffers: both miss the other's write.
		"x=1 y:0 / y=1 x:0": "sequential",
		// Bouajjani et al., Figure 3: (a) is CM and not CCv; (b) CCv and not CM; (c) CC alone; (e) none.
		"x=1 x:2 / x=2 x:1":             "causal-convergence sequential",
		"z=1 x=1 y=1 / x=2 z:0 y:1 x:2": "pram causal-memory sequential",
		"x=1 y=1 / y:1 x=2 / x:2 x:1":   "writes-follow-reads causal causal-convergence causal-memory sequential",
		"x:1 y=1 / y:1 x=1":             "writes-follow-reads causal causal-convergence causal-memory sequential",
		"x:1 x=1":                       "writes-follow-reads pram causal causal-convergence causal-memory sequential",
		// Two that do not know of each other, and who cannot decide (CC alone).
		"x=1 / x=2 / x:1 x:2 x:1": most[:len("monotonic-reads monotonic-writes writes-follow-reads pram ")] +
			"causal-convergence causal-memory sequential",
		// Terry's: a password is changed, and the old one is asked for; a mailbox whose mails come back.
		"p=1 p=2 p:1":             "read-your-writes pram causal causal-convergence causal-memory sequential",
		"m=1 / m=2 / m:1 m:2 m:0": most + " causal-memory",
		// A file is saved, and then its index, which arrives first; an answer to a question that did not.
		"f=1 i=1 / i:1 f:0 i:1":       "monotonic-writes pram causal causal-convergence causal-memory sequential",
		"q=1 / q:1 a=1 / a:1 q:0 a:1": "writes-follow-reads causal causal-convergence causal-memory sequential",
		// Two updates of one session that reach two others in two orders, and two of two sessions.
		"x=1 x=2 / x:1 x:2 / x:2 x:1": most,
		"x=1 / x=2 / x:1 / x:2":       "",
		"x=1? x:0 x:1":                "",
		"x=1? x:1 x:0":                most,
		"x:7":                         "all",
	} {
		ops := sessions(text)
		for _, p := range Promises {
			if p == Eventual {
				continue
			}
			want := history.OK
			for _, b := range strings.Fields(broken) {
				if b == string(p) || b == "all" {
					want = history.Illegal
				}
			}
			r := Check(ops, p, 0)
			if r.Verdict != want {
				t.Errorf("%s: %s: %v %s, want %v", text, p, r.Verdict, r.Reason, want)
			}
			if err := Verify(ops, p, r); err != nil {
				t.Errorf("%s: %s: %v: %v", text, p, r, err)
			}
		}
	}
}

func TestConvergence(t *testing.T) {
	for text, want := range map[string]history.Verdict{
		"x=1 / y:0 x:1 / y:0 x:1":             history.OK,
		"x=1 / x=2 / y:0 x:1 / y:0 x:2":       history.Illegal,
		"x=1 / y:0 x:1 / x:0":                 history.Unknown, // only one read after the write
		"x=1 / x=2? / y:0 x:1 / y:0 x:2":      history.Unknown, // the open one may come yet
		"x=1 / y:0 x:0 y:0 x:1 / y:0 y:0 x:1": history.OK,
	} {
		ops := sessions(text)
		r := Check(ops, Eventual, 0)
		if r.Verdict != want {
			t.Errorf("%s: %v %s, want %v", text, r.Verdict, r.Reason, want)
		}
		if err := Verify(ops, Eventual, r); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// TestAgainstDefinitions: on small random histories each verdict is that of the
// definition, all orders of which are tried.
func TestAgainstDefinitions(t *testing.T) {
	rounds := 6000
	if testing.Short() {
		rounds = 800
	}
	seen := map[Promise]*[4]int{}
	for seed := range rounds {
		ops := random(rand.New(rand.NewPCG(uint64(seed), 1)))
		for _, p := range Promises {
			if p == Eventual {
				continue
			}
			h, r := prepare(ops)
			want := r.Verdict
			if r.Verdict == history.OK && !newTrial(h, p).kept() {
				want = history.Illegal
			}
			got := judge(ops, p, time.Time{})
			if got.Verdict != want {
				t.Fatalf("seed %d: %s: %v %s, want %v:\n%v", seed, p, got.Verdict, got.Reason, want, show(ops))
			}
			if want == history.OK {
				if err := Verify(ops, p, got); err != nil {
					t.Fatalf("seed %d: %s: %v:\n%v", seed, p, err, show(ops))
				}
			}
			if seen[p] == nil {
				seen[p] = new([4]int)
			}
			if seen[p][want]++; want == history.Illegal && seed%20 == 0 {
				if err := Refute(ops, p, shrink(ops, p, got.Core)); err != nil {
					t.Fatalf("seed %d: %s: %v:\n%v", seed, p, err, show(ops))
				}
			}
		}
	}
	for p, n := range seen {
		if n[history.OK] < rounds/50 || n[history.Illegal] < rounds/50 {
			t.Errorf("%s: %v: the histories do not tell", p, n)
		}
	}
}

// random makes a small history, of reads of what some order of writes left, or
// of anything.
func random(rng *rand.Rand) (ops []history.Op) {
	n, clients, keys := 4+rng.IntN(5), 2+rng.IntN(2), 1+rng.IntN(2)
	var values []string
	for i := range n {
		o := history.Op{Client: rng.IntN(clients), Key: string(rune('x' + rng.IntN(keys))), Kind: history.Put,
			Arg: fmt.Sprint(i + 1), Call: time.Duration(i), Return: time.Duration(i), Open: rng.IntN(8) == 0}
		if rng.IntN(2) == 0 {
			o.Kind, o.Open = history.Get, false
		} else {
			values = append(values, o.Key+o.Arg)
		}
		ops = append(ops, o)
	}
	for i := range ops {
		o := &ops[i]
		if o.Kind != history.Get {
			continue
		}
		o.Arg = ""
		if len(values) > 0 && rng.IntN(4) > 0 {
			v := values[rng.IntN(len(values))]
			o.Key, o.Result = v[:1], v[1:]
		}
	}
	return ops
}

func show(ops []history.Op) (s string) {
	for i := range ops {
		s += fmt.Sprintln(ops[i].String())
	}
	return s
}

// served is a history of one copy of each register, and so keeps all promises.
func served(n, clients, keys int) []history.Op {
	rng := rand.New(rand.NewPCG(1, 1))
	ops := make([]history.Op, n)
	values := make([]string, keys)
	for i := range ops {
		k := rng.IntN(keys)
		ops[i] = history.Op{Client: rng.IntN(clients), Key: fmt.Sprint(k), Kind: history.Get, Result: values[k],
			Call: time.Duration(2 * i), Return: time.Duration(2*i + 1)}
		if rng.IntN(2) == 0 {
			values[k] = fmt.Sprint("v", i)
			ops[i].Kind, ops[i].Arg, ops[i].Result = history.Put, values[k], ""
		}
	}
	return ops
}

// TestLarge: what was served by one copy keeps all promises.
func TestLarge(t *testing.T) {
	ops := served(4000, 8, 20)
	for _, p := range Promises {
		r := Check(ops, p, 20*time.Second)
		if r.Verdict != history.OK && p != Eventual {
			t.Errorf("%s: %v %s", p, r.Verdict, r.Reason)
		}
		if err := Verify(ops, p, r); err != nil {
			t.Errorf("%s: %v", p, err)
		}
	}
}

func TestUnknown(t *testing.T) {
	for _, p := range Promises {
		ops := sessions("x=1 / x=1 / x:1")
		want := history.Unknown
		if p == Sequential {
			want = history.OK
		}
		if r := Check(ops, p, 0); r.Verdict != want {
			t.Errorf("%s: %v of a value that is written twice", p, r.Verdict)
		}
	}
	if r := Check(nil, "strong", 0); r.Verdict != history.Unknown {
		t.Errorf("%v of a promise that there is not", r.Verdict)
	}
}

func BenchmarkCausal100k(b *testing.B) {
	ops := served(100_000, 10, 100)
	b.ReportAllocs()
	for b.Loop() {
		if r := Check(ops, Convergent, 0); r.Verdict != history.OK {
			b.Fatal(r.Verdict)
		}
	}
}

func ExampleCheck() {
	ops := []history.Op{
		{Client: 0, Kind: history.Put, Key: "photo", Arg: "here", Call: 0, Return: 1},
		{Client: 0, Kind: history.Put, Key: "link", Arg: "to photo", Call: 2, Return: 3},
		{Client: 1, Kind: history.Get, Key: "link", Result: "to photo", Call: 4, Return: 5},
		{Client: 1, Kind: history.Get, Key: "photo", Result: "", Call: 6, Return: 7},
	}
	r := Check(ops, MonotonicWrites, 0)
	fmt.Println(r.Verdict, r.Core, Refute(ops, MonotonicWrites, r.Core))
	fmt.Println(Check(ops, MonotonicReads, 0).Verdict)
	// Output:
	// illegal [0 1 2 3] <nil>
	// ok
}
