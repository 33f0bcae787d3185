package etcd_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/client/v3/concurrency"

	"althing/etcd"
)

func TestLeases(t *testing.T) {
	c := newCluster(t, 1, etcd.Limits{})
	client, ctx := c.dial(), testContext(t)
	api := pb.NewLeaseClient(client.ActiveConnection())
	grant := func(id, ttl int64) (*pb.LeaseGrantResponse, error) {
		return api.LeaseGrant(ctx, &pb.LeaseGrantRequest{ID: id, TTL: ttl})
	}
	picked := must[*pb.LeaseGrantResponse](t)(grant(0, 100))
	if picked.ID <= 0 || picked.TTL != 100 || picked.Header.Revision != 1 {
		t.Fatalf("granted %v", picked)
	}
	short := must[*pb.LeaseGrantResponse](t)(grant(7, -3))
	if short.ID != 7 || short.TTL != 1 {
		t.Fatalf("too short a lease was granted as %v", short)
	}
	for _, x := range []struct {
		name string
		err  error
		want error
	}{
		{"twice", second(grant(7, 5)), rpctypes.ErrGRPCLeaseExist},
		{"too long", second(grant(8, 9_000_000_001)), rpctypes.ErrGRPCLeaseTTLTooLarge},
		{"revoke of none", second(api.LeaseRevoke(ctx, &pb.LeaseRevokeRequest{ID: 99})),
			rpctypes.ErrGRPCLeaseNotFound},
	} {
		if !sameError(x.err, x.want) {
			t.Errorf("%s: %v, want %v", x.name, x.err, x.want)
		}
	}
	long := must[*pb.LeaseGrantResponse](t)(grant(9, 9_000_000_000))
	ttl := must[*clientv3.LeaseTimeToLiveResponse](t)(client.TimeToLive(ctx, clientv3.LeaseID(long.ID)))
	if ttl.TTL <= 0 || ttl.GrantedTTL != 9_000_000_000 {
		t.Errorf("the longest lease has %d of %d", ttl.TTL, ttl.GrantedTTL)
	}
	ttl = must[*clientv3.LeaseTimeToLiveResponse](t)(client.TimeToLive(ctx, 12345))
	if ttl.TTL != -1 {
		t.Errorf("a lease that there is not has %d", ttl.TTL)
	}
	if _, err := client.KeepAliveOnce(ctx, 12345); !errors.Is(err, rpctypes.ErrLeaseNotFound) {
		t.Errorf("keep alive of none: %v", err)
	}

	id := clientv3.LeaseID(picked.ID)
	for _, k := range []string{"b", "a", "c"} {
		put(t, client, k, "v", clientv3.WithLease(id)) // 2 to 4
	}
	put(t, client, "c", "v") // 5: detached
	rev := must[*clientv3.LeaseRevokeResponse](t)(client.Revoke(ctx, id)).Header.Revision
	r := get(t, client, "a", clientv3.WithFromKey())
	if values(r) != "c=v" || rev != 6 || r.Header.Revision != 6 {
		t.Errorf("after the revocation, at %d: %s", rev, values(r))
	}
	must[*clientv3.LeaseRevokeResponse](t)(client.Revoke(ctx, 7))
	all := must[*clientv3.LeaseLeasesResponse](t)(client.Leases(ctx))
	if len(all.Leases) != 1 || all.Leases[0].ID != clientv3.LeaseID(long.ID) {
		t.Errorf("leases %v", all.Leases)
	}
}

func second[T any](_ T, err error) error { return err }

// No lease ends before its time since the last renewal, whoever leads in
// between and whoever was asked; and every lease ends.
func TestLeaseEndsInItsTime(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3, etcd.Limits{})
	leader := c.leader()
	ctx := testContext(t)
	there, here := c.dial(c.follower()), c.dial(leader)
	lease := must[*clientv3.LeaseGrantResponse](t)(there.Grant(ctx, 2)).ID
	put(t, there, "k", "v", clientv3.WithLease(lease))
	gone := there.Watch(ctx, "k", clientv3.WithFilterPut())
	for range 3 {
		time.Sleep(400 * time.Millisecond)
		must[*clientv3.LeaseKeepAliveResponse](t)(there.KeepAliveOnce(ctx, lease))
	}
	target := c.follower()
	must[*clientv3.MoveLeaderResponse](t)(here.MoveLeader(ctx, memberID(target)))
	must[*clientv3.LeaseKeepAliveResponse](t)(here.KeepAliveOnce(ctx, lease))
	renewed := time.Now()
	end := <-gone
	if err := end.Err(); err != nil {
		t.Fatal(err)
	}
	if d := time.Since(renewed); d < 2*time.Second {
		t.Fatalf("the lease of 2s ended %v after its renewal", d)
	}
	if _, err := here.KeepAliveOnce(ctx, lease); !errors.Is(err, rpctypes.ErrLeaseNotFound) {
		t.Fatalf("after the end: %v", err)
	}
}

// The recipes of the client library: one holder at a time, across members.
func TestRecipes(t *testing.T) {
	c := newCluster(t, 3, etcd.Limits{})
	c.leader()
	ctx := testContext(t)
	holders, steps := 0, 0
	var mu sync.Mutex
	var wg sync.WaitGroup
	for id := range c.members {
		client := c.dial(id)
		wg.Go(func() {
			s, err := concurrency.NewSession(client, concurrency.WithTTL(10))
			if err != nil {
				t.Error(err)
				return
			}
			defer s.Close()
			m := concurrency.NewMutex(s, "/lock")
			for range 4 {
				if err := m.Lock(ctx); err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				holders++
				alone := holders == 1
				steps++
				mu.Unlock()
				if !alone {
					t.Error("two hold the lock")
				}
				mu.Lock()
				holders--
				mu.Unlock()
				if err := m.Unlock(ctx); err != nil {
					t.Error(err)
				}
			}
			e := concurrency.NewElection(s, "/lead")
			name := fmt.Sprint(id)
			if err := e.Campaign(ctx, name); err != nil {
				t.Error(err)
				return
			}
			r, err := e.Leader(ctx)
			if err != nil || string(r.Kvs[0].Value) != name {
				t.Errorf("%s was elected, but %v leads: %v", name, r, err)
			}
			if err := e.Resign(ctx); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if steps != 12 {
		t.Errorf("the lock was held %d times", steps)
	}
}

// A keep-alive stream serves many leases, and ends with its client's wish.
func TestKeepAliveStream(t *testing.T) {
	c := newCluster(t, 1, etcd.Limits{})
	client, ctx := c.dial(), testContext(t)
	var ids []clientv3.LeaseID
	for range 20 {
		ids = append(ids, must[*clientv3.LeaseGrantResponse](t)(client.Grant(ctx, 30)).ID)
	}
	var all []<-chan *clientv3.LeaseKeepAliveResponse
	alive, cancel := context.WithCancel(ctx)
	defer cancel()
	for _, id := range ids {
		answers, err := client.KeepAlive(alive, id)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, answers)
	}
	for i, id := range ids {
		if r := <-all[i]; r == nil || r.ID != id || r.TTL != 30 {
			t.Fatalf("answer %v for %x", r, id)
		}
	}
	s, err := pb.NewLeaseClient(client.ActiveConnection()).LeaseKeepAlive(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.CloseSend(); err != nil {
		t.Fatal(err)
	}
	if r, err := s.Recv(); err == nil {
		t.Fatalf("after the end: %v", r)
	}
}
