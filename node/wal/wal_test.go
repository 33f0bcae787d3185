package wal

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
)

type text []byte

func (t text) AppendBinary(b []byte) ([]byte, error) { return append(b, t...), nil }

// A book is what was appended, and so what must come back.
type book struct {
	mu      sync.Mutex
	all     []record // LSN i+1 is all[i]
	durable uint64   // as announced
	failed  []error
}

func (k *book) options(o Options) Options {
	o.Durable = func(lsn uint64) {
		k.mu.Lock()
		defer k.mu.Unlock()
		if lsn <= k.durable || len(k.failed) > 0 {
			panic(fmt.Sprintf("durable %d after %d and failures %v", lsn, k.durable, k.failed))
		}
		k.durable = lsn
	}
	o.Failed = func(err error) {
		k.mu.Lock()
		defer k.mu.Unlock()
		k.failed = append(k.failed, err)
	}
	return o
}

// append appends a record and notes it.
func (k *book) append(l *Log, kind byte, group uint32, body []byte) uint64 {
	var lsn uint64
	if kind == drop {
		lsn, body = l.Drop(group), nil
	} else {
		lsn = l.Append(group, kind == checkpoint, text(body))
	}
	k.all = append(k.all, record{group, kind, body})
	if lsn != uint64(len(k.all)) {
		panic(fmt.Sprintf("LSN %d for record %d", lsn, len(k.all)))
	}
	return lsn
}

// replay is what Open must hand out when the first n records survived.
func (k *book) replay(n uint64) map[uint32][][]byte {
	m := map[uint32][][]byte{}
	for _, r := range k.all[:n] {
		if r.kind != save {
			delete(m, r.group)
		}
		if r.kind != drop {
			m[r.group] = append(m[r.group], r.body)
		}
	}
	return m
}

// open opens the log in fs and returns what it replayed.
func open(fs FS, o Options) (*Log, map[uint32][][]byte, error) {
	got := map[uint32][][]byte{}
	l, err := Open(fs, o, func(group uint32, rec []byte) error {
		got[group] = append(got[group], slices.Clone(rec))
		return nil
	})
	return l, got, err
}

func same(a, b map[uint32][][]byte) bool {
	if len(a) != len(b) {
		return false
	}
	for g := range a {
		if _, ok := b[g]; !ok || !slices.EqualFunc(a[g], b[g], bytes.Equal) {
			return false
		}
	}
	return true
}

// sync waits until all that was appended is durable.
func (k *book) sync(t testing.TB, l *Log) {
	t.Helper()
	l.Flush()
	want := l.Stats().Appended
	for l.Stats().Durable < want {
		if l.Stats().Durable == want {
			break
		}
		k.mu.Lock()
		failed := slices.Clone(k.failed)
		k.mu.Unlock()
		if len(failed) > 0 {
			t.Fatalf("the log failed: %v", failed)
		}
		yield()
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// reopen opens fs and checks that it replays what the first n records leave.
func (k *book) reopen(t testing.TB, fs FS, o Options, n uint64) *Log {
	t.Helper()
	l, got, err := open(fs, k.options(o))
	must(t, err)
	if s := l.Stats(); s.Durable != n || s.Appended != n {
		t.Fatalf("records %d, durable %d, want %d", s.Appended, s.Durable, n)
	}
	if want := k.replay(n); !same(got, want) {
		t.Fatalf("replayed %v, want %v", got, want)
	}
	return l
}

var small = Options{SegmentBytes: MinSegmentBytes}

func TestRoundTrip(t *testing.T) {
	fs := Dir(t.TempDir() + "/log")
	var k book
	for generation := range byte(5) {
		l := k.reopen(t, fs, small, uint64(len(k.all)))
		for i := range byte(40) {
			kind := save
			if i%16 == 7 {
				kind = checkpoint
			}
			if i == 30 && generation == 2 {
				kind = drop
			}
			k.append(l, kind, uint32(i%3), bytes.Repeat([]byte{generation, i}, int(i)))
			if i%5 == 0 {
				l.Flush()
			}
		}
		must(t, l.Close()) // makes durable what nobody flushed
		if k.durable != uint64(len(k.all)) {
			t.Fatalf("durable %d of %d after Close", k.durable, len(k.all))
		}
		k.durable = 0
	}
}

// An empty record and an empty log are fine; so is closing at once.
func TestEmpty(t *testing.T) {
	fs := Dir(t.TempDir())
	var k book
	for range 3 {
		must(t, k.reopen(t, fs, small, 0).Close())
	}
	l := k.reopen(t, fs, small, 0)
	l.Flush() // nothing to flush
	k.append(l, save, 0, nil)
	k.sync(t, l)
	must(t, l.Close())
	if err := l.Close(); !errors.Is(err, errClosed) {
		t.Fatalf("second Close: %v", err)
	}
	must(t, k.reopen(t, fs, small, 1).Close())
}

// TestRecycle has three groups, one of which makes no checkpoint.
func TestRecycle(t *testing.T) {
	fs := Dir(t.TempDir())
	var k book
	l := k.reopen(t, fs, small, 0)
	round := func(n int, kind byte, groups ...uint32) {
		for range n {
			for _, g := range groups {
				k.append(l, kind, g, bytes.Repeat([]byte{byte(g)}, 300))
			}
			k.sync(t, l)
		}
	}
	round(1, save, 1, 2, 3)
	round(30, checkpoint, 1, 2)
	s := l.Stats()
	if s.Segments < 8 || !s.Pinned || s.Oldest != 3 {
		t.Fatalf("a group without a checkpoint must keep the whole log: %+v", s)
	}
	must(t, l.Close())
	l = k.reopen(t, fs, small, uint64(len(k.all)))
	if s := l.Stats(); s.Oldest != 3 || !s.Pinned {
		t.Fatalf("after reopening: %+v", s)
	}
	round(1, checkpoint, 3)
	round(2, save, 1) // the first says which segments may go; then they go
	if s = l.Stats(); s.Segments > 3 || s.Spares < 1 || s.Spares > DefaultSpares || s.Oldest == 3 {
		t.Fatalf("all groups have a checkpoint: %+v", s)
	}
	round(30, checkpoint, 1, 2, 3)
	if s = l.Stats(); s.Segments > 3 {
		t.Fatalf("the log must not grow: %+v", s)
	}
	round(1, save, 4)
	round(30, checkpoint, 1, 2, 3)
	round(1, drop, 4)
	round(2, save, 1)
	if s = l.Stats(); s.Segments > 3 || s.Oldest == 4 {
		t.Fatalf("a dropped group must keep nothing: %+v", s)
	}
	must(t, l.Close())
	must(t, k.reopen(t, fs, small, uint64(len(k.all))).Close())
}

// TestCrowded: a log that grows says who keeps it, and does not say it of one
// that most of it is needed of.
func TestCrowded(t *testing.T) {
	fs := Dir(t.TempDir())
	var k book
	told := make(chan []uint32, 100)
	o := small
	o.Crowded = func(groups []uint32) { told <- groups }
	l := k.reopen(t, fs, o, 0)
	fill := func(group uint32, segments int) {
		for want := l.Stats().Segments + segments; l.Stats().Segments < want; {
			k.append(l, save, group, make([]byte, 1000))
			k.sync(t, l)
		}
	}
	expect := func(groups ...uint32) {
		t.Helper()
		// The last batch is settled, for its segment is in Stats.
		if len(told) == 0 {
			t.Fatalf("with %d segments nobody was told that %v keep the oldest", l.Stats().Segments, groups)
		}
		if got := <-told; !slices.Equal(got, groups) {
			t.Fatalf("the oldest segment is kept by %v, told %v", groups, got)
		}
	}
	k.append(l, save, 3, []byte("a"))
	k.append(l, save, 1, []byte("b"))
	fill(2, crowdedSegments-1)
	if len(told) > 0 {
		t.Fatalf("crowded with %d segments: %v", l.Stats().Segments, <-told)
	}
	fill(2, 1)
	expect(1, 2, 3)
	k.append(l, checkpoint, 1, []byte("c"))
	k.append(l, checkpoint, 2, []byte("d"))
	fill(2, 1)
	expect(3)
	k.append(l, checkpoint, 1, make([]byte, 10*MinSegmentBytes))
	k.sync(t, l)
	for len(told) > 0 {
		<-told
	}
	fill(2, 10)
	if len(told) > 0 {
		t.Fatalf("a quarter of the log is checkpoints: %v", <-told)
	}
	must(t, l.Close())
	must(t, k.reopen(t, fs, small, uint64(len(k.all))).Close())
}

// A batch larger than a segment has one of its own, also as the first of all
// and after one that is empty.
func TestLargeBatch(t *testing.T) {
	fs := Dir(t.TempDir())
	var k book
	l := k.reopen(t, fs, small, 0)
	for i, n := range []int{20_000, 10, MinSegmentBytes - 100, 9_000, 9_000, 0, 1 << 20} {
		k.append(l, save, 1, bytes.Repeat([]byte{byte(i)}, n))
		k.sync(t, l)
	}
	must(t, l.Close())
	l = k.reopen(t, fs, small, uint64(len(k.all)))
	k.append(l, checkpoint, 1, nil)
	k.sync(t, l)
	k.append(l, save, 1, nil)
	k.sync(t, l)
	if s := l.Stats(); s.Segments != 1 || s.Spares > DefaultSpares {
		t.Fatalf("large segments must go: %+v", s)
	}
	must(t, l.Close())
	must(t, k.reopen(t, fs, small, uint64(len(k.all))).Close())
}

// The disk is as slow as can be: it waits until two appenders are stuck.
func TestBackPressure(t *testing.T) {
	d := newRAM()
	stuck, entered := make(chan struct{}), make(chan struct{}, 100)
	var k book
	l := k.reopen(t, d, Options{SegmentBytes: MinSegmentBytes, BufferBytes: 100}, 0)
	d.mu.Lock()
	d.fault = func(d *ram, op, _ string, _ int) (int, error) {
		if op == "datasync" {
			entered <- struct{}{}
			<-stuck
		}
		return 0, nil
	}
	d.mu.Unlock()
	l.Append(1, false, text(make([]byte, 200)))
	l.Flush()
	<-entered                                   // the writer has the first
	l.Append(1, false, text(make([]byte, 200))) // the buffer is over its bound now
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() { l.Append(1, false, text(make([]byte, 200))) })
	}
	yield()
	l.mu.Lock()
	if n := len(l.buf); n > batchHeader+200+recordHeader {
		t.Errorf("%d bytes are buffered", n)
	}
	l.mu.Unlock()
	close(stuck)
	wg.Wait() // they go on without a Flush
	must(t, l.Close())
	if k.durable != 4 {
		t.Fatalf("durable %d of 4", k.durable)
	}
}

type broken struct{}

func (broken) AppendBinary(b []byte) ([]byte, error) {
	return append(b, 1, 2), errors.New("no form")
}

func TestUnencodableFails(t *testing.T) {
	var k book
	d := newRAM()
	l := k.reopen(t, d, small, 0)
	k.append(l, save, 1, []byte("good"))
	k.sync(t, l)
	l.Append(1, false, broken{})
	<-l.done
	if len(k.failed) != 1 {
		t.Fatalf("failures: %v", k.failed)
	}
	l.Append(1, false, text("after the hole"))
	if err := l.Close(); err == nil {
		t.Fatal("Close of a failed log returned nil")
	}
	must(t, k.reopen(t, d, small, 1).Close())
}

func TestOptions(t *testing.T) {
	for _, o := range []Options{
		{SegmentBytes: 100}, {SegmentBytes: MinSegmentBytes + 1},
		{SegmentBytes: MaxSegmentBytes + sector},
		{BufferBytes: -1}, {BufferBytes: MaxBufferBytes + 1}, {Spares: -1},
	} {
		if _, _, err := open(newRAM(), o); err == nil {
			t.Errorf("%+v was taken", o)
		}
	}
}

// Many goroutines append, each to its own group.
func TestConcurrent(t *testing.T) {
	fs := Dir(t.TempDir())
	var k book
	l, _, err := open(fs, k.options(Options{SegmentBytes: 64 << 10, BufferBytes: 8 << 10}))
	must(t, err)
	const groups, each = 8, 500
	var wg sync.WaitGroup
	for g := range uint32(groups) {
		wg.Go(func() {
			rnd := rand.New(rand.NewPCG(uint64(g), 1))
			var last uint64
			for i := range each {
				lsn := l.Append(g, i == each/2, text(fmt.Sprint(i)))
				if lsn <= last {
					t.Errorf("LSN %d after %d", lsn, last)
				}
				last = lsn
				if rnd.IntN(10) == 0 {
					l.Flush()
					l.Stats()
				}
			}
		})
	}
	wg.Wait()
	must(t, l.Close())
	l, got, err := open(fs, small)
	must(t, err)
	defer l.Close()
	for g := range uint32(groups) {
		if len(got[g]) != each-each/2 {
			t.Fatalf("group %d: %d records", g, len(got[g]))
		}
		for i, rec := range got[g] {
			if string(rec) != fmt.Sprint(each/2+i) {
				t.Fatalf("group %d: record %d is %q", g, i, rec)
			}
		}
	}
}

func TestAppendAllocatesNothing(t *testing.T) {
	l, _, err := open(Dir(t.TempDir()), Options{SegmentBytes: 1 << 20})
	must(t, err)
	defer l.Close()
	m := text(make([]byte, 256))
	durable := make(chan struct{}, 1)
	l.o.Durable = func(uint64) { durable <- struct{}{} } // no batch has been written yet
	write := func() {
		for range 64 {
			l.Append(1, true, &m)
		}
		l.Flush()
		<-durable
	}
	for range 10 {
		write()
	}
	if n := testing.AllocsPerRun(20, write); n > 2 { // a segment ends every 60 batches
		t.Fatalf("%v allocations for a batch of 64", n)
	}
}

func benchmark(b *testing.B, records int) {
	durable := make(chan struct{}, 1)
	l, err := Open(Dir(b.TempDir()), Options{Durable: func(uint64) { durable <- struct{}{} }},
		func(uint32, []byte) error { return nil })
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	m := text(make([]byte, 256))
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		for range records {
			l.Append(1, true, &m)
		}
		l.Flush()
		<-durable
	}
}

func BenchmarkSync1x256B(b *testing.B)  { benchmark(b, 1) }
func BenchmarkSync64x256B(b *testing.B) { benchmark(b, 64) }
