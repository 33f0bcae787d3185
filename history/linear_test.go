package history

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
	"time"
)

// A die makes histories: of a real object under concurrency, and then perhaps
// spoiled.
type die struct {
	*rand.Rand
	kinds   []Kind
	values  int // distinct; 0: each written once
	clients int
	keys    int
	open    int // one in so many operations is open; 0: none
	spoil   int // one in so many results is wrong; 0: none
}

// history draws n operations that a real object answered, each at an instant
// between its call and its response, and spoils some.
func (d *die) history(n int) []Op {
	ops := make([]Op, n)
	free := make([]time.Duration, d.clients)
	type effect struct {
		at time.Duration
		op int
	}
	var effects []effect
	for i := range ops {
		o := &ops[i]
		o.Client = d.IntN(d.clients)
		o.Kind = d.kinds[d.IntN(len(d.kinds))]
		o.Key = "k" + strconv.Itoa(d.IntN(d.keys))
		o.Call = free[o.Client] + time.Duration(d.IntN(10))
		at := o.Call + time.Duration(d.IntN(20))
		o.Return = at + time.Duration(d.IntN(20))
		o.Open = d.open > 0 && d.IntN(d.open) == 0
		free[o.Client] = o.Return + 1
		o.Arg, o.Old = d.value(i), d.value(i-d.IntN(9))
		if !o.Open || d.IntN(2) == 0 {
			effects = append(effects, effect{at, i})
		}
	}
	slices.SortStableFunc(effects, func(a, b effect) int { return int(a.at - b.at) })
	states := map[string]string{}
	for _, e := range effects {
		o := &ops[e.op]
		states[o.Key], o.Result = o.apply(states[o.Key])
	}
	for i := range ops {
		if d.spoil > 0 && ops[i].answers() && d.IntN(d.spoil) == 0 {
			ops[i].Result = ops[d.IntN(n)].Result
		}
	}
	return ops
}

// answers tells whether the result of o says anything.
func (o *Op) answers() bool {
	return !slices.Contains([]Kind{Put, Enqueue, Add, Remove}, o.Kind)
}

func (d *die) value(i int) string {
	if d.values > 0 {
		return strconv.Itoa(d.IntN(d.values))
	}
	return "v" + strconv.Itoa(max(i, 0))
}

// certified tells whether a report proves what it says.
func certified(ops []Op, r Report) error {
	switch r.Verdict {
	case OK:
		return VerifyOrder(ops, r.Order)
	case Illegal:
		return VerifyCore(ops, r.Core)
	}
	return fmt.Errorf("%v: %s", r.Verdict, r.Reason)
}

var families = []struct {
	name   string
	kinds  []Kind
	values int
}{
	{"register of different values", []Kind{Get, Put}, 0},
	{"register", []Kind{Get, Put}, 3},
	{"compare and set", []Kind{Get, Put, CAS}, 3},
	{"appends", []Kind{Get, Put, Append}, 2},
	{"appends of different values", []Kind{Get, Append}, 0},
	{"queue", []Kind{Enqueue, Dequeue}, 0},
	{"queue of equal items", []Kind{Enqueue, Dequeue}, 2},
	{"set by members", []Kind{Add, Remove, Contains}, 3},
	{"growing set", []Kind{Add, Add, Members}, 0},
	{"set read whole", []Kind{Add, Remove, Contains, Members}, 3},
	{"lock", []Kind{Acquire, Release}, 1},
}

// TestAgreementWithPorcupine: on a hundred thousand small histories of all
// families, Porcupine says the same; every order is proved, and one core in
// twenty, for these take longest to find.
func TestAgreementWithPorcupine(t *testing.T) {
	rounds := 100_000 / len(families)
	if testing.Short() {
		rounds = 500
	}
	for i, f := range families {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			seen := map[Verdict]int{}
			for seed := range rounds {
				rng := rand.New(rand.NewPCG(uint64(seed), uint64(i)))
				d := die{rng, f.kinds, f.values, 2 + rng.IntN(4), 1, rng.IntN(3) * 4, rng.IntN(3) * 12}
				n := 3 + rng.IntN(14)
				if f.kinds[0] == Enqueue {
					d.spoil /= 3
					n = 3 + rng.IntN(7) // Porcupine takes minutes for a queue with more that is open
				}
				ops := d.history(n)
				seen[agree(t, seed, ops)]++
			}
			if seen[OK] < rounds/20 || seen[Illegal] < rounds/20 {
				t.Errorf("%v: the histories do not tell", seen)
			}
		})
	}
}

// agree compares a verdict with Porcupine's.
func agree(t *testing.T, seed int, ops []Op) Verdict {
	r := check(ops, 0, seed%20 == 0)
	want := OK
	for _, on := range objects(ops) {
		if p := askPorcupine(ops, on, time.Time{}, false); p.Verdict != OK {
			want = p.Verdict
		}
	}
	if r.Verdict != want {
		t.Fatalf("seed %d: %v by %s, Porcupine %v:\n%s", seed, r.Verdict, r.Method, want, show(ops))
	}
	if r.Verdict == OK || seed%20 == 0 {
		if err := certified(ops, r); err != nil {
			t.Fatalf("seed %d: %v by %s: %v: core %v\n%s", seed, r.Verdict, r.Method, err, r.Core, show(ops))
		}
	}
	return r.Verdict
}

func show(ops []Op) (s string) {
	for i := range ops {
		s += fmt.Sprintln(i, ops[i].String())
	}
	return s
}

// TestQueueAgainstSearch: the rules of queues and the search, on histories in
// which many dequeues find nothing.
func TestQueueAgainstSearch(t *testing.T) {
	rounds := uint64(3000)
	if testing.Short() {
		rounds = 1000
	}
	seen, vague := map[Verdict]int{}, 0
	for seed := range rounds {
		rng := rand.New(rand.NewPCG(seed, 5))
		d := die{rng, []Kind{Enqueue, Dequeue, Dequeue}, 0, 2 + rng.IntN(5), 1, rng.IntN(3) * 8, rng.IntN(3) * 30}
		ops := d.history(5 + rng.IntN(40))
		on := objects(ops)[0]
		s := search{ops: ops, on: on, most: maxConfigs}
		want, _, _ := s.run()
		r, ok := judgeQueue(ops, on)
		if !ok || want == Unknown {
			vague++
			continue
		}
		if seen[want]++; r.Verdict != want {
			t.Fatalf("seed %d: %v, the search %v:\n%s", seed, r.Verdict, want, show(ops))
		}
		if r.Verdict == Illegal && len(r.Core) > maxCore {
			continue
		}
		if err := certified(ops, r); err != nil {
			t.Fatalf("seed %d: %v: %v: core %v\n%s", seed, r.Verdict, err, r.Core, show(ops))
		}
	}
	if seen[OK] < int(rounds)/4 || seen[Illegal] < int(rounds)/20 || vague > int(rounds)/2 {
		t.Errorf("%v, %d not judged: the histories do not tell", seen, vague)
	}
}

// TestLongQueue: a queue of many operations at once, of which no search would
// find the order, is judged, and a single wrong answer in it found.
func TestLongQueue(t *testing.T) {
	rng := rand.New(rand.NewPCG(6, 6))
	d := die{rng, []Kind{Enqueue, Enqueue, Dequeue, Dequeue, Dequeue}, 0, 60, 1, 0, 0}
	ops := d.history(100_000)
	r := Check(ops, 0)
	if err := certified(ops, r); err != nil || r.Verdict != OK || r.Method != "queue" {
		t.Fatalf("%v by %s: %v", r.Verdict, r.Method, err)
	}
	var took []int
	for i := range ops {
		if ops[i].Kind == Dequeue && ops[i].Result != "" && i > 50_000 {
			took = append(took, i)
		}
	}
	a, b := &ops[took[0]], &ops[took[200]]
	a.Result, b.Result = b.Result, a.Result
	r = Check(ops, 0)
	if err := certified(ops, r); err != nil || r.Verdict != Illegal || len(r.Core) > 4 {
		t.Fatalf("%v by %s: %v: core %v", r.Verdict, r.Method, err, r.Core)
	}
}

// TestZonesAgainstSearch: the two methods, on longer histories than Porcupine
// has the memory for.
func TestZonesAgainstSearch(t *testing.T) {
	for seed := range uint64(60) {
		rng := rand.New(rand.NewPCG(seed, 3))
		d := die{rng, []Kind{Get, Put}, 0, 4, 1, int(seed%3) * 60, int(seed%2) * 1500}
		ops := d.history(1500)
		on := objects(ops)[0]
		zones, ok := judgeZones(ops, on)
		if !ok {
			t.Fatal("not a register of different values")
		}
		s := search{ops: ops, on: on}
		if v, _, _ := s.run(); v != zones.Verdict {
			t.Fatalf("seed %d: zones %v, search %v", seed, zones.Verdict, v)
		}
	}
}

// TestCores: what is left of a long history that fails is small, and is what
// failed.
func TestCores(t *testing.T) {
	for _, f := range families {
		if f.name == "queue of equal items" {
			continue // which of them was taken stays open, so nearly all of them matter
		}
		for seed := range uint64(8) {
			rng := rand.New(rand.NewPCG(seed, 5))
			d := die{rng, f.kinds, f.values, 3, 1, 40, 0}
			ops := d.history(120)
			for i := range ops {
				if o := &ops[i]; i > 60 && d.IntN(6) == 0 && o.answers() {
					o.Result = ops[d.IntN(60)].Result
				}
			}
			r := Check(ops, time.Second)
			if r.Verdict != Illegal {
				continue
			}
			if err := VerifyCore(ops, r.Core); err != nil {
				t.Errorf("%s, seed %d: %v: core of %d", f.name, seed, err, len(r.Core))
			}
			if len(r.Core) > 16 {
				t.Errorf("%s, seed %d: a core of %d by %s", f.name, seed, len(r.Core), r.Method)
			}
		}
	}
}

// TestCoreOfFewValues: what went wrong late in a long history is found there,
// though all that was read was written, at other times.
func TestCoreOfFewValues(t *testing.T) {
	d := die{rand.New(rand.NewPCG(4, 4)), []Kind{Get, Put}, 5, 4, 1, 0, 0}
	ops := d.history(3000)
	for i := 2000; ; i++ {
		if ops[i].Kind != Get {
			continue
		}
		was := ops[i].Result
		for v := range 5 {
			ops[i].Result = strconv.Itoa(v)
			if r := Check(ops, 0); r.Verdict == Illegal {
				if err := VerifyCore(ops, r.Core); err != nil || len(r.Core) > 20 {
					t.Errorf("a core of %d: %v", len(r.Core), err)
				}
				return
			}
		}
		ops[i].Result = was
	}
}

// TestFalseCertificates: the verifiers refuse what does not hold.
func TestFalseCertificates(t *testing.T) {
	ops := []Op{
		op(0, Put, "a", "", 0, 1),
		op(0, Put, "b", "", 2, 3),
		op(1, Get, "", "b", 4, 5),
	}
	for name, order := range map[string][]int32{
		"short":       {0, 1},
		"twice":       {0, 1, 1, 2},
		"out of time": {1, 0, 2},
		"wrong value": {0, 2, 1},
	} {
		if VerifyOrder(ops, order) == nil {
			t.Errorf("an order that is %s is taken", name)
		}
	}
	if err := VerifyOrder(ops, []int32{0, 1, 2}); err != nil {
		t.Error(err)
	}
	if VerifyCore(ops, []int32{0, 1, 2}) == nil || VerifyCore(ops, nil) == nil {
		t.Error("a core is taken that can be explained")
	}
	ops[2].Result = "a"
	if VerifyCore(ops, []int32{0, 2}) == nil {
		t.Error("a core is taken without the write that hides the other")
	}
	if err := VerifyCore(ops, []int32{0, 1, 2}); err != nil {
		t.Error(err)
	}
}

// TestBlind: what was answered without a result must have happened, and is not
// judged.
func TestBlind(t *testing.T) {
	ops := []Op{
		{Kind: Append, Arg: "a", Call: 0, Return: 1, Blind: true},
		{Kind: Get, Call: 2, Return: 3, Blind: true},
		{Kind: Get, Result: "a", Call: 4, Return: 5},
	}
	if r := Check(ops, 0); r.Verdict != OK || VerifyOrder(ops, r.Order) != nil {
		t.Errorf("%v %v", r.Verdict, VerifyOrder(ops, r.Order))
	}
	ops[2].Result = ""
	if r := Check(ops, 0); r.Verdict != Illegal || VerifyCore(ops, r.Core) != nil {
		t.Errorf("%v %v", r.Verdict, VerifyCore(ops, r.Core))
	}
}

// TestUnknown: a check that may not take its time does not say OK.
func TestUnknown(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	d := die{rng, []Kind{Get, Put, CAS}, 1000, 60, 1, 0, 0}
	r := Check(d.history(6000), time.Nanosecond)
	if r.Verdict != Unknown || r.Reason == "" || r.Key != "k0" {
		t.Errorf("%v %q %q", r.Verdict, r.Reason, r.Key)
	}
}

func benchmark(b *testing.B, d die, n int, want Verdict, spoil func([]Op)) {
	d.Rand = rand.New(rand.NewPCG(1, 2))
	ops := d.history(n)
	if spoil != nil {
		spoil(ops)
	}
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		if r := Check(ops, time.Minute); r.Verdict != want {
			b.Fatal(r.Verdict, r.Reason)
		}
	}
	b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "ops/s")
}

// stale makes one late read return what was long overwritten.
func stale(ops []Op) {
	for i := len(ops) * 3 / 4; ; i++ {
		if ops[i].Kind == Get {
			ops[i].Result = "v" + strconv.Itoa(slices.IndexFunc(ops, func(o Op) bool {
				return o.Kind == Put && o.Key == ops[i].Key
			}))
			return
		}
	}
}

func BenchmarkRegister100k(b *testing.B) {
	benchmark(b, die{kinds: []Kind{Get, Put}, clients: 10, keys: 1}, 100_000, OK, nil)
}

func BenchmarkRegister100kStale(b *testing.B) {
	benchmark(b, die{kinds: []Kind{Get, Put}, clients: 10, keys: 1}, 100_000, Illegal, stale)
}

func BenchmarkKV1M(b *testing.B) {
	benchmark(b, die{kinds: []Kind{Get, Put}, clients: 50, keys: 1000}, 1_000_000, OK, nil)
}

func BenchmarkKV1MStale(b *testing.B) {
	benchmark(b, die{kinds: []Kind{Get, Put}, clients: 50, keys: 1000}, 1_000_000, Illegal, stale)
}

func BenchmarkLock100k(b *testing.B) {
	benchmark(b, die{kinds: []Kind{Acquire, Release}, clients: 10, keys: 1}, 100_000, OK, nil)
}

func BenchmarkFewValues100k(b *testing.B) {
	benchmark(b, die{kinds: []Kind{Get, Put}, values: 7, clients: 10, keys: 1}, 100_000, OK, nil)
}

func BenchmarkCAS100k(b *testing.B) {
	benchmark(b, die{kinds: []Kind{Get, Put, CAS}, values: 50, clients: 10, keys: 1}, 100_000, OK, nil)
}
