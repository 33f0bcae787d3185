package kv

import (
	"errors"
	"fmt"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"althing/process"
)

func txn(then ...Op) *Txn { return &Txn{Then: then} }

var (
	grant7   = &LeaseGrant{ID: 7, TTL: 60}
	revoke7  = &LeaseRevoke{IDs: []int64{7}}
	onlyNewA = []Compare{{Key: []byte("a"), Target: CompareCreate}}
)

func on7(k string) *Put { return &Put{Key: []byte(k), Value: []byte("1"), Lease: 7} }

func span2(k, end string) *Range { return &Range{Key: []byte(k), End: []byte(end)} }

func alarm(k AlarmKind, raise bool) *SetAlarm {
	return &SetAlarm{Alarm: Alarm{Member: 9, Kind: k}, Raise: raise}
}

func failed(rev int64, err error) string { return outcome(rev, nil, err) }

// Each of the rules is one that clients rely on: its name, commands, and what
// the last of them must come to.
var rules = []struct {
	name string
	do   []Command
	want string
}{
	{"the first write makes revision 2",
		[]Command{put("a", "1")},
		`2 put 2`},
	{"an empty value is a value",
		[]Command{put("a", ""), key("a")},
		`2 range 2 1 false ["a"="" 2 2 1 0]`},
	{"version counts puts since creation",
		[]Command{put("a", "1"), put("a", "2"), key("a")},
		`3 range 3 1 false ["a"="2" 2 3 2 0]`},
	{"a delete ends the life of a key",
		[]Command{put("a", "1"), del("a"), put("a", "2"), key("a")},
		`4 range 4 1 false ["a"="2" 4 4 1 0]`},
	{"a delete of nothing takes no revision",
		[]Command{put("a", "1"), del("b")},
		`2 delete 2 0 []`},
	{"a delete of a deleted key takes none",
		[]Command{put("a", "1"), del("a"), del("a")},
		`3 delete 3 0 []`},
	{"a read says the current revision",
		[]Command{put("a", "1"), put("a", "2"), &Range{Key: []byte("a"), Revision: 2}},
		`3 range 3 1 false ["a"="1" 2 2 1 0]`},
	{"a transaction is one revision",
		[]Command{txn(put("a", "1"), put("b", "2")), span2("a", "\x00")},
		`2 range 2 2 false ["a"="1" 2 2 1 0; "b"="2" 2 2 1 0]`},
	{"a transaction that reads takes no revision",
		[]Command{txn(key("a"))},
		`1 txn 1 true (range 1 0 false [])`},
	{"a put is seen by what follows it",
		[]Command{txn(key("a"), put("a", "1"), key("a"))},
		`2 txn 2 true (range 1 0 false [], put 2, range 2 1 false ["a"="1" 2 2 1 0])`},
	{"a delete is seen by what follows it",
		[]Command{put("a", "1"), txn(del("a"), del("a"), key("a"))},
		`3 txn 3 true (delete 3 1 [], delete 3 0 [], range 3 0 false [])`},
	{"compares look at the state before",
		[]Command{txn(put("a", "1"), &Txn{Compare: onlyNewA, Then: []Op{put("b", "2")}})},
		`2 txn 2 true (put 2, txn 2 true (put 2))`},
	{"a key that is not there is 0",
		[]Command{&Txn{Compare: onlyNewA, Else: []Op{put("x", "")}}},
		`1 txn 1 true ()`},
	{"a value that is not there equals nothing",
		[]Command{&Txn{Compare: []Compare{{Key: []byte("a"), Target: CompareValue}}, Else: []Op{put("x", "")}}},
		`2 txn 2 false (put 2)`},
	{"nor is it unequal",
		[]Command{&Txn{Compare: []Compare{
			{Key: []byte("a"), Target: CompareValue, Result: NotEqual, Value: []byte("v")}}}},
		`1 txn 1 false ()`},
	{"a compare holds of all in its range",
		[]Command{put("a", "1"), put("b", "2"), &Txn{Compare: []Compare{
			{Key: []byte("a"), End: []byte("c"), Target: CompareValue, Value: []byte("1")}}}},
		`3 txn 3 false ()`},
	{"two puts of a key",
		[]Command{txn(put("a", "1"), put("a", "2"))},
		failed(1, ErrDuplicateKey)},
	{"a put beside a delete of it",
		[]Command{txn(&DeleteRange{Key: []byte("a"), End: []byte("c")}, put("b", ""))},
		failed(1, ErrDuplicateKey)},
	{"a put within beside a put",
		[]Command{txn(put("a", "1"), &Txn{Else: []Op{put("a", "2")}})},
		failed(1, ErrDuplicateKey)},
	{"branches may repeat each other",
		[]Command{&Txn{Then: []Op{put("a", "1")}, Else: []Op{put("a", "2")}}},
		`2 txn 2 true (put 2)`},
	{"deletes may overlap",
		[]Command{put("b", ""), txn(del("b"), &DeleteRange{Key: []byte("a"), End: []byte("c")})},
		`3 txn 3 true (delete 3 1 [], delete 3 0 [])`},
	{"what fails in a txn changes nothing",
		[]Command{txn(put("a", "1"), &Put{Key: []byte("b"), Lease: 9}), key("a")},
		`1 range 1 0 false []`},
	{"what fails deep in it neither",
		[]Command{txn(put("a", "1"), txn(&Range{Key: []byte("b"), Revision: 9})), key("a")},
		`1 range 1 0 false []`},
	{"a txn fails with its reason",
		[]Command{txn(put("a", "1"), txn(&Range{Key: []byte("b"), Revision: 9}))},
		failed(1, ErrFutureRev)},
	{"a branch not taken is not checked",
		[]Command{&Txn{Then: []Op{put("a", "1")}, Else: []Op{&Put{Key: []byte("b"), Lease: 9}}}},
		`2 txn 2 true (put 2)`},
	{"an empty key",
		[]Command{put("", "1")},
		failed(1, ErrEmptyKey)},
	{"an empty key to compare",
		[]Command{&Txn{Compare: []Compare{{}}}},
		failed(1, ErrEmptyKey)},
	{"an empty key to delete within",
		[]Command{txn(txn(del("")))},
		failed(1, ErrEmptyKey)},
	{"a sort that is none",
		[]Command{&Range{Key: []byte("a"), Target: 5}},
		failed(1, ErrInvalidSort)},
	{"a compare that is none",
		[]Command{&Txn{Compare: []Compare{{Key: []byte("a"), Target: 5}}}},
		failed(1, ErrInvalidCompare)},
	{"keep the value",
		[]Command{put("a", "1"), &Put{Key: []byte("a"), IgnoreValue: true}, key("a")},
		`3 range 3 1 false ["a"="1" 2 3 2 0]`},
	{"keep the value of nothing",
		[]Command{&Put{Key: []byte("a"), IgnoreValue: true}},
		failed(1, ErrKeyNotFound)},
	{"keep the value and give one",
		[]Command{put("a", "1"), &Put{Key: []byte("a"), Value: []byte("2"), IgnoreValue: true}},
		failed(2, ErrValueProvided)},
	{"keep the lease",
		[]Command{grant7, on7("a"), &Put{Key: []byte("a"), Value: []byte("2"), IgnoreLease: true}, key("a")},
		`3 range 3 1 false ["a"="2" 2 3 2 7]`},
	{"keep the lease of nothing",
		[]Command{&Put{Key: []byte("a"), IgnoreLease: true}},
		failed(1, ErrKeyNotFound)},
	{"keep the lease and give one",
		[]Command{grant7, on7("a"), &Put{Key: []byte("a"), Lease: 7, IgnoreLease: true}},
		failed(2, ErrLeaseProvided)},
	{"the version before",
		[]Command{put("a", "1"), &Put{Key: []byte("a"), PrevKV: true}},
		`3 put 3 "a"="1" 2 2 1 0`},
	{"the versions deleted",
		[]Command{put("a", "1"), &DeleteRange{Key: []byte("a"), End: []byte{0}, PrevKV: true}},
		`3 delete 3 1 ["a"="1" 2 2 1 0]`},
	{"a put on an unknown lease",
		[]Command{on7("a")},
		failed(1, ErrLeaseNotFound)},
	{"a lease granted twice",
		[]Command{grant7, grant7},
		failed(1, ErrLeaseExists)},
	{"a lease without an ID",
		[]Command{&LeaseGrant{TTL: 1}},
		failed(1, ErrLeaseNotFound)},
	{"a lease for too long",
		[]Command{&LeaseGrant{ID: 1, TTL: MaxTTL + 1}},
		failed(1, ErrLeaseTTL)},
	{"a lease for no time",
		[]Command{&LeaseGrant{ID: 1}},
		failed(1, ErrLeaseTTL)},
	{"a revoke is one revision",
		[]Command{grant7, on7("a"), on7("b"), revoke7, span2("a", "\x00")},
		`4 range 4 0 false []`},
	{"a revoke of no keys takes none",
		[]Command{grant7, revoke7},
		`1 <nil>`},
	{"a revoke of an unknown lease",
		[]Command{revoke7},
		failed(1, ErrLeaseNotFound)},
	{"a put without a lease detaches",
		[]Command{grant7, on7("a"), put("a", "2"), revoke7, key("a")},
		`3 range 3 1 false ["a"="2" 2 3 2 0]`},
	{"a delete detaches",
		[]Command{grant7, on7("a"), del("a"), put("a", "2"), revoke7, key("a")},
		`4 range 4 1 false ["a"="2" 4 4 1 0]`},
	{"compaction in the future",
		[]Command{&Compact{Revision: 2}},
		failed(1, ErrFutureRev)},
	{"compaction done before",
		[]Command{put("a", "1"), &Compact{Revision: 2}, &Compact{Revision: 2}},
		failed(2, ErrCompacted)},
	{"a read at the compaction",
		[]Command{put("a", "1"), put("a", "2"), &Compact{Revision: 2}, &Range{Key: []byte("a"), Revision: 2}},
		`3 range 3 1 false ["a"="1" 2 2 1 0]`},
	{"a read below the compaction",
		[]Command{put("a", "1"), put("a", "2"), &Compact{Revision: 3}, &Range{Key: []byte("a"), Revision: 2}},
		failed(3, ErrCompacted)},
	{"a read of the future",
		[]Command{&Range{Key: []byte("a"), Revision: 2}},
		failed(1, ErrFutureRev)},
	{"no space: no put",
		[]Command{alarm(NoSpace, true), put("a", "1")},
		failed(1, ErrNoSpace)},
	{"no space: no txn that might put",
		[]Command{alarm(NoSpace, true), txn(&Txn{Else: []Op{put("a", "1")}})},
		failed(1, ErrNoSpace)},
	{"no space: no grant",
		[]Command{alarm(NoSpace, true), grant7},
		failed(1, ErrNoSpace)},
	{"no space: deletes",
		[]Command{put("a", "1"), alarm(NoSpace, true), txn(del("a"))},
		`3 txn 3 true (delete 3 1 [])`},
	{"no space: compaction",
		[]Command{put("a", "1"), alarm(NoSpace, true), &Compact{Revision: 2}},
		`2 <nil>`},
	{"no space: revokes",
		[]Command{grant7, on7("a"), alarm(NoSpace, true), revoke7},
		`3 <nil>`},
	{"space again",
		[]Command{alarm(NoSpace, true), alarm(NoSpace, false), put("a", "1")},
		`2 put 2`},
	{"corrupt: nothing",
		[]Command{put("a", "1"), alarm(Corrupt, true), del("a")},
		failed(2, ErrCorrupt)},
	{"corrupt: no put",
		[]Command{alarm(Corrupt, true), put("a", "1")},
		failed(1, ErrCorrupt)},
	{"an alarm raised twice",
		[]Command{alarm(Corrupt, true), alarm(Corrupt, true)},
		`1 &{Changed:[]}`},
	{"an alarm that is none",
		[]Command{alarm(3, true)},
		failed(1, ErrCommand)},
	{"an update of no member",
		[]Command{&UpdateMember{ID: 4}},
		failed(1, ErrMemberNotFound)},
}

func TestRules(t *testing.T) {
	for _, c := range rules {
		t.Run(c.name, func(t *testing.T) {
			for _, together := range []bool{true, false} {
				r := newRig(t)
				var last *Result
				if together {
					last = r.do(c.do...)
				} else {
					for _, cmd := range c.do {
						last = r.do(cmd)
					}
				}
				if got := outcome(last.Revision, last.Reply, last.Err); got != c.want {
					t.Errorf("in one batch: %v\n got %s\nwant %s", together, got, c.want)
				}
			}
		})
	}
}

func TestTooManyOps(t *testing.T) {
	var four []Op
	for i := range 4 {
		four = append(four, put(fmt.Sprint(i), ""))
	}
	for name, c := range map[string]struct {
		txn  *Txn
		most int
		want error
	}{
		"as many as allowed":         {&Txn{Then: four}, 4, nil},
		"one too many":               {&Txn{Else: four}, 3, ErrTooManyOps},
		"compares count too":         {&Txn{Compare: make([]Compare, 4)}, 3, ErrTooManyOps},
		"the longest list counts":    {&Txn{Then: four[:2], Else: four}, 4, nil},
		"those within have the rest": {&Txn{Then: []Op{&Txn{Then: four}}}, 4, ErrTooManyOps},
		"and may use it":             {&Txn{Then: []Op{&Txn{Then: four}}}, 5, nil},
	} {
		if err := Validate(c.txn, c.most); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestSessions: a request of a session takes effect once, however often it is
// in the log, and so does one that failed.
func TestSessions(t *testing.T) {
	fs := vfs.NewCrashableMem()
	r := openRig(t, fs)
	next := func(q process.Request) *Result {
		t.Helper()
		at := r.State().Index + 1
		return r.feed([]process.Entry{{Index: at, Epoch: 2, Req: q}})[0]
	}
	r.feed([]process.Entry{{Index: 1, Req: process.Request{Kind: process.Session}}})
	one := process.Request{Client: 1, Seq: 1, Cmd: Encode(put("a", "1"))}
	three := process.Request{Client: 1, Seq: 3, Cmd: Encode(put("b", "1"))}
	bad := process.Request{Client: 1, Seq: 4, Cmd: Encode(&Put{Key: []byte("c"), Lease: 5})}
	if got := next(three); got.Err != nil || got.Revision != 2 {
		t.Fatalf("%+v", got)
	}
	if got := next(bad); !errors.Is(got.Err, ErrLeaseNotFound) {
		t.Fatalf("%+v", got)
	}
	es := []process.Entry{{Index: 4, Req: one}, {Index: 5, Req: one}} // in one batch
	if rs := r.feed(es); rs[0].Err != nil || !errors.Is(rs[1].Err, ErrExpired) {
		t.Fatalf("%+v %+v", rs[0], rs[1])
	}
	again := func() {
		t.Helper()
		for q, want := range map[*process.Request]error{&one: ErrExpired, &three: ErrDuplicate, &bad: ErrDuplicate} {
			if got := next(*q); !errors.Is(got.Err, want) || got.Revision != 3 {
				t.Fatalf("request %d again: %+v, want %v", q.Seq, got, want)
			}
		}
		stranger := process.Request{Client: 99, Seq: 1, Cmd: Encode(put("x", ""))}
		if got := next(stranger); !errors.Is(got.Err, ErrExpired) {
			t.Fatalf("a session never opened: %+v", got)
		}
	}
	again()
	// A session that was opened and not yet used must survive too.
	r.feed([]process.Entry{{Index: r.State().Index + 1, Req: process.Request{Kind: process.Session}}})
	if _, err := r.Sync(); err != nil {
		t.Fatal(err)
	}
	want := r.canonical()
	clone := fs.CrashClone(vfs.CrashCloneCfg{})
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	r = openRig(t, clone)
	if got := r.canonical(); got != want {
		t.Fatalf("after the crash\n got %s\nwant %s", got, want)
	}
	again()
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestMembers: the group of a Members entry holds, whatever becomes of the
// records that came with it.
func TestMembers(t *testing.T) {
	r := newRig(t)
	r.feed([]process.Entry{{Index: 1, Req: process.Request{Kind: process.Session}}})
	group := process.Group{Voters: []process.ID{1, 2}, Learners: []process.ID{3}}
	two := Member{Replica: 2, ID: 20, Name: "two", PeerURLs: []string{"http://p"}}
	send := func(seq uint64, cmd []byte) *Result {
		t.Helper()
		q := process.Request{Kind: process.Members, Cmd: cmd}
		if seq > 0 {
			q.Client, q.Seq = 1, seq
		}
		return r.feed([]process.Entry{{Index: r.State().Index + 1, Req: q}})[0]
	}
	if got := send(1, EncodeMembers(group, MemberChange{Upsert: &two})); got.Err != nil {
		t.Fatal(got.Err)
	}
	if got := r.State(); !got.Group.Equal(&group) || len(r.Members()) != 1 || r.Members()[0].Name != "two" {
		t.Fatalf("%+v %+v", got, r.Members())
	}
	r.ok(&UpdateMember{ID: 20, Name: "zwei", ClientURLs: []string{"http://c"}})
	if m := r.Members()[0]; m.Name != "zwei" || m.PeerURLs[0] != "http://p" || m.ClientURLs[0] != "http://c" {
		t.Fatalf("%+v", m)
	}
	// The second half of a joint change repeats the request: the group is new.
	after := process.Group{Voters: []process.ID{1}}
	if got := send(1, EncodeMembers(after, MemberChange{Upsert: &two})); got.Err == nil {
		t.Fatal("a duplicate took effect")
	}
	if got := r.State(); !got.Group.Equal(&after) || r.Members()[0].Name != "zwei" {
		t.Fatalf("%+v %+v", got, r.Members())
	}
	if got := send(0, append(process.AppendGroup(nil, group), 9, 9)); !errors.Is(got.Err, ErrCommand) {
		t.Fatalf("%+v", got)
	}
	if got := r.State(); !got.Group.Equal(&group) {
		t.Fatalf("%+v", got)
	}
	if got := send(0, EncodeMembers(after, MemberChange{Remove: 20})); got.Err != nil || len(r.Members()) != 0 {
		t.Fatalf("%+v %+v", got, r.Members())
	}
	noop := process.Entry{Index: r.State().Index + 1, Epoch: 8, Req: process.Request{Kind: process.NoOp}}
	if got := r.feed([]process.Entry{noop})[0]; got.Err != nil || r.State().Epoch != 8 {
		t.Fatalf("%+v %+v", got, r.State())
	}
}

// TestAssertions: a host that breaks the contract is stopped before it harms.
func TestAssertions(t *testing.T) {
	for name, e := range map[string]process.Entry{
		"an entry left out":        {Index: 2},
		"an entry applied before":  {Index: 0},
		"a read in the log":        {Index: 1, Req: process.Request{Kind: process.Read}},
		"members without a group":  {Index: 1, Req: process.Request{Kind: process.Members}},
		"a transfer in the log":    {Index: 1, Req: process.Request{Kind: process.Transfer}},
		"a group without a member": {Index: 1, Req: process.Request{Kind: process.Members, Cmd: []byte{0, 0, 0}}},
	} {
		func() {
			r := newRig(t)
			defer func() {
				if recover() == nil {
					t.Errorf("%s was applied", name)
				}
			}()
			r.Apply([]process.Entry{e}, func(int, any) {})
		}()
	}
}

func TestRead(t *testing.T) {
	r := newRig(t)
	r.ok(put("a", "1"))
	for _, c := range []struct {
		cmd  []byte
		want string
	}{
		{Encode(key("a")), `2 range 2 1 false ["a"="1" 2 2 1 0]`},
		{Encode(txn(key("a"), txn())), `2 txn 2 true (range 2 1 false ["a"="1" 2 2 1 0], txn 2 true ())`},
		{Encode(&Range{Key: []byte("a"), Revision: 3}), "0 error " + ErrFutureRev.Error()},
	} {
		got := r.Read(c.cmd).(*Result)
		if shown := outcome(got.Revision, got.Reply, got.Err); shown != c.want || got.Index != 1 {
			t.Errorf("got %s\nwant %s", shown, c.want)
		}
	}
	for _, c := range []Command{put("a", ""), txn(txn(put("a", ""))), &Txn{Else: []Op{del("a")}}, &Compact{}} {
		if got := r.Read(Encode(c)).(*Result); !errors.Is(got.Err, ErrCommand) {
			t.Errorf("%T: %+v", c, got)
		}
	}
	if got := r.Read(nil).(*Result); !errors.Is(got.Err, ErrCommand) {
		t.Errorf("nothing: %+v", got)
	}
}

func TestOpen(t *testing.T) {
	fs := vfs.NewMem()
	r := openRig(t, fs)
	if r.rev() != 1 || r.State().Index != 0 || len(r.State().Group.Voters) != 0 {
		t.Fatalf("a new store is at %d, %+v", r.rev(), r.State())
	}
	// With what no entry says, founders begin where no log can replay it.
	founded, err := Open(Options{Dir: "founded", FS: fs, Group: process.Group{Voters: []process.ID{1, 2, 3}}})
	if err != nil {
		t.Fatal(err)
	}
	if s := founded.State(); s.Index != 1 || s.Epoch != 1 || len(s.Group.Voters) != 3 || founded.Close() != nil {
		t.Fatalf("a founder begins at %+v", s)
	}
	if _, err := Open(Options{Dir: "store", FS: fs}); err == nil {
		t.Fatal("a store was opened twice")
	}
	r.ok(put("a", "1"))
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); !errors.Is(err, ErrClosed) {
		t.Fatal(err)
	}
	for name, f := range map[string]func() error{
		"range": func() error { _, err := r.Range(all()); return err },
		"sync":  func() error { _, err := r.Sync(); return err },
		"image": func() error { _, err := r.Image(); return err },
		"stage": func() error { _, err := r.Stage(nil); return err },
		"watch": func() error { _, _, err := r.Events(2, 3, 1); return err },
	} {
		if err := f(); !errors.Is(err, ErrClosed) {
			t.Errorf("%s of a closed store: %v", name, err)
		}
	}
	if err := fs.Rename("store/marker.store.000001.1-1", "store/marker.store.000001.2-1"); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(Options{Dir: "store", FS: fs}); !errors.Is(err, ErrFormat) {
		t.Errorf("a store of a later version: %v", err)
	}
	for dir, want := range map[string]error{"foreign": ErrForeign, "odd": ErrForeign} {
		name := map[string]string{"foreign": "photos", "odd": "marker.store.000001.x"}[dir]
		if err := fs.MkdirAll(dir+"/"+name, 0o755); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(Options{Dir: dir, FS: fs}); !errors.Is(err, want) {
			t.Errorf("%s: %v", dir, err)
		}
	}
}
