package wal

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

func yield() { runtime.Gosched() }

// TestPowerCut runs random work, turns the power off at a random call, and
// looks whether all that was announced is there: many times on the same disk.
func TestPowerCut(t *testing.T) {
	seeds := uint64(200)
	if testing.Short() {
		seeds = 40
	}
	for seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			rnd := rand.New(rand.NewPCG(seed, 0))
			d := newRAM()
			var k book
			for range 12 {
				d = powerCut(t, rnd, d, &k)
			}
		})
	}
}

func powerCut(t *testing.T, rnd *rand.Rand, d *ram, k *book) *ram {
	until := rnd.IntN(60)
	if rnd.IntN(3) == 0 {
		until = rnd.IntN(400)
	}
	part := rnd.Float64() // of a write that is cut short
	d.fault = func(d *ram, op, _ string, size int) (int, error) {
		if d.ops < until {
			return 0, nil
		}
		d.off = true
		if op == "write" {
			return int(part * float64(size+1)), errPower
		}
		return 0, errPower
	}
	l, got, err := open(d, k.options(Options{SegmentBytes: MinSegmentBytes, Spares: 1 + rnd.IntN(3)}))
	if err != nil {
		if !errors.Is(err, errPower) {
			t.Fatal(err)
		}
		return d.crash(rnd)
	}
	n := l.Stats().Durable
	if n < k.durable || n > uint64(len(k.all)) {
		t.Fatalf("%d records recovered, %d announced, %d appended", n, k.durable, len(k.all))
	}
	if want := k.replay(n); !same(got, want) {
		t.Fatalf("replayed %v, want %v", got, want)
	}
	k.all = k.all[:n]
	k.mu.Lock()
	k.durable, k.failed = n, nil // what was replayed is relied upon from now on
	k.mu.Unlock()
	for !work(rnd, l, k) {
	}
	l.Close()
	return d.crash(rnd)
}

// work appends a few records and reports whether the power is off.
func work(rnd *rand.Rand, l *Log, k *book) (off bool) {
	for range 1 + rnd.IntN(6) {
		kind := save
		switch rnd.IntN(12) {
		case 0, 1, 2:
			kind = checkpoint
		case 3:
			kind = drop
		}
		size := rnd.IntN(300)
		if rnd.IntN(8) == 0 {
			size = rnd.IntN(3000)
		}
		if rnd.IntN(100) == 0 {
			size = 2 * MinSegmentBytes
		}
		body := make([]byte, size)
		for i := range body {
			body[i] = byte(rnd.Uint32())
		}
		k.append(l, kind, uint32(rnd.IntN(4)), body)
	}
	l.Flush()
	for patience := rnd.IntN(50); ; patience-- {
		k.mu.Lock()
		failed, done := len(k.failed) > 0, k.durable == uint64(len(k.all))
		k.mu.Unlock()
		if failed || done || patience <= 0 && rnd.IntN(4) == 0 {
			return failed
		}
		yield()
	}
}

// written makes a log of batches of these sizes, one record each, and returns
// its files and where in the last segment the batches end.
func written(t testing.TB, o Options, kinds []byte, sizes ...int) (
	k *book, files map[string][]byte, ends []int64) {
	t.Helper()
	d := newRAM()
	k = &book{}
	l := k.reopen(t, d, o, 0)
	for i, n := range sizes {
		k.append(l, kinds[i%len(kinds)], uint32(i%2), bytes.Repeat([]byte{byte(i + 1)}, n))
		k.sync(t, l)
		ends = append(ends, l.last().end)
	}
	must(t, l.Close())
	k.durable = 0
	return k, d.content(), ends
}

// TestTruncate cuts a log off at every byte, on real files.
func TestTruncate(t *testing.T) {
	k, files, ends := written(t, small, []byte{save}, 10, 600, 450)
	name := fileName(1, logExt)
	for at := range ends[2] + 2 {
		n := uint64(0)
		for _, end := range ends {
			if end <= at {
				n++
			}
		}
		if at%97 == 0 || at == ends[2] {
			path := t.TempDir()
			must(t, os.WriteFile(filepath.Join(path, name), files[name][:at], 0o600))
			l := k.reopen(t, Dir(path), small, n)
			must(t, l.Close())
		}
		d := ramOf(map[string][]byte{name: files[name][:at]})
		l := k.reopen(t, d, small, n)
		lsn := l.Append(9, false, text("more")) // and it can go on
		must(t, l.Close())
		if k.durable != lsn {
			t.Fatalf("cut at %d: durable %d, want %d", at, k.durable, lsn)
		}
		k.durable = 0
	}
}

// TestSectors lets every subset of the last batch's sectors reach the disk, in
// a new segment and in one that has been used before.
func TestSectors(t *testing.T) {
	for _, stale := range [][]byte{nil, bytes.Repeat([]byte{0xa5}, MinSegmentBytes), staleSegment(t)} {
		k, files, ends := written(t, small, []byte{save}, 100, 700, 1800)
		name := fileName(1, logExt)
		whole := files[name]
		from, n := int(ends[1]), int(ends[2]-ends[1])/sector
		for subset := range 1 << n {
			b := make([]byte, len(whole))
			copy(b, stale)
			copy(b, whole[:from])
			for i := range n {
				if subset>>i&1 == 1 {
					copy(b[from+i*sector:], whole[from+i*sector:][:sector])
				}
			}
			want := uint64(2)
			if subset == 1<<n-1 {
				want = 3
			}
			must(t, k.reopen(t, ramOf(map[string][]byte{name: b}), small, want).Close())
		}
	}
}

// staleSegment is a segment full of batches of the same log that are older than
// any that will be looked for. Nonces differ between logs, so it is made of
// batches of any nonce with sequence number 0.
func staleSegment(t testing.TB) []byte {
	_, files, _ := written(t, small, []byte{save}, 100, 100, 100, 100, 100, 100)
	b := files[fileName(1, logExt)]
	for off := 0; off < len(b); off += sector {
		if h, what := parseHeader(b[off:], 0); what == ours {
			h.seq = 0
			h.put(b[off:])
		}
	}
	return b
}

// A batch that was given up must not come back, even if its sectors and those
// of its torn successor would make it whole.
func TestTornBatchStaysAway(t *testing.T) {
	k, files, ends := written(t, small, []byte{save}, 100, 1000)
	name := fileName(1, logExt)
	torn := slices.Clone(files[name])
	end := ends[1] - sector
	last := slices.Clone(torn[end:ends[1]])
	clear(torn[end:ends[1]])
	d := ramOf(map[string][]byte{name: torn})
	must(t, k.reopen(t, d, small, 1).Close())
	b := d.content()[name]
	copy(b[end:], last) // what a torn successor with the same last sector leaves
	must(t, k.reopen(t, ramOf(map[string][]byte{name: b}), small, 1).Close())
}

// TestFailedSync fails every sync in turn: the failure is told once, nothing
// is durable after it, and what was announced before is there.
func TestFailedSync(t *testing.T) {
	broken := errors.New("medium error")
	for _, op := range []string{"datasync", "write", "syncdir", "rename", "open"} {
		for nth := range 8 {
			d := newRAM()
			var k book
			l := k.reopen(t, d, small, 0)
			l.pool.wait()
			d.mu.Lock()
			seen := 0
			d.fault = func(_ *ram, o, _ string, size int) (int, error) {
				if o == op {
					if seen++; seen > nth {
						return size / 2, broken
					}
				}
				return 0, nil
			}
			d.mu.Unlock()
			for i := 0; len(k.failures()) == 0; i++ {
				k.append(l, checkpoint, 1, make([]byte, 700))
				l.Flush()
				yield()
				if i == 1e6 {
					t.Fatalf("%s %d: no failure", op, nth)
				}
			}
			told := k.failures()
			<-l.done
			before := k.durable
			l.Append(1, false, text("too late"))
			l.Flush()
			if err := l.Close(); !errors.Is(err, broken) {
				t.Fatalf("Close: %v", err)
			}
			if len(k.failures()) != 1 || !errors.Is(told[0], broken) || k.durable != before {
				t.Fatalf("%s %d: told %v, durable %d then %d", op, nth, k.failures(), before, k.durable)
			}
			checkAfterFailure(t, d, &k)
		}
	}
}

func (k *book) failures() []error {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Clone(k.failed)
}

// checkAfterFailure starts again without a loss of power, so that what the
// failed sync left in the cache is read; and cuts the power then.
func checkAfterFailure(t *testing.T, d *ram, k *book) {
	t.Helper()
	before := k.durable
	k.durable, k.failed = 0, nil
	d = d.restart()
	l, got, err := open(d, small)
	must(t, err)
	n := l.Stats().Durable
	if n < before || !same(got, k.replay(n)) {
		t.Fatalf("%d records, %d announced", n, before)
	}
	d = d.crash(rand.New(rand.NewPCG(1, 1))) // what was replayed is relied upon
	l.Close()
	must(t, k.reopen(t, d, small, n).Close())
}

func TestShortWriteWithoutError(t *testing.T) {
	d := newRAM()
	var k book
	l := k.reopen(t, shortFS{d}, small, 0)
	l.Append(1, false, text("x"))
	l.Flush()
	<-l.done
	if len(k.failed) != 1 || k.durable != 0 {
		t.Fatalf("durable %d, failures %v", k.durable, k.failed)
	}
	l.Close()
}

// shortFS writes less than it is given and says nothing, but for zeros.
type shortFS struct{ *ram }

func (s shortFS) Open(name string) (File, error) {
	f, err := s.ram.Open(name)
	return shortFile{f}, err
}

type shortFile struct{ File }

func (f shortFile) WriteAt(b []byte, off int64) (int, error) {
	return f.File.WriteAt(b[:len(b)-1], off)
}

// TestOpenFails lets each call that Open makes on a segment or on the directory
// fail. Open must notice, and must not have made things worse.
func TestOpenFails(t *testing.T) {
	no := errors.New("no")
	k, files, ends := written(t, small, []byte{save}, 1500, 1500, 1500, 600, 600)
	last := files[fileName(3, logExt)]
	if last == nil {
		t.Fatal("batch 3 does not begin a segment")
	}
	copy(last[ends[4]:], "left over") // something to mend
	files[fileName(77, tempExt)] = make([]byte, 100)
	tried := 0
	for failing := 0; ; failing++ {
		d := ramOf(files)
		seen, what := 0, ""
		d.fault = func(_ *ram, op, name string, size int) (int, error) {
			if !strings.HasSuffix(name, logExt) && op != "list" && op != "syncdir" && op != "remove" {
				return 0, nil // a spare file can wait
			}
			if seen++; seen == failing+1 {
				what = op + " " + name
				return size / 2, no
			}
			return 0, nil
		}
		l, _, err := open(d, small)
		if err == nil {
			l.Close()
			if what != "" && what != "syncdir " { // that may be of a spare file
				t.Fatalf("Open does not mind the failure of %s", what)
			}
			if what == "" {
				break
			}
		} else if !errors.Is(err, no) || d.locked {
			t.Fatalf("%s: %v, locked %v", what, err, d.locked)
		}
		tried++
		d.fault = nil
		must(t, k.reopen(t, d.restart(), small, uint64(len(k.all))).Close())
	}
	if tried < 10 {
		t.Fatalf("only %d calls failed", tried)
	}
}

func TestReplayErrorEndsOpen(t *testing.T) {
	_, files, _ := written(t, small, []byte{save}, 1, 1)
	no := errors.New("no")
	d := ramOf(files)
	if _, err := Open(d, small, func(uint32, []byte) error { return no }); !errors.Is(err, no) {
		t.Fatal(err)
	}
	if d.locked {
		t.Fatal("the lock is kept")
	}
}

// TestOrder is the order of calls: each comes before the next for a reason
// that the package comment gives.
func TestOrder(t *testing.T) {
	d := newRAM()
	var k book
	l := k.reopen(t, d, Options{SegmentBytes: MinSegmentBytes, Spares: 1}, 0)
	l.pool.wait()
	// The third begins a segment. The fourth says that the first may go.
	for _, n := range []int{100, 3500, 3500, 100} {
		k.append(l, checkpoint, 1, make([]byte, n))
		k.sync(t, l)
		l.pool.wait()
	}
	must(t, l.Close())
	d.trace = append(d.trace, "- open again")
	must(t, k.reopen(t, d, Options{SegmentBytes: MinSegmentBytes, Spares: 1}, 4).Close())
	got := strings.NewReplacer("00000000", "").Replace(strings.Join(d.trace, "\n")) + "\n"
	const golden = "testdata/order.txt"
	if os.Getenv("UPDATE") != "" {
		must(t, os.MkdirAll("testdata", 0o755))
		must(t, os.WriteFile(golden, []byte(got), 0o644))
	}
	want, err := os.ReadFile(golden)
	must(t, err)
	if got != string(want) {
		t.Fatalf("got\n%s\nwant\n%s", got, want)
	}
}
