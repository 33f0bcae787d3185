package partition

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

func key(i int) string { return fmt.Sprintf("k%06d", i) }

// drive makes requests at a rate for some seconds, and returns the time after.
func drive(now time.Duration, rate int, seconds float64, request func(now time.Duration)) time.Duration {
	step := time.Second / time.Duration(rate)
	for end := now + time.Duration(seconds*float64(time.Second)); now < end; now += step {
		request(now)
	}
	return now
}

func meter(t testing.TB, seed uint64) *Meter {
	return must[*Meter](t)(NewMeter(DefaultPolicy(), seed, 0))
}

// Twice the threshold, even: split within 12.5 % of the median.
func TestKnownAnswerEvenLoadSplitsNearTheMedian(t *testing.T) {
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 1))
		m := meter(t, seed)
		now := drive(0, 5000, 13, func(now time.Duration) { m.Record(now, key(r.IntN(1000))) })
		at, v := m.Split(now)
		if v != Found || at < key(375-20) || at > key(625+20) { // 20: what a sample's counts may be off
			t.Errorf("seed %d: %v at %s", seed, v, at)
		}
	}
}

func TestKnownAnswerOneHotKeyIsPopular(t *testing.T) {
	m := meter(t, 1)
	now := drive(0, 5000, 13, func(now time.Duration) { m.Record(now, "hot") })
	if at, v := m.Split(now); v != PopularKey || at != "" {
		t.Errorf("%v at %q", v, at)
	}
}

func TestKnownAnswerAppendsHaveAClearDirection(t *testing.T) {
	for _, sign := range []int{1, -1} {
		m := meter(t, 2)
		i := 500000
		now := drive(0, 5000, 13, func(now time.Duration) { i += sign; m.Record(now, key(i)) })
		if at, v := m.Split(now); v != ClearDirection || at != "" {
			t.Errorf("%+d: %v at %q", sign, v, at)
		}
	}
}

// Two hot keys: a split between them, so at the second.
func TestKnownAnswerTwoHotKeysSplitBetween(t *testing.T) {
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 2))
		m := meter(t, seed)
		now := drive(0, 5000, 13, func(now time.Duration) { m.Record(now, []string{"left", "right"}[r.IntN(2)]) })
		if at, v := m.Split(now); v != Found || at != "right" {
			t.Errorf("seed %d: %v at %q", seed, v, at)
		}
	}
}

// Scans that cross everywhere: no key parts them.
func TestKnownAnswerScansAcrossHaveNoKey(t *testing.T) {
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 3))
		m := meter(t, seed)
		now := drive(0, 5000, 13, func(now time.Duration) {
			end := ""
			if i := r.IntN(400); i > 0 {
				end = key(600 + i)
			}
			m.RecordScan(now, key(r.IntN(400)), end)
		})
		if at, v := m.Split(now); v != NoKey || at != "" {
			t.Errorf("seed %d: %v at %q", seed, v, at)
		}
		// As much to the left as to the right, but most of it across.
		m = meter(t, seed)
		now = drive(0, 5000, 13, func(now time.Duration) {
			if i := r.IntN(1000); r.IntN(10) < 4 {
				m.Record(now, key(i))
			} else {
				m.RecordScan(now, key(i/10), key(900+i/10))
			}
		})
		if at, v := m.Split(now); v != NoKey || at != "" {
			t.Errorf("seed %d, across: %v at %q", seed, v, at)
		}
	}
}

// A split, and the load drops at once: no merge until the retention is over. And
// two halves that are still busy never merge.
func TestKnownAnswerHysteresis(t *testing.T) {
	p := DefaultPolicy()
	retain := p.Retain
	left, right := meter(t, 1), must[*Meter](t)(NewMeter(p, 2, 0))
	load := func(m *Meter, now time.Duration) Load {
		peak, known := m.Peak(now)
		return Load{Bytes: 1, Peak: peak, Known: known}
	}
	var now time.Duration
	for ; now < 3*retain; now += time.Second {
		if merge := p.Merge(load(left, now), load(right, now)); merge != (now >= retain) {
			t.Fatalf("idle since the split: merge %v after %v", merge, now)
		}
	}
	// Busy for a while, then idle: the peak is remembered for a retention, and not
	// for much longer.
	now = drive(now, 2600, 5, func(now time.Duration) { left.Record(now, "k") })
	busy := now
	for ; now < busy+2*retain; now += time.Second {
		merge := p.Merge(load(left, now), load(right, now))
		if merge && now < busy+retain {
			t.Fatalf("merge %v after the peak", now-busy)
		}
		if !merge && now > busy+retain+retain/(windows-1)+2*time.Second {
			t.Fatalf("no merge %v after the peak", now-busy)
		}
	}
	// Half of the load that made them split, on each side.
	now = 0
	a, b := meter(t, 3), meter(t, 4)
	now = drive(now, 1300, retain.Seconds()+10, func(now time.Duration) {
		a.Record(now, "a")
		b.Record(now, "b")
		if p.Merge(load(a, now), load(b, now)) {
			t.Fatalf("merge at %v, and split again", now)
		}
	})
	if l := load(a, now); !l.Known || l.Peak < 1200 {
		t.Errorf("%+v", l)
	}
}

// TestMergeThresholds: each condition by itself prevents a merge.
func TestMergeThresholds(t *testing.T) {
	p := DefaultPolicy()
	for _, c := range []struct {
		left, right Load
		want        bool
	}{
		{Load{p.MergeBytes / 2, p.MergeRate / 2, true}, Load{p.MergeBytes / 2, p.MergeRate / 2, true}, true},
		{Load{p.MergeBytes, 0, true}, Load{1, 0, true}, false},
		{Load{math.MaxUint64, 0, true}, Load{1, 0, true}, false},
		{Load{0, p.MergeRate, true}, Load{0, 1, true}, false},
		{Load{0, 0, false}, Load{0, 0, true}, false},
		{Load{0, 0, true}, Load{0, 0, false}, false},
	} {
		if got := p.Merge(c.left, c.right); got != c.want {
			t.Errorf("merge %+v %+v: %v", c.left, c.right, got)
		}
	}
}

// TestSplitWaits: under the threshold never; over it not before it has been
// watched; and after a proposal not before the pause is over.
func TestSplitWaits(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 4))
	request := func(m *Meter) func(time.Duration) {
		return func(now time.Duration) { m.Record(now, key(r.IntN(1000))) }
	}
	calm := meter(t, 1)
	now := drive(0, 2400, 60, request(calm))
	if at, v := calm.Split(now); v != Calm || at != "" {
		t.Errorf("2400/s: %v", v)
	}
	m := meter(t, 1)
	now = drive(0, 5000, 10.5, request(m)) // sampling since 1 s
	if _, v := m.Split(now); v != Wait {
		t.Errorf("after %v: %v", now, v)
	}
	now = drive(now, 5000, 1, request(m))
	if _, v := m.Split(now); v != Found {
		t.Errorf("after %v: %v", now, v)
	}
	found := now
	for now < found+time.Minute-2*time.Second {
		now = drive(now, 5000, 1, request(m))
		if _, v := m.Split(now); v != Wait {
			t.Fatalf("%v after the last: %v", now-found, v)
		}
	}
	now = drive(now, 5000, 3, request(m))
	if _, v := m.Split(now); v != Found {
		t.Errorf("%v after the last: %v", now-found, v)
	}
	if _, v := m.Split(now + 3*time.Second); v != Calm { // all is quiet
		t.Errorf("after the load: %v", v)
	}
	now = drive(now+3*time.Second, 5000, 9, request(m)) // from the beginning
	if _, v := m.Split(now); v != Wait {
		t.Errorf("load again: %v", v)
	}
}

// A handful of requests is no evidence, however long they took.
func TestSplitWaitsForEnoughRequests(t *testing.T) {
	p := DefaultPolicy()
	p.SplitRate, p.MergeRate = 10, 5
	m := must[*Meter](t)(NewMeter(p, 1, 0))
	requests := 0
	request := func(now time.Duration) { m.Record(now, key(requests%7)); requests++ }
	now := drive(0, 10, 12.5, request)
	if _, v := m.Split(now); v != Wait {
		t.Errorf("after %d requests: %v", requests, v)
	}
	now = drive(now, 10, 12, request)
	if at, v := m.Split(now); v != Found {
		t.Errorf("after %d requests: %v at %q", requests, v, at)
	}
}

// A clock that runs back is one that stands still; nothing breaks.
func TestMeterClockRunsBack(t *testing.T) {
	m := must[*Meter](t)(NewMeter(DefaultPolicy(), 1, time.Hour))
	for i := range 100000 {
		m.Record(time.Hour-time.Duration(i)*time.Millisecond, "k")
	}
	if peak, known := m.Peak(0); peak != 0 || known {
		t.Errorf("%v %v", peak, known)
	}
	if peak, known := m.Peak(2 * time.Hour); math.Abs(peak-100000./3600) > .01 || !known {
		t.Errorf("%v %v", peak, known)
	}
	m = meter(t, 1)
	now := drive(0, 3000, 3, func(now time.Duration) { m.Record(now, "k") })
	if peak, _ := m.Peak(now); peak < 2900 {
		t.Error(peak)
	}
	if peak, _ := m.Peak(10 * time.Hour); peak > 1 { // long after, with no call between
		t.Errorf("a peak of %v is remembered for hours", peak)
	}
	if _, known := m.Peak(0); !known {
		t.Error("time ran back, and what was known is not")
	}
	if _, v := m.Split(0); v != Calm {
		t.Error(v)
	}
}

// The same requests and seed give the same answer on each replica.
func TestMeterIsAFunctionOfItsInputs(t *testing.T) {
	answer := func() string {
		r := rand.New(rand.NewPCG(5, 5))
		m := meter(t, 77)
		now := drive(0, 5000, 13, func(now time.Duration) { m.Record(now, key(r.IntN(1000))) })
		at, _ := m.Split(now)
		return at
	}
	if a, b := answer(), answer(); a != b || a == "" {
		t.Errorf("%q and %q", a, b)
	}
}

func TestBadPoliciesAreErrorsThatSayWhatToChange(t *testing.T) {
	for name, change := range map[string]func(*Policy){
		"merge at half of the former at most":  func(p *Policy) { p.MergeBytes = p.SplitBytes/2 + 1 },
		"split above 0 bytes":                  func(p *Policy) { p.SplitBytes, p.MergeBytes = 0, 0 },
		"split from NaN requests/s":            func(p *Policy) { p.SplitRate = math.NaN() },
		"merge up to NaN":                      func(p *Policy) { p.MergeRate = math.NaN() },
		"split from +Inf requests/s":           func(p *Policy) { p.SplitRate = math.Inf(1) },
		"split from 0 requests/s":              func(p *Policy) { p.SplitRate, p.MergeRate = 0, 0 },
		"merge up to -1: choose numbers":       func(p *Policy) { p.MergeRate = -1 },
		"merge up to 1300":                     func(p *Policy) { p.MergeRate = 1300 },
		"choose times from 0":                  func(p *Policy) { p.Record = -1 },
		"pause for -1ns: choose times from 0":  func(p *Policy) { p.Pause = -1 },
		"retain peaks for 1s: choose 6s or mo": func(p *Policy) { p.Retain = time.Second },
	} {
		p := DefaultPolicy()
		change(&p)
		says(t, p.Check(), name)
		_, err := NewMeter(p, 1, 0)
		says(t, err, name)
	}
	if err := DefaultPolicy().Check(); err != nil {
		t.Error(err)
	}
}

func TestHalve(t *testing.T) {
	for _, c := range []struct {
		sizes []uint64
		at    string
		ok    bool
	}{
		{nil, "", false},
		{[]uint64{100}, "", false}, // one key, however large, is not split
		{[]uint64{1, 1}, key(1), true},
		{[]uint64{1, 1, 1}, key(1), true},
		{[]uint64{100, 1, 1}, key(1), true},
		{[]uint64{1, 1, 100}, key(2), true},
		{[]uint64{0, 0, 0}, key(1), true},
		{[]uint64{math.MaxUint64, math.MaxUint64, math.MaxUint64, math.MaxUint64}, key(2), true},
		{[]uint64{5, 1, 1, 1, 1, 1}, key(1), true},
	} {
		at, ok := Halve(func(yield func(string, uint64) bool) {
			for i, size := range c.sizes {
				if !yield(key(i), size) {
					return
				}
			}
		})
		if at != c.at || ok != c.ok {
			t.Errorf("%v: %q %v", c.sizes, at, ok)
		}
	}
}

func TestVerdictText(t *testing.T) {
	if PopularKey.String() != "popular key" || NoKey.String() != "no key" || Verdict(9).String() != "verdict 9" {
		t.Error(PopularKey, NoKey, Verdict(9))
	}
}

func BenchmarkRecord(b *testing.B) {
	m := meter(b, 1)
	keys := make([]string, 1024)
	for i := range keys {
		keys[i] = key(int(mix(uint64(i)) % 1000))
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		m.Record(time.Duration(i)*100*time.Microsecond, keys[i&1023])
		i++
	}
}
