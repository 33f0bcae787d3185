package wal

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"maps"
	"slices"
	"strings"
	"testing"
)

// TestFlip flips every bit of a log of several batches in two segments. The
// result is all, or all but the last batch, or a refusal that says where.
func TestFlip(t *testing.T) {
	k, files, _ := written(t, Options{SegmentBytes: MinSegmentBytes}, []byte{save, save, checkpoint},
		300, 700, 1000, 900, 700, 1500, 60)
	all := uint64(len(k.all))
	outcomes := map[string]int{}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if !strings.HasSuffix(name, logExt) {
			continue
		}
		matters := covered(files[name])
		for i := range files[name] {
			for bit := range 8 {
				if testing.Short() && bit != i%8 {
					continue
				}
				files[name][i] ^= 1 << bit
				outcome := flipped(t, k, files, all)
				if matters[i] == (outcome == "all") {
					t.Fatalf("%s, byte %d, bit %d: %s", name, i, bit, outcome)
				}
				outcomes[outcome]++
				files[name][i] ^= 1 << bit
			}
		}
	}
	for _, must := range []string{"all", "all but the last", "refused"} {
		if outcomes[must] == 0 {
			t.Errorf("no flip led to %q: %v", must, outcomes)
		}
	}
}

// covered marks the bytes of headers and records: all that is not fill.
func covered(b []byte) []bool {
	m := make([]bool, len(b))
	for off := 0; off < len(b); off += sector {
		if h, what := parseHeader(b[off:], 0); what == ours {
			for i := range batchHeader + int(h.length) {
				m[off+i] = true
			}
		}
	}
	return m
}

func flipped(t *testing.T, k *book, files map[string][]byte, all uint64) string {
	t.Helper()
	d := ramOf(files)
	l, got, err := open(d, small)
	if err != nil {
		var c *CorruptError
		if !errors.As(err, &c) && !errors.Is(err, ErrVersion) ||
			!strings.Contains(err.Error(), logExt+", offset ") {
			t.Fatalf("refused without saying where: %v", err)
		}
		if !maps.EqualFunc(d.content(), files, bytes.Equal) {
			t.Fatal("a refusal changed the disk")
		}
		return "refused"
	}
	n := l.Stats().Durable
	l.Close()
	if n < all-1 || !same(got, k.replay(n)) {
		t.Fatalf("%d of %d records, %v", n, all, got)
	}
	if n == all {
		return "all"
	}
	return "all but the last"
}

// The last batch is torn, and the one before is damaged: that is no torn tail.
func TestDamageBeforeTornTail(t *testing.T) {
	_, files, ends := written(t, small, []byte{save}, 100, 100, 1000)
	b := files[fileName(1, logExt)]
	clear(b[ends[2]-sector : ends[2]]) // torn: its header is whole, its end is not
	b[ends[0]+batchHeader+recordHeader] ^= 1
	_, _, err := open(ramOf(files), small)
	var c *CorruptError
	if !errors.As(err, &c) || c.Seq != 2 || c.Offset != ends[0] {
		t.Fatalf("want a refusal at batch 2, got %v", err)
	}
}

// TestRefusals damages a log of several segments in the ways operators do.
func TestRefusals(t *testing.T) {
	sizes := slices.Repeat([]int{1500}, 9)
	k, files, _ := written(t, small, []byte{save}, sizes...)
	_, other, _ := written(t, small, []byte{save}, sizes...)
	var names []string
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if strings.HasSuffix(name, logExt) {
			names = append(names, name)
		}
	}
	if len(names) < 4 {
		t.Fatalf("only %v", names)
	}
	later := slices.Clone(files[names[0]])
	binary.LittleEndian.PutUint32(later[4:], version+1)
	for _, c := range []struct {
		what, says string
		change     func(m map[string][]byte)
	}{
		{"middle missing", names[0], func(m map[string][]byte) { delete(m, names[1]) }},
		{"first missing", "before this one are missing", func(m map[string][]byte) {
			delete(m, names[0])
		}},
		{"all but an empty last missing", "before this one are missing", func(m map[string][]byte) {
			clear(m)
			m[fileName(10, logExt)] = make([]byte, MinSegmentBytes)
		}},
		{"first zeroed", names[0], func(m map[string][]byte) {
			m[names[0]] = make([]byte, MinSegmentBytes)
		}},
		{"middle of another log", "another log", func(m map[string][]byte) {
			m[names[1]] = other[names[1]]
		}},
		{"last of another log", "another log", func(m map[string][]byte) {
			m[names[len(names)-1]] = other[names[len(names)-1]]
		}},
		{"newer version", "newer version", func(m map[string][]byte) { m[names[0]] = later }},
		{"swapped", "offset 0", func(m map[string][]byte) {
			m[names[1]], m[names[2]] = m[names[2]], m[names[1]]
		}},
		{"middle cut short", names[1], func(m map[string][]byte) { m[names[1]] = m[names[1]][:100] }},
		{"LSNs jump", "the one before is", func(m map[string][]byte) { relabel(m[names[1]], 0, 7) }},
	} {
		t.Run(c.what, func(t *testing.T) {
			m := map[string][]byte{}
			for name, b := range files {
				m[name] = slices.Clone(b)
			}
			c.change(m)
			d := ramOf(m)
			_, _, err := open(d, small)
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Fatalf("want an error that says %q, got %v", c.says, err)
			}
			if !maps.EqualFunc(d.content(), m, bytes.Equal) {
				t.Fatal("the disk has changed")
			}
			if d.locked {
				t.Fatal("the lock is kept")
			}
		})
	}
	must(t, k.reopen(t, ramOf(files), small, uint64(len(k.all))).Close())
}

// relabel raises the LSN of the batch at off, soundly.
func relabel(b []byte, off, by int) {
	h, _ := parseHeader(b[off:], 0)
	h.lsn += uint64(by)
	h.put(b[off:])
}

// A sound CRC around records that make no sense is refused, not believed.
func TestMalformedRecords(t *testing.T) {
	for _, damage := range []func(h *header, body []byte){
		func(h *header, _ []byte) { h.count++ },
		func(h *header, _ []byte) { h.count-- },
		func(_ *header, body []byte) { body[0]++ },
		func(_ *header, body []byte) { body[8] = 9 },
	} {
		_, files, ends := written(t, small, []byte{save}, 100, 100)
		b := files[fileName(1, logExt)][ends[0]:]
		h, _ := parseHeader(b, 0)
		body := b[batchHeader : batchHeader+h.length]
		damage(&h, body)
		h.sum = crc32.Checksum(body, castagnoli)
		h.put(b)
		var c *CorruptError
		if _, _, err := open(ramOf(files), small); !errors.As(err, &c) || c.Seq != 2 {
			t.Fatalf("want a refusal at batch 2, got %v", err)
		}
	}
}

func TestLocked(t *testing.T) {
	fs := Dir(t.TempDir())
	var k book
	l := k.reopen(t, fs, small, 0)
	if _, _, err := open(fs, small); !errors.Is(err, ErrLocked) {
		t.Fatalf("want ErrLocked, got %v", err)
	}
	must(t, l.Close())
	must(t, k.reopen(t, fs, small, 0).Close())
}

func FuzzFrame(f *testing.F) {
	_, files, ends := written(f, small, []byte{save, checkpoint}, 5, 400, 0)
	b := files[fileName(1, logExt)]
	f.Add(b[:ends[0]])
	f.Add(b[:ends[2]])
	f.Add(b[ends[0]:ends[1]])
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		// The bytes as a header and records.
		if h, what := parseHeader(b, 0); what == ours {
			again := make([]byte, batchHeader)
			h.put(again)
			if !bytes.Equal(again, b[:batchHeader]) {
				t.Fatal("a header has two forms")
			}
			eachRecord(&h, b[batchHeader:], func(uint64, record) error { return nil })
		}
		for rest := b; len(rest) > 0; {
			r, after, err := cutRecord(rest)
			if err != nil {
				break
			}
			if len(r.body)+recordHeader+len(after) != len(rest) {
				t.Fatal("bytes were lost")
			}
			rest = after
		}
		// The bytes as a whole log; and under a header that is sound.
		opens(ramOf(map[string][]byte{fileName(1, logExt): b}))
		if len(b) > 0 {
			h := header{nonce: 1, seq: 1, lsn: 1, floor: 1, length: uint32(len(b)), count: 1,
				sum: crc32.Checksum(b, castagnoli)}
			file := make([]byte, frameSize(int64(len(b))))
			h.put(file)
			copy(file[batchHeader:], b)
			opens(ramOf(map[string][]byte{fileName(1, logExt): file}))
		}
	})
}

func opens(d *ram) {
	if l, _, err := open(d, small); err == nil {
		l.Close()
	}
}

// What a reused segment holds behind the end may look like anything: headers of
// other logs and of other versions, if a client stored such bytes.
func TestStrangeLeftovers(t *testing.T) {
	k, files, ends := written(t, small, []byte{save}, 100)
	_, other, _ := written(t, small, []byte{save}, 100)
	name := fileName(1, logExt)
	copy(files[name][ends[0]:], other[name][:sector])
	must(t, k.reopen(t, ramOf(files), small, 1).Close())
	binary.LittleEndian.PutUint32(files[name][ends[0]+4:], version+1)
	must(t, k.reopen(t, ramOf(files), small, 1).Close())
}
