package partition

import (
	"fmt"
	"iter"
	"math"
	"math/bits"
	"slices"
	"strings"
	"time"
)

// The numbers by which a Meter finds where to split: those of CockroachDB, whose
// load-based splitting this follows.
const (
	// sampleSize keys are candidates: enough that some lie near the middle.
	sampleSize = 20
	// minCount requests must have been compared with a candidate.
	minCount = 100
	// maxImbalance is the most that left and right may differ, of their sum.
	maxImbalance = .25
	// maxWithin is the most scans that a split may cut in two, of all requests.
	maxWithin = .5
	// popular is how many of the samples are one key when that is the trouble.
	popular = .25
	// clearly is how much of the load goes past the samples when it is going away.
	clearly = .8
	// window is the least time over which a rate is measured.
	window = time.Second
	// windows hold the greatest rate of a retention; during a rotation one less.
	windows = 6
)

// A Policy says when ranges split and merge. Between the thresholds nothing is
// done: two halves of what has just split do not merge, and what has just merged
// does not split, unless the load itself changes by half.
type Policy struct {
	SplitBytes uint64        // a range of more splits; 512 MiB
	MergeBytes uint64        // two of so many together may merge; 128 MiB, at most half of the former
	SplitRate  float64       // requests per second from which a range splits; 2,500
	MergeRate  float64       // two of so many together may merge; 1,250, at most half of the former
	Record     time.Duration // requests are watched for longer than this before a split; 10 s
	Pause      time.Duration // between two proposals to split a range; 1 min
	Retain     time.Duration // how long a peak of load prevents a merge; 5 min
}

// DefaultPolicy returns what is said at each field.
func DefaultPolicy() Policy {
	return Policy{SplitBytes: 512 << 20, MergeBytes: 128 << 20, SplitRate: 2500, MergeRate: 1250,
		Record: 10 * time.Second, Pause: time.Minute, Retain: 5 * time.Minute}
}

// Check returns what is wrong with the numbers, or nil.
func (p Policy) Check() error {
	switch {
	case p.SplitBytes == 0 || p.MergeBytes > p.SplitBytes/2:
		return fmt.Errorf("partition: split above %d bytes and merge up to %d: merge at half of "+
			"the former at most, or ranges would merge and split for ever", p.SplitBytes, p.MergeBytes)
	case !(p.SplitRate > 0) || math.IsInf(p.SplitRate, 1), // so that what is no number fails too
		!(p.MergeRate >= 0) || p.MergeRate > p.SplitRate/2:
		return fmt.Errorf("partition: split from %v requests/s and merge up to %v: choose numbers "+
			"above 0, and merge at half of the former at most, or ranges would merge and split for ever",
			p.SplitRate, p.MergeRate)
	case p.Record < 0 || p.Pause < 0:
		return fmt.Errorf("partition: record for %v, pause for %v: choose times from 0",
			p.Record, p.Pause)
	case p.Retain < windows*window:
		return fmt.Errorf("partition: retain peaks for %v: choose %v or more",
			p.Retain, windows*window)
	}
	return nil
}

// A Load is what is known of a range when a merge is considered.
type Load struct {
	Bytes uint64
	Peak  float64 // requests per second, from Meter.Peak
	Known bool    // Peak is over a whole retention
}

// Merge says whether two neighbours should be one: both are small together, and
// have been idle together for a whole retention.
func (p Policy) Merge(left, right Load) bool {
	bytes := left.Bytes + right.Bytes
	return left.Known && right.Known && left.Peak+right.Peak <= p.MergeRate &&
		bytes <= p.MergeBytes && bytes >= left.Bytes // not around the end of the numbers
}

// Halve returns the key at which to split keys, in order and with their bytes, so
// that the halves differ least: the keys from it on are the right one. It goes
// over the keys twice. It is false for fewer than two keys: those cannot be split.
func Halve(keys iter.Seq2[string, uint64]) (at string, ok bool) {
	total := 0.0
	for _, size := range keys {
		total += float64(size)
	}
	left, best := 0.0, math.Inf(1)
	first := true
	for key, size := range keys {
		if differ := math.Abs(total - 2*left); !first && differ < best {
			at, best, ok = key, differ, true
		}
		first = false
		left += float64(size)
	}
	return at, ok
}

// A Verdict is what a Meter says when it is asked where to split.
type Verdict uint8

// The verdicts.
const (
	Calm           Verdict = iota // there is less load than SplitRate: no need
	Wait                          // there is load, but not enough has been seen of it yet
	Found                         // split at the key
	PopularKey                    // much of the load is for one key: no split parts it
	ClearDirection                // the load moves on one way: it would leave one half at once
	NoKey                         // no key parts the load well: most requests are scans across
)

// String returns the verdict in lower case.
func (v Verdict) String() string {
	names := [...]string{"calm", "wait", "found", "popular key", "clear direction", "no key"}
	if int(v) < len(names) {
		return names[v]
	}
	return fmt.Sprintf("verdict %d", uint8(v))
}

// A Meter watches the requests to one range: it knows where to split it, and how
// great the load was of late. A range that is split or merged gets a new one, of
// which nothing is Known, so that it does not merge at once. Times are by one
// clock that does not run back; where it does, no time has passed. A Meter is not
// for several goroutines at once.
type Meter struct {
	policy   Policy
	seed     uint64 // of draws
	draws    uint64
	began    time.Duration // when the meter was made
	now      time.Duration // the latest time heard of
	counted  uint64        // requests since from
	from     time.Duration
	peaks    [windows]float64 // by rotation; [0] is the present
	rotated  time.Duration
	proposed time.Duration // when a key was Found last
	ever     bool          // one was
	sampling bool
	sampled  time.Duration // since when
	seen     uint64        // requests since then
	samples  []sample
}

// A sample is a candidate, and how the requests after it lay to it.
type sample struct {
	key                 string
	left, right, within uint64
}

// NewMeter returns a meter that begins now. The seed, the same on all replicas or
// not, draws the samples. Errors: those of Check.
func NewMeter(p Policy, seed uint64, now time.Duration) (*Meter, error) {
	if err := p.Check(); err != nil {
		return nil, err
	}
	return &Meter{policy: p, seed: seed, began: now, now: now, from: now, rotated: now}, nil
}

// Record counts a request for one key.
func (m *Meter) Record(now time.Duration, key string) {
	m.record(now, key, func(at string) bool { return false })
}

// RecordScan counts a request for the keys from start to before end; empty: to
// the end of the range.
func (m *Meter) RecordScan(now time.Duration, start, end string) {
	m.record(now, start, func(at string) bool { return start < at && (end == "" || at < end) })
}

// record keeps a sample of fixed size of all requests since the sampling began
// (Vitter 1985, algorithm R), and compares those that it does not keep with it.
func (m *Meter) record(now time.Duration, key string, across func(at string) bool) {
	m.advance(now)
	m.counted++
	if !m.sampling {
		return
	}
	m.seen++
	if len(m.samples) < sampleSize {
		m.samples = append(m.samples, sample{key: key})
		return
	}
	if i := m.draw(m.seen); i < sampleSize {
		m.samples[i] = sample{key: key}
		return
	}
	for i := range m.samples {
		switch s := &m.samples[i]; {
		case across(s.key):
			s.within++
		case key < s.key:
			s.left++
		default:
			s.right++
		}
	}
}

// draw returns a number from 0 to n-1.
func (m *Meter) draw(n uint64) uint64 {
	m.draws++
	hi, _ := bits.Mul64(mix(m.seed+m.draws*golden), n)
	return hi
}

// advance lets time pass: a window that is over becomes a rate, and the rate says
// whether to sample.
func (m *Meter) advance(now time.Duration) {
	m.now = max(m.now, now)
	passed := m.now - m.from
	if passed < window {
		return
	}
	rate := float64(m.counted) / passed.Seconds()
	m.counted, m.from = 0, m.now
	span := m.policy.Retain / (windows - 1)
	for range min((m.now-m.rotated)/span, windows) {
		copy(m.peaks[1:], m.peaks[:])
		m.peaks[0] = 0
	}
	m.rotated += (m.now - m.rotated) / span * span
	m.peaks[0] = max(m.peaks[0], rate)
	switch busy := rate >= m.policy.SplitRate; {
	case !busy:
		m.sampling, m.samples = false, nil
	case !m.sampling:
		m.sampling, m.sampled, m.seen = true, m.now, 0
	}
}

// Peak returns the greatest rate of late, in requests per second over a second or
// more, and whether that is over a whole retention.
func (m *Meter) Peak(now time.Duration) (rate float64, known bool) {
	m.advance(now)
	return slices.Max(m.peaks[:]), m.now-m.began >= m.policy.Retain
}

// Split returns whether the load calls for a split, and with Found the key at
// which it parts best. Ask about once a second: each time is a scan of 20 samples.
func (m *Meter) Split(now time.Duration) (key string, v Verdict) {
	m.advance(now)
	switch {
	case !m.sampling:
		return "", Calm
	case m.now-m.sampled <= m.policy.Record, m.ever && m.now-m.proposed < m.policy.Pause:
		return "", Wait
	}
	best, enough := math.Inf(1), false
	for _, s := range m.samples {
		beside, all := float64(s.left+s.right), float64(s.left+s.right+s.within)
		if all < minCount {
			continue
		}
		enough = true
		imbalance := math.Abs(float64(s.left)-float64(s.right)) / max(beside, 1)
		within := float64(s.within) / all
		if imbalance < maxImbalance && within < maxWithin && imbalance+within < best {
			best, key = imbalance+within, s.key
		}
	}
	switch {
	case !enough:
		return "", Wait
	case !math.IsInf(best, 1):
		m.proposed, m.ever = m.now, true
		return key, Found
	}
	return "", m.whyNot()
}

// whyNot says why no key was found.
func (m *Meter) whyNot() Verdict {
	slices.SortFunc(m.samples, func(a, b sample) int { return strings.Compare(a.key, b.key) })
	run, most := 0, 0
	left, right, within := 0.0, 0.0, 0.0
	for i, s := range m.samples {
		if i > 0 && s.key != m.samples[i-1].key {
			run = 0
		}
		run++
		most = max(most, run)
		left, right, within = left+float64(s.left), right+float64(s.right), within+float64(s.within)
	}
	switch {
	case float64(most) >= popular*float64(len(m.samples)):
		return PopularKey
	case math.Abs(right-left) > clearly*(left+right+within):
		return ClearDirection
	}
	return NoKey
}
