package etcd_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/mvccpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/protobuf/proto"

	"althing/etcd"
	"althing/process"
)

// A conversation is one watch stream, spoken by hand.
type conversation struct {
	t      *testing.T
	stream pb.Watch_WatchClient
}

func converse(t *testing.T, client *clientv3.Client) *conversation {
	t.Helper()
	s, err := pb.NewWatchClient(client.ActiveConnection()).Watch(testContext(t))
	if err != nil {
		t.Fatal(err)
	}
	return &conversation{t, s}
}

func (c *conversation) create(r *pb.WatchCreateRequest) {
	c.send(&pb.WatchRequest{RequestUnion: &pb.WatchRequest_CreateRequest{CreateRequest: r}})
}

func (c *conversation) cancel(id int64) {
	c.send(&pb.WatchRequest{RequestUnion: &pb.WatchRequest_CancelRequest{
		CancelRequest: &pb.WatchCancelRequest{WatchId: id},
	}})
}

func (c *conversation) askProgress() {
	c.send(&pb.WatchRequest{RequestUnion: &pb.WatchRequest_ProgressRequest{
		ProgressRequest: &pb.WatchProgressRequest{},
	}})
}

func (c *conversation) send(r *pb.WatchRequest) {
	c.t.Helper()
	if err := c.stream.Send(r); err != nil {
		c.t.Fatal(err)
	}
}

// expect compares the next response, as text.
func (c *conversation) expect(want string) *pb.WatchResponse {
	c.t.Helper()
	r, err := c.stream.Recv()
	if err != nil {
		c.t.Fatalf("expecting %s: %v", want, err)
	}
	if got := told(r); got != want {
		c.t.Fatalf("got  %s\nwant %s", got, want)
	}
	return r
}

// merge compares the next responses, put together: where they are cut depends
// on how far the server was.
func (c *conversation) merge(want string) {
	c.t.Helper()
	whole := &pb.WatchResponse{}
	for strings.Count(told(whole), "@") < strings.Count(want, "@") {
		r, err := c.stream.Recv()
		if err != nil {
			c.t.Fatalf("expecting %s: %v", want, err)
		}
		proto.Merge(whole, r)
	}
	if got := told(whole); got != want {
		c.t.Fatalf("got  %s\nwant %s", got, want)
	}
}

// told is a response in a line: watch, header revision, flags, events.
func told(r *pb.WatchResponse) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d@%d", r.WatchId, r.GetHeader().GetRevision())
	for _, f := range []struct {
		on   bool
		name string
	}{{r.Created, "created"}, {r.Canceled, "canceled"}, {r.Fragment, "fragment"}} {
		if f.on {
			b.WriteString(" " + f.name)
		}
	}
	if r.CompactRevision != 0 {
		fmt.Fprintf(&b, " compacted:%d", r.CompactRevision)
	}
	if r.CancelReason != "" {
		fmt.Fprintf(&b, " (%s)", r.CancelReason)
	}
	for _, e := range r.Events {
		value := string(e.Kv.Value)
		if len(value) > 8 {
			value = fmt.Sprintf("%d bytes", len(value))
		}
		fmt.Fprintf(&b, " %s:%s=%s@%d", e.Type, e.Kv.Key, value, e.Kv.ModRevision)
		if e.PrevKv != nil {
			fmt.Fprintf(&b, "<%s@%d", e.PrevKv.Value, e.PrevKv.ModRevision)
		}
	}
	return b.String()
}

func TestWatchIDs(t *testing.T) {
	c := newCluster(t, 1, etcd.Limits{})
	client := c.dial()
	w := converse(t, client)
	k := []byte("k")
	w.create(&pb.WatchCreateRequest{Key: k, WatchId: 1})
	w.expect("1@1 created")
	w.create(&pb.WatchCreateRequest{Key: k})
	w.expect("0@1 created")
	w.create(&pb.WatchCreateRequest{Key: k})
	w.expect("2@1 created") // 1 is taken
	w.create(&pb.WatchCreateRequest{Key: k, WatchId: 2})
	w.expect("-1@1 created canceled (mvcc: duplicate watch ID provided on the WatchStream)")
	w.create(&pb.WatchCreateRequest{Key: k, StartRevision: -1})
	w.expect("-1@1 created canceled (mvcc: required revision has been compacted)")
	w.create(&pb.WatchCreateRequest{Key: []byte("b"), RangeEnd: []byte("a")})
	w.expect("-1@1 created canceled (mvcc: watcher range is empty)")
	w.cancel(77) // not a word
	w.cancel(1)
	w.expect("1@1 canceled")
	w.cancel(1)
	put(t, client, "k", "v")
	seen := map[string]bool{}
	for range 2 {
		r, err := w.stream.Recv()
		if err != nil {
			t.Fatal(err)
		}
		seen[told(r)] = true
	}
	if !seen["0@2 PUT:k=v@2"] || !seen["2@2 PUT:k=v@2"] {
		t.Fatalf("seen %v", seen)
	}
	w.create(&pb.WatchCreateRequest{Key: k, WatchId: 1}) // free again
	w.expect("1@2 created")
	if err := w.stream.CloseSend(); err != nil {
		t.Fatal(err)
	}
	if r, err := w.stream.Recv(); err == nil {
		t.Fatalf("after the end: %v", r)
	}
}

func TestWatchEvents(t *testing.T) {
	c := newCluster(t, 1, etcd.Limits{})
	client, ctx := c.dial(), testContext(t)
	put(t, client, "a", "1") // 2
	put(t, client, "b", "1") // 3
	put(t, client, "a", "2") // 4
	must[*clientv3.TxnResponse](t)(client.Txn(ctx).Then(
		clientv3.OpPut("a", "3"), clientv3.OpDelete("b"), clientv3.OpPut("c", "3")).Commit()) // 5

	w := converse(t, client)
	w.create(&pb.WatchCreateRequest{Key: []byte("a"), RangeEnd: []byte{0}, StartRevision: 1, PrevKv: true})
	w.expect("0@5 created")
	w.merge("0@5 PUT:a=1@2 PUT:b=1@3 PUT:a=2@4<1@2 PUT:a=3@5<2@4 DELETE:b=@5<1@3 PUT:c=3@5")
	w.create(&pb.WatchCreateRequest{
		Key: []byte("b"), RangeEnd: []byte("c"), StartRevision: 3,
		Filters: []pb.WatchCreateRequest_FilterType{pb.WatchCreateRequest_NOPUT},
	})
	w.expect("1@5 created")
	w.expect("1@5 DELETE:b=@5")
	w.create(&pb.WatchCreateRequest{ // no key: from the first on
		StartRevision: 7, Filters: []pb.WatchCreateRequest_FilterType{pb.WatchCreateRequest_NODELETE},
	})
	w.expect("2@5 created")
	w.cancel(0)
	w.expect("0@5 canceled")
	w.cancel(2)
	w.expect("2@5 canceled")

	w.askProgress()
	w.expect("-1@5")
	put(t, client, "b", "2") // 6, which the filter leaves out
	w.askProgress()
	w.expect("-1@6")
	w.create(&pb.WatchCreateRequest{Key: []byte("a"), StartRevision: 9, WatchId: 9})
	w.expect("9@6 created")
	w.askProgress()          // not before the future has begun
	put(t, client, "a", "x") // 7
	put(t, client, "a", "y") // 8: nothing is promised below where the future begins
	w.expect("-1@8")
	put(t, client, "a", "z") // 9
	w.expect("9@9 PUT:a=z@9")
}

func TestWatchCompacted(t *testing.T) {
	c := newCluster(t, 1, etcd.Limits{})
	client, ctx := c.dial(), testContext(t)
	for i := range 5 {
		put(t, client, "k", fmt.Sprint(i)) // 2 to 6
	}
	must[*clientv3.CompactResponse](t)(client.Compact(ctx, 5))
	w := converse(t, client)
	w.create(&pb.WatchCreateRequest{Key: []byte("k"), StartRevision: 4})
	w.expect("0@6 created")
	w.expect("0@6 canceled compacted:5")
	w.create(&pb.WatchCreateRequest{Key: []byte("k"), StartRevision: 5, PrevKv: true})
	w.expect("1@6 created")
	w.merge("1@6 PUT:k=3@5 PUT:k=4@6<3@5") // what 5 replaced is gone
	for r := range client.Watch(ctx, "k", clientv3.WithRev(2)) {
		if !errors.Is(r.Err(), rpctypes.ErrCompacted) || r.CompactRevision != 5 {
			t.Fatalf("the client is told %v, %d", r.Err(), r.CompactRevision)
		}
	}
}

// What is too large for one response goes in several: at revisions, or within
// one if the client can put that together.
func TestWatchFragments(t *testing.T) {
	const most = 4 << 10
	c := newCluster(t, 1, etcd.Limits{RequestBytes: most})
	client, ctx := c.dial(), testContext(t)
	var ops []clientv3.Op
	for i := range 10 {
		ops = append(ops, clientv3.OpPut(fmt.Sprintf("k%d", i), strings.Repeat("x", 300)))
	}
	for range 3 { // revisions 2 to 4, each almost as large as a request may be
		must[*clientv3.TxnResponse](t)(client.Txn(ctx).Then(ops...).Commit())
	}
	w := converse(t, client)
	w.create(&pb.WatchCreateRequest{Key: []byte("k"), RangeEnd: []byte("l"), StartRevision: 2})
	w.expect("0@4 created")
	for rev := int64(2); rev <= 4; rev++ {
		r, err := w.stream.Recv()
		if err != nil || len(r.Events) != 10 || r.Header.Revision != rev || r.Fragment {
			t.Fatalf("%v %v", r, err)
		}
	}
	// With the versions before, one revision is too large.
	w.create(&pb.WatchCreateRequest{
		Key: []byte("k"), RangeEnd: []byte("l"), StartRevision: 4, PrevKv: true, Fragment: true,
	})
	w.expect("1@4 created")
	events, pieces := 0, 0
	for more := true; more; pieces++ {
		r, err := w.stream.Recv()
		if err != nil {
			t.Fatal(err)
		}
		if n := proto.Size(r); n >= most {
			t.Fatalf("a piece of %d bytes", n)
		}
		events += len(r.Events)
		more = r.Fragment
	}
	if events != 10 || pieces < 2 {
		t.Fatalf("%d events in %d pieces", events, pieces)
	}
	n := 0
	for r := range client.Watch(ctx, "k", clientv3.WithPrefix(), clientv3.WithRev(4), clientv3.WithPrevKV(),
		clientv3.WithFragment()) {
		if n += len(r.Events); n == 10 {
			break
		}
		t.Fatalf("the client put together %d", n)
	}
}

func TestWatchProgressNotify(t *testing.T) {
	c := newCluster(t, 1, etcd.Limits{ProgressInterval: 100 * time.Millisecond})
	client := c.dial()
	w := converse(t, client)
	w.create(&pb.WatchCreateRequest{Key: []byte("k"), ProgressNotify: true})
	w.create(&pb.WatchCreateRequest{Key: []byte("k")}) // wants none
	w.create(&pb.WatchCreateRequest{Key: []byte("k"), ProgressNotify: true, StartRevision: 9})
	w.expect("0@1 created")
	w.expect("1@1 created")
	w.expect("2@1 created")
	w.expect("0@1")
	w.expect("0@1")
	put(t, client, "other", "v")
	for { // the next may have been on its way
		r, err := w.stream.Recv()
		if err != nil || len(r.Events) > 0 || r.WatchId != 0 {
			t.Fatalf("%v %v", r, err)
		}
		if r.Header.Revision == 2 {
			return
		}
	}
}

// Watchers at every member see all that is written at every other, in order,
// while members come and go under them.
func TestWatchAcrossRestarts(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3, etcd.Limits{})
	c.leader()
	ctx := testContext(t)
	var watches []clientv3.WatchChan
	client := c.dial()
	for range 3 {
		watches = append(watches, client.Watch(context.WithValue(ctx, new(int), 0), "k", clientv3.WithPrefix()))
	}
	writer := c.dial()
	const n = 60
	last := make(chan int64, 1)
	go func() {
		var rev int64
		for i := 0; i < n; {
			r, err := writer.Put(ctx, fmt.Sprintf("k%d", i%5), fmt.Sprint(i))
			if err == nil {
				rev = r.Header.Revision
				i++
			} else if ctx.Err() != nil {
				break
			}
		}
		last <- rev
	}()
	for _, id := range []process.ID{1, 2, 3} {
		c.leader()
		c.stop(id)
		c.restart(id)
	}
	end := <-last
	for i, watch := range watches {
		rev, versions := int64(0), map[string]int64{}
		for r := range watch {
			if r.Err() != nil {
				t.Fatalf("watch %d: %v", i, r.Err())
			}
			for _, e := range r.Events {
				if e.Kv.ModRevision < rev {
					t.Fatalf("watch %d: %v after revision %d", i, e, rev)
				}
				if e.Kv.Version != versions[string(e.Kv.Key)]+1 || e.Type != mvccpb.Event_PUT {
					t.Fatalf("watch %d: %v after version %d", i, e, versions[string(e.Kv.Key)])
				}
				rev, versions[string(e.Kv.Key)] = e.Kv.ModRevision, e.Kv.Version
			}
			if rev >= end {
				break
			}
		}
	}
}

// A client that requires a leader is sent away when there is none; one that
// does not may stay.
func TestRequireLeader(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3, etcd.Limits{})
	c.leader()
	client, ctx := c.dial(1), testContext(t)
	put(t, client, "k", "v")
	needs := clientv3.WithRequireLeader(ctx)
	s, err := pb.NewWatchClient(client.ActiveConnection()).Watch(needs)
	if err != nil {
		t.Fatal(err)
	}
	w := &conversation{t, s}
	w.create(&pb.WatchCreateRequest{Key: []byte("k")})
	w.expect("0@2 created")
	content := converse(t, client)
	content.create(&pb.WatchCreateRequest{Key: []byte("k")})
	content.expect("0@2 created")
	c.stop(2)
	c.stop(3)
	lost := time.Now()
	c.until("the leader to be missed", func() bool {
		st, _ := c.members[1].node.Group(group).Status()
		if st.Leader != 0 {
			lost = time.Now()
		}
		return st.Leader == 0
	})
	if _, err := w.stream.Recv(); !sameError(err, rpctypes.ErrGRPCNoLeader) {
		t.Fatalf("the stream ended with %v", err)
	}
	if d := time.Since(lost); d < 3*election {
		t.Errorf("after %v only", d) // an election in between is no loss
	}
	if s, err = pb.NewWatchClient(client.ActiveConnection()).Watch(needs); err == nil {
		_, err = s.Recv()
	}
	if !sameError(err, rpctypes.ErrGRPCNoLeader) {
		t.Fatalf("a new stream: %v", err)
	}
	if _, err := client.Put(needs, "k", "v"); !errors.Is(err, rpctypes.ErrNoLeader) {
		t.Fatalf("a put: %v", err)
	}
	if r := get(t, client, "k", clientv3.WithSerializable()); r.Count != 1 {
		t.Fatalf("a serializable read: %v", r)
	}
	st := must[*clientv3.StatusResponse](t)(client.Status(ctx, client.Endpoints()[0]))
	if st.Leader != 0 || len(st.Errors) != 1 || st.Errors[0] != "etcdserver: no leader" {
		t.Fatalf("status %v", st)
	}
	content.cancel(0)
	content.expect("0@2 canceled")
	c.restart(2)
	c.leader()
	put(t, client, "k", "again")
}
