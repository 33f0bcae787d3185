package kv

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"althing/kv/command"
	"althing/process"
)

func (r *rig) image() []byte {
	r.t.Helper()
	i, err := r.Image()
	if err != nil {
		r.t.Fatal(err)
	}
	var b bytes.Buffer
	n, err := i.WriteTo(&b)
	if err != nil || n != int64(b.Len()) {
		r.t.Fatalf("wrote %d of %d bytes: %v", n, b.Len(), err)
	}
	if got := r.State(); i.State().Index != got.Index {
		r.t.Fatalf("image of %+v, store at %+v", i.State(), got)
	}
	if err := i.Close(); err != nil {
		r.t.Fatal(err)
	}
	return b.Bytes()
}

// rich returns a store with something in every table.
func rich(t *testing.T, seed uint64) (*rig, *model, *rand.Rand) {
	t.Helper()
	cs, want, m := draw(seed)
	rnd := rand.New(rand.NewPCG(seed, 4))
	r := newRig(t)
	r.apply(cs, want, 20, rnd)
	at := r.State().Index
	for i, q := range []process.Request{
		{Kind: process.Session},
		{Client: at + 1, Seq: 3, Cmd: Encode(&LeasePromote{})},
		{Kind: process.Members, Cmd: EncodeMembers(process.Group{Voters: []process.ID{1, 2}},
			MemberChange{Upsert: &Member{Replica: 2, ID: 77, Name: "two"}})},
		{Cmd: Encode(&LeaseGrant{ID: 1 << 40, TTL: 5})},
		{Cmd: Encode(&SetAlarm{Alarm: Alarm{Member: 77, Kind: Corrupt}, Raise: true})},
	} {
		r.feed([]process.Entry{{Index: at + uint64(i) + 1, Epoch: 4, Req: q}})
	}
	m.leases[1<<40], m.granted[1<<40] = 5, at+4
	if m.full {
		delete(m.leases, 1<<40)
	}
	return r, m, rnd
}

func TestImages(t *testing.T) {
	for seed := range uint64(8) {
		from, m, rnd := rich(t, seed)
		if seed%2 == 0 {
			from.sweep()
		}
		to := newRig(t)
		to.ok(put("old", "state"), &LeaseGrant{ID: 99, TTL: 9})
		held, err := to.Scan(all()) // a reader of the old state goes on
		if err != nil {
			t.Fatal(err)
		}
		_, later := to.Changed()
		state, err := to.Stage(bytes.NewReader(from.image()))
		if want := from.State(); err != nil || state.Index != want.Index || state.Epoch != 4 ||
			!state.Group.Equal(&want.Group) {
			t.Fatalf("staged %+v, %v; want %+v", state, err, want)
		}
		if got := to.get(all()); got.Count != 1 {
			t.Fatal("a staged image must not be seen")
		}
		if err := to.Load(); err != nil {
			t.Fatal(err)
		}
		<-later
		if kv, ok := held.Next(); !ok || string(kv.Key) != "old" {
			t.Fatal("a scan must go on with what it began with")
		}
		if err := held.Close(); err != nil {
			t.Fatal(err)
		}
		if got, want := to.canonical(), from.canonical(); got != want {
			t.Fatalf("\n got %s\nwant %s", got, want)
		}
		to.agrees(m, rnd)
		to.tells(m, rnd)
		to.sweep()
		to.leavesNothing(m)
		// Both go on alike.
		clear := &SetAlarm{Alarm: Alarm{Member: 77, Kind: Corrupt}}
		next := []Command{clear, put("a", "more"), &LeaseRevoke{IDs: []int64{1}}}
		from.feed(from.entries(next...))
		to.feed(to.entries(next...))
		if got, want := to.canonical(), from.canonical(); got != want {
			t.Fatalf("afterwards\n got %s\nwant %s", got, want)
		}
	}
}

// An image is of one moment, whatever is applied while it is written.
func TestImageIsOfOneMoment(t *testing.T) {
	r, to := newRig(t), newRig(t)
	r.ok(put("a", "1"))
	want := r.canonical()
	i, err := r.Image()
	if err != nil {
		t.Fatal(err)
	}
	r.ok(put("a", "2"), put("b", "3"), &Compact{Revision: 4})
	r.sweep()
	var b bytes.Buffer
	if _, err := i.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	if err := i.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := to.Stage(&b); err != nil {
		t.Fatal(err)
	}
	if err := to.Load(); err != nil {
		t.Fatal(err)
	}
	if got := to.canonical(); got != want {
		t.Fatalf("\n got %s\nwant %s", got, want)
	}
}

// TestLoadCrashes loses power after every write of Stage and Load: what is
// found is the old state or the new one, and the new one once Load returned.
func TestLoadCrashes(t *testing.T) {
	from, _, _ := rich(t, 1)
	img, new := from.image(), from.canonical()
	fs := vfs.NewCrashableMem()
	r := openRig(t, fs)
	r.ok(put("old", "state"))
	if _, err := r.Sync(); err != nil {
		t.Fatal(err)
	}
	old := r.canonical()
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}

	var mu sync.Mutex // Pebble writes from several goroutines
	var clones []*vfs.MemFS
	loaded := -1 // clones from here on must hold the new state
	watched := errorfs.Wrap(fs, errorfs.InjectorFunc(func(op errorfs.Op) error {
		mu.Lock()
		defer mu.Unlock()
		if op.Kind.ReadOrWrite() == errorfs.OpIsWrite && len(clones) < 400 {
			clones = append(clones, powerLoss(fs, rand.New(rand.NewPCG(7, uint64(len(clones))))))
		}
		return nil
	}))
	r = openRig(t, watched)
	if _, err := r.Stage(bytes.NewReader(img)); err != nil {
		t.Fatal(err)
	}
	if err := r.Load(); err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	loaded = len(clones)
	clones = append(clones, fs.CrashClone(vfs.CrashCloneCfg{}))
	mu.Unlock()
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	found := map[string]int{}
	for i, clone := range clones {
		r := openRig(t, clone)
		got := r.canonical()
		found[got]++
		if got != old && got != new || i >= loaded && got != new {
			t.Fatalf("after write %d of %d:\n%s", i, loaded, got)
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
		names, err := clone.List("store")
		if err != nil || len(names) != 2 {
			t.Fatalf("after write %d the directory holds %q, %v", i, names, err)
		}
	}
	if found[old] < 3 || found[new] < 1 {
		t.Fatalf("old found %d times, new %d", found[old], found[new])
	}
}

type records = [][2][]byte

func TestHostileImages(t *testing.T) {
	from, _, _ := rich(t, 1)
	img := from.image()
	to := newRig(t)
	to.ok(put("old", "state"))
	want := to.canonical()
	refuse := func(name string, b []byte) {
		t.Helper()
		if s, err := to.Stage(bytes.NewReader(b)); !errors.Is(err, ErrImage) && !errors.Is(err, ErrFormat) {
			t.Errorf("%s: %+v, %v", name, s, err)
		}
		if err := to.Load(); err == nil {
			t.Errorf("%s was loaded", name)
		}
	}
	for n := 0; n < len(img); n += 1 + len(img)/50 {
		refuse(fmt.Sprintf("cut to %d", n), img[:n])
		broken := bytes.Clone(img)
		broken[n] ^= 4
		refuse(fmt.Sprintf("bit of %d", n), broken)
	}
	refuse("cut before the end", img[:len(img)-8])
	huge := append([]byte(imageMagic), formatVersion, 0x3f, 255, 255, 255, 0, 0, 0, 0)
	refuse("a gigabyte promised", huge)
	huge[len(imageMagic)+1] = 255
	refuse("four gigabytes promised", huge)

	good := func() records {
		return records{
			{attachKey(5, []byte("k")), nil},
			{appendDataKey(nil, []byte("k"), 3, false),
				appendData(nil, &KeyValue{Create: 3, Mod: 3, Version: 1, Lease: 5})},
			{eventKey(3), appendLogged(nil, &logged{key: []byte("k")})},
			{id64(tableLease, 5), appendLease(nil, &Lease{ID: 5, TTL: 9, Granted: 1})},
			{keyMeta, (&meta{rev: 3, compacted: 1}).append(nil)},
			{keySwept, swept{rev: 1}.append(nil)},
			{id64(tableMember, 7), command.AppendMember(nil, &Member{ID: 7})},
			{id64(tableSession, 2), []byte{2, 1, 0, 0}},
		}
	}
	if _, err := to.Stage(bytes.NewReader(forge(good()))); err != nil {
		t.Fatalf("a good one: %v", err)
	}
	for name, change := range map[string]func(rs records) records{
		"no meta":       func(rs records) records { return append(rs[:4:4], rs[5:]...) },
		"nothing":       func(rs records) records { return nil },
		"out of order":  func(rs records) records { rs[1], rs[2] = rs[2], rs[1]; return rs },
		"twice":         func(rs records) records { return append(rs, rs[7]) },
		"unknown table": func(rs records) records { return append(rs, [2][]byte{{'z'}, nil}) },
		"empty key":     func(rs records) records { return append(records{{}}, rs...) },
		"newer than meta": func(rs records) records {
			rs[4][1] = (&meta{rev: 2}).append(nil)
			rs[5][1] = swept{}.append(nil)
			return rs
		},
		"an event newer than meta": func(rs records) records { rs[2][0][8] = 4; return rs },
		"swept too far":            func(rs records) records { rs[5][1] = swept{rev: 2}.append(nil); return rs },
		"attached to none":         func(rs records) records { return append(rs[:3:3], rs[4:]...) },
		"attached, no key":         func(rs records) records { return append(rs[:1:1], rs[3:]...) },
		"attached elsewhere":       func(rs records) records { rs[1][1][2] = 12; return rs },
		"other format":             func(rs records) records { rs[4][1][0] = 9; return rs },
		"member misfiled":          func(rs records) records { rs[6][0][8] = 8; return rs },
		"session misfiled":         func(rs records) records { rs[7][0][8] = 8; return rs },
		"tombstone of 2":           func(rs records) records { rs[1][0][len(rs[1][0])-1] = 2; return rs },
		"version zero":             func(rs records) records { rs[1][1][1] = 0; return rs },
	} {
		refuse(name, forge(change(good())))
	}
	if got := to.canonical(); got != want {
		t.Fatalf("the store has changed:\n got %s\nwant %s", got, want)
	}
	names, err := to.opts.FS.List("store")
	if err != nil || len(names) != 2 {
		t.Fatalf("the directory holds %q, %v", names, err)
	}
}

// forge makes an image of any records, with good checksums.
func forge(rs records) []byte {
	var b bytes.Buffer
	w := &blockWriter{to: &b}
	w.write(append([]byte(imageMagic), formatVersion))
	for _, r := range rs {
		w.block = binary.AppendUvarint(w.block, uint64(len(r[0])))
		w.block = binary.AppendUvarint(w.block, uint64(len(r[1])))
		w.block = append(append(w.block, r[0]...), r[1]...)
	}
	if len(rs) > 0 {
		w.flush()
	}
	w.flush()
	return b.Bytes()
}

func FuzzStage(f *testing.F) {
	r := newRig(f)
	r.ok(put("a", "1"), &LeaseGrant{ID: 3, TTL: 5}, &Put{Key: []byte("b"), Lease: 3}, del("a"), &Compact{Revision: 3})
	img := r.image()
	f.Add(img[len(imageMagic)+9:])
	to := newRig(f)
	f.Fuzz(func(t *testing.T, payload []byte) {
		var b bytes.Buffer
		w := &blockWriter{to: &b, block: bytes.Clone(payload)}
		w.write(append([]byte(imageMagic), formatVersion))
		w.flush()
		if len(payload) > 0 {
			w.flush()
		}
		if _, err := to.Stage(&b); err != nil {
			return
		}
		if err := to.Load(); err != nil {
			t.Fatal(err)
		}
		// What was let in may be told wrong, but never brings the store down.
		to.feed(to.entries(put("a", "2"), &DeleteRange{Key: []byte{0}, End: []byte{0}}, &LeaseRevoke{IDs: []int64{3}}))
		_, _ = to.Range(all())
		_, _, _ = to.Events(2, 100, 1000)
	})
}

// A failing disk is an error of Stage, and the store goes on.
func TestStageFailures(t *testing.T) {
	r, _, _ := rich(t, 2)
	img := r.image()
	for n := 0; n < len(img); n += 1 + len(img)/20 {
		broken := io.MultiReader(bytes.NewReader(img[:n]), failing{})
		if _, err := r.Stage(broken); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatalf("at %d: %v", n, err)
		}
	}
	var full fullWriter
	i, err := r.Image()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := i.WriteTo(&full); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatal(err)
	}
	if err := i.Close(); err != nil {
		t.Fatal(err)
	}
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, os.ErrDeadlineExceeded }

type fullWriter struct{}

func (fullWriter) Write([]byte) (int, error) { return 0, os.ErrDeadlineExceeded }

// reload puts the store's own image in its place.
func (r *rig) reload(i process.Image) error {
	var b bytes.Buffer
	_, err := i.WriteTo(&b)
	if err = errors.Join(err, i.Close()); err != nil {
		return err
	}
	if _, err := r.Stage(&b); err != nil {
		return err
	}
	return r.Load()
}
