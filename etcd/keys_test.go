package etcd_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"althing/etcd"
)

// The revision rules, one after the other, on a store of its own.
func TestRevisions(t *testing.T) {
	c := newCluster(t, 1, etcd.Limits{})
	client, ctx := c.dial(), testContext(t)
	expect := func(what string, got, want int64) {
		t.Helper()
		if got != want {
			t.Fatalf("%s: revision %d, want %d", what, got, want)
		}
	}
	r := get(t, client, "a")
	expect("a fresh store", r.Header.Revision, 1)
	if r.Header.ClusterId != clusterID || r.Header.MemberId != memberID(1) || r.Header.RaftTerm == 0 {
		t.Fatalf("header %v", r.Header)
	}
	expect("the first put", put(t, client, "a", "1"), 2)
	expect("a read", get(t, client, "a", clientv3.WithRev(2)).Header.Revision, 2)
	expect("a put", put(t, client, "a", "2"), 3)
	expect("a read of the past", get(t, client, "a", clientv3.WithRev(2)).Header.Revision, 3)
	d := must[*clientv3.DeleteResponse](t)(client.Delete(ctx, "nothing"))
	expect("a delete of nothing", d.Header.Revision, 3)
	e := get(t, client, "a").Kvs[0]
	if e.CreateRevision != 2 || e.ModRevision != 3 || e.Version != 2 {
		t.Fatalf("key %v", e)
	}
	d = must[*clientv3.DeleteResponse](t)(client.Delete(ctx, "a", clientv3.WithPrevKV()))
	expect("a delete", d.Header.Revision, 4)
	if d.Deleted != 1 || string(d.PrevKvs[0].Value) != "2" {
		t.Fatalf("delete %v", d)
	}
	x := must[*clientv3.TxnResponse](t)(client.Txn(ctx).Then(
		clientv3.OpPut("a", "3"), clientv3.OpPut("b", "3"), clientv3.OpGet("b"),
		clientv3.OpDelete("c"),
	).Commit())
	expect("a transaction of two puts", x.Header.Revision, 5)
	expect("its range", x.Responses[2].GetResponseRange().Header.Revision, 5)
	if got := x.Responses[2].GetResponseRange().Kvs; len(got) != 1 || got[0].ModRevision != 5 {
		t.Fatalf("a range after a put in one transaction sees %v", got)
	}
	x = must[*clientv3.TxnResponse](t)(client.Txn(ctx).
		If(clientv3.Compare(clientv3.Version("a"), "=", 7)).
		Then(clientv3.OpPut("a", "4")).Else(clientv3.OpGet("a")).Commit())
	expect("a transaction that only read", x.Header.Revision, 5)
	if x.Succeeded || get(t, client, "a").Kvs[0].Version != 1 {
		t.Fatal("the version did not begin anew after a delete")
	}
}

// What the server must say, word for word: clients decide by the text.
func TestErrors(t *testing.T) {
	c := newCluster(t, 1, etcd.Limits{})
	client, ctx := c.dial(), testContext(t)
	api := pb.NewKVClient(client.ActiveConnection())
	put(t, client, "k", "v")
	put(t, client, "k", "w")
	must[*clientv3.CompactResponse](t)(client.Compact(ctx, 3, clientv3.WithCompactPhysical()))
	ops := func(n int, op *pb.RequestOp) []*pb.RequestOp {
		all := make([]*pb.RequestOp, n)
		for i := range all {
			all[i] = op
		}
		return all
	}
	read := &pb.RequestOp{Request: &pb.RequestOp_RequestRange{RequestRange: &pb.RangeRequest{Key: []byte("k")}}}
	write := func(key string) *pb.RequestOp {
		return &pb.RequestOp{Request: &pb.RequestOp_RequestPut{RequestPut: &pb.PutRequest{Key: []byte(key)}}}
	}
	nested := func(depth int) *pb.TxnRequest {
		r := &pb.TxnRequest{}
		for range depth {
			r = &pb.TxnRequest{Success: []*pb.RequestOp{{Request: &pb.RequestOp_RequestTxn{RequestTxn: r}}}}
		}
		return r
	}
	rangeErr := func(r *pb.RangeRequest) error { _, err := api.Range(ctx, r); return err }
	putErr := func(r *pb.PutRequest) error { _, err := api.Put(ctx, r); return err }
	txnErr := func(r *pb.TxnRequest) error { _, err := api.Txn(ctx, r); return err }
	k := []byte("k")
	for _, x := range []struct {
		name string
		got  error
		want error
	}{
		{"range of no key", rangeErr(&pb.RangeRequest{}), rpctypes.ErrGRPCEmptyKey},
		{"put of no key", putErr(&pb.PutRequest{}), rpctypes.ErrGRPCEmptyKey},
		{"range of the future", rangeErr(&pb.RangeRequest{Key: k, Revision: 9}), rpctypes.ErrGRPCFutureRev},
		{"range of the past", rangeErr(&pb.RangeRequest{Key: k, Revision: 2}), rpctypes.ErrGRPCCompacted},
		{"range at the compaction", rangeErr(&pb.RangeRequest{Key: k, Revision: 3}), nil},
		{"sort target", rangeErr(&pb.RangeRequest{Key: k, SortTarget: 256}), rpctypes.ErrGRPCInvalidSortOption},
		{"sort order", rangeErr(&pb.RangeRequest{Key: k, SortOrder: -1}), rpctypes.ErrGRPCInvalidSortOption},
		{"lease unknown", putErr(&pb.PutRequest{Key: k, Lease: 5}), rpctypes.ErrGRPCLeaseNotFound},
		{"ignore_value of nothing", putErr(&pb.PutRequest{Key: []byte("no"), IgnoreValue: true}),
			rpctypes.ErrGRPCKeyNotFound},
		{"ignore_value with one", putErr(&pb.PutRequest{Key: k, Value: k, IgnoreValue: true}),
			rpctypes.ErrGRPCValueProvided},
		{"ignore_lease with one", putErr(&pb.PutRequest{Key: k, Lease: 5, IgnoreLease: true}),
			rpctypes.ErrGRPCLeaseProvided},
		{"too large", putErr(&pb.PutRequest{Key: k, Value: make([]byte, 3<<19)}), rpctypes.ErrGRPCRequestTooLarge},
		{"128 operations", txnErr(&pb.TxnRequest{Success: ops(128, read)}), nil},
		{"129 operations", txnErr(&pb.TxnRequest{Failure: ops(129, read)}), rpctypes.ErrGRPCTooManyOps},
		{"nested too deep", txnErr(nested(100)), rpctypes.ErrGRPCTooManyOps},
		{"no operation", txnErr(&pb.TxnRequest{Success: []*pb.RequestOp{{}}}), rpctypes.ErrGRPCKeyNotFound},
		{"two puts of a key", txnErr(&pb.TxnRequest{Success: ops(2, write("x"))}), rpctypes.ErrGRPCDuplicateKey},
		{"a compare of no key", txnErr(&pb.TxnRequest{Compare: []*pb.Compare{{}}}), rpctypes.ErrGRPCEmptyKey},
		{"a failed check", txnErr(&pb.TxnRequest{Success: []*pb.RequestOp{
			write("y"), {Request: &pb.RequestOp_RequestPut{RequestPut: &pb.PutRequest{Key: []byte("z"), Lease: 8}}},
		}}), rpctypes.ErrGRPCLeaseNotFound},
	} {
		if !sameError(x.got, x.want) {
			t.Errorf("%s: %v, want %v", x.name, x.got, x.want)
		}
	}
	if r := get(t, client, "y"); r.Count != 0 || r.Header.Revision != 3 {
		t.Errorf("a request that was refused left something: %v", r)
	}
	_, err := client.Compact(ctx, 3)
	if !errors.Is(err, rpctypes.ErrCompacted) {
		t.Errorf("compact twice: %v", err)
	}
	if _, err = client.Compact(ctx, 99); !errors.Is(err, rpctypes.ErrFutureRev) {
		t.Errorf("compact the future: %v", err)
	}
}

func sameError(got, want error) bool {
	return status.Code(got) == status.Code(want) && (want == nil || rpctypes.ErrorDesc(got) == rpctypes.ErrorDesc(want))
}

func TestRangeOptions(t *testing.T) {
	c := newCluster(t, 1, etcd.Limits{RequestBytes: 4 << 10})
	client, ctx := c.dial(), testContext(t)
	for _, k := range []string{"c", "a", "b", "b", "d"} {
		put(t, client, k, "v"+k) // revisions 2 to 6
	}
	o := func(opts ...clientv3.OpOption) []clientv3.OpOption { return opts }
	sort := clientv3.WithSort
	all := clientv3.WithRange("\x00")
	for _, x := range []struct {
		name, key, want string
		opts            []clientv3.OpOption
		count           int64
		more            bool
	}{
		{"one", "a", "a=va", nil, 1, false},
		{"none", "x", "", nil, 0, false},
		{"range", "a", "a=va b=vb", o(clientv3.WithRange("c")), 2, false},
		{"empty range", "c", "", o(clientv3.WithRange("a")), 0, false},
		{"prefix", "b", "b=vb", o(clientv3.WithPrefix()), 1, false},
		{"from key", "b", "b=vb c=vc d=vd", o(clientv3.WithFromKey()), 3, false},
		{"all", "\x00", "a=va b=vb c=vc d=vd", o(all), 4, false},
		{"limit", "\x00", "a=va b=vb", o(all, clientv3.WithLimit(2)), 4, true},
		{"limit of all", "\x00", "a=va b=vb c=vc d=vd", o(all, clientv3.WithLimit(4)), 4, false},
		{"keys only", "a", "a=", o(clientv3.WithKeysOnly()), 1, false},
		{"count only", "\x00", "", o(all, clientv3.WithCountOnly()), 4, false},
		{"descending", "\x00", "d=vd c=vc b=vb a=va",
			o(all, sort(clientv3.SortByKey, clientv3.SortDescend)), 4, false},
		{"by creation, first", "\x00", "c=vc", o(all, clientv3.WithLimit(1),
			sort(clientv3.SortByCreateRevision, clientv3.SortAscend)), 4, true},
		{"by version, last", "\x00", "b=vb", o(all, clientv3.WithLimit(1),
			sort(clientv3.SortByVersion, clientv3.SortDescend)), 4, true},
		{"changed from 5 on", "\x00", "b=vb d=vd", o(all, clientv3.WithMinModRev(5)), 4, false},
		{"changed up to 3", "\x00", "a=va c=vc", o(all, clientv3.WithMaxModRev(3)), 4, false},
		{"created from 3 to 4", "\x00", "a=va b=vb",
			o(all, clientv3.WithMinCreateRev(3), clientv3.WithMaxCreateRev(4)), 4, false},
		{"the past", "\x00", "a=va c=vc", o(all, clientv3.WithRev(3)), 2, false},
		{"serializable", "a", "a=va", o(clientv3.WithSerializable()), 1, false},
	} {
		t.Run(x.name, func(t *testing.T) {
			r := get(t, client, x.key, x.opts...)
			if got := values(r); got != x.want || r.Count != x.count || r.More != x.more {
				t.Errorf("%q, count %d, more %v; want %q, %d, %v", got, r.Count, r.More, x.want, x.count, x.more)
			}
		})
	}

	t.Run("stream", func(t *testing.T) { streamed(t, ctx, client) })
}

// A stream, merged, is the response of the range.
func streamed(t *testing.T, ctx context.Context, client *clientv3.Client) {
	value := strings.Repeat("x", 100)
	for i := range 64 { // several chunks, by number and by size
		put(t, client, fmt.Sprintf("s/%02d", i), value)
	}
	api := pb.NewKVClient(client.ActiveConnection())
	r := &pb.RangeRequest{Key: []byte("s/"), RangeEnd: []byte("s0"), Limit: 60}
	s := must[pb.KV_RangeStreamClient](t)(api.RangeStream(ctx, r))
	whole := must[*pb.RangeResponse](t)(api.Range(ctx, r))
	var merged []string
	chunks := 0
	for {
		m, err := s.Recv()
		if err != nil {
			t.Fatal(err)
		}
		piece := m.GetRangeResponse()
		chunks++
		for _, e := range piece.Kvs {
			merged = append(merged, string(e.Key))
		}
		if chunks == 1 && len(piece.Kvs) != 10 {
			t.Errorf("the first chunk has %d keys", len(piece.Kvs))
		}
		if piece.Header == nil {
			if piece.Count != 0 || piece.More {
				t.Errorf("a chunk that is not the last says %d, %v", piece.Count, piece.More)
			}
			continue
		}
		if piece.Count != whole.Count || piece.More != whole.More || piece.Header.Revision != whole.Header.Revision {
			t.Errorf("the end of the stream is %v, of the range %v", piece, whole)
		}
		break
	}
	if chunks < 3 || len(merged) != 60 || merged[0] != "s/00" || merged[59] != "s/59" {
		t.Errorf("%d chunks, %d keys", chunks, len(merged))
	}
	r.SortTarget, r.SortOrder = pb.RangeRequest_MOD, pb.RangeRequest_ASCEND
	s = must[pb.KV_RangeStreamClient](t)(api.RangeStream(ctx, r))
	if _, err := s.Recv(); status.Code(err) != codes.Unimplemented {
		t.Errorf("a sorted stream: %v", err)
	}
}

// Every member answers everything, whoever leads; what one has acknowledged,
// all others show.
func TestFollowers(t *testing.T) {
	c := newCluster(t, 3, etcd.Limits{})
	leader := c.leader()
	ctx := testContext(t)
	clients := map[uint64]*clientv3.Client{}
	for id := range c.members {
		clients[memberID(id)] = c.dial(id)
	}
	for id, client := range clients {
		key := fmt.Sprintf("from/%x", id)
		rev := put(t, client, key, "v")
		for other, reader := range clients {
			r := get(t, reader, key)
			if r.Count != 1 || r.Header.Revision < rev || r.Header.MemberId != other {
				t.Fatalf("put at %x, read at %x: %v", id, other, r)
			}
		}
		lease := must[*clientv3.LeaseGrantResponse](t)(client.Grant(ctx, 60))
		put(t, client, key, "w", clientv3.WithLease(lease.ID))
		for _, other := range clients {
			k := must[*clientv3.LeaseKeepAliveResponse](t)(other.KeepAliveOnce(ctx, lease.ID))
			if k.TTL != 60 || k.ID != lease.ID {
				t.Fatalf("keep alive: %v", k)
			}
			ttl := must[*clientv3.LeaseTimeToLiveResponse](t)(
				other.TimeToLive(ctx, lease.ID, clientv3.WithAttachedKeys()))
			if ttl.TTL < 50 || ttl.TTL > 60 || ttl.GrantedTTL != 60 ||
				len(ttl.Keys) != 1 || string(ttl.Keys[0]) != key {
				t.Fatalf("time to live: %v", ttl)
			}
		}
		must[*clientv3.LeaseRevokeResponse](t)(client.Revoke(ctx, lease.ID))
		if r := get(t, clients[memberID(leader)], key); r.Count != 0 {
			t.Fatalf("a key outlived its lease: %v", r)
		}
		l := must[*clientv3.MemberListResponse](t)(client.MemberList(ctx))
		if len(l.Members) != 3 {
			t.Fatalf("members %v", l.Members)
		}
		st := must[*clientv3.StatusResponse](t)(client.Status(ctx, client.Endpoints()[0]))
		if st.Leader != memberID(leader) || st.Version != etcd.APIVersion || st.IsLearner || len(st.Errors) > 0 {
			t.Fatalf("status %v", st)
		}
		must[*clientv3.AlarmResponse](t)(client.AlarmList(ctx))
		must[*clientv3.DefragmentResponse](t)(client.Defragment(ctx, client.Endpoints()[0]))
	}
	var hashes []uint32
	rev := get(t, clients[memberID(1)], "x").Header.Revision
	for _, client := range clients {
		get(t, client, "x") // it is at rev now
		h := must[*clientv3.HashKVResponse](t)(client.HashKV(ctx, client.Endpoints()[0], rev))
		hashes = append(hashes, h.Hash)
	}
	if hashes[0] != hashes[1] || hashes[1] != hashes[2] {
		t.Errorf("hashes differ: %v", hashes)
	}
}

// Clients that count up one number, each at another member, lose no step.
func TestConcurrentTransactions(t *testing.T) {
	const each = 15
	c := newCluster(t, 3, etcd.Limits{})
	c.leader()
	ctx := testContext(t)
	var wg sync.WaitGroup
	for id := range c.members {
		client := c.dial(id)
		wg.Go(func() {
			for done := 0; done < each; {
				r, err := client.Get(ctx, "n")
				if err != nil {
					t.Error(err)
					return
				}
				rev, value := int64(0), []byte(nil)
				if len(r.Kvs) > 0 {
					rev, value = r.Kvs[0].ModRevision, r.Kvs[0].Value
				}
				x, err := client.Txn(ctx).If(clientv3.Compare(clientv3.ModRevision("n"), "=", rev)).
					Then(clientv3.OpPut("n", string(value)+".")).Commit()
				if err != nil {
					t.Error(err)
					return
				}
				if x.Succeeded {
					done++
				}
			}
		})
	}
	wg.Wait()
	if got := get(t, c.dial(), "n").Kvs[0].Value; !bytes.Equal(got, bytes.Repeat([]byte("."), 3*each)) {
		t.Errorf("%d steps of %d", len(got), 3*each)
	}
}
