package etcd_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/grpc/metadata"

	"althing/etcd"
	"althing/process"
)

// A leader that is cut off does not know it yet. It must not answer for the
// others: not with what it holds, not about leases, not by changing anything.
func TestLeaderCutOff(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3, etcd.Limits{})
	leader := c.leader()
	here, ctx := c.dial(leader), testContext(t)
	put(t, here, "k", "old")
	lease := must[*clientv3.LeaseGrantResponse](t)(here.Grant(ctx, 60)).ID
	must[*clientv3.LeaseKeepAliveResponse](t)(here.KeepAliveOnce(ctx, lease))

	c.cut(leader)
	if st, _ := c.members[leader].node.Group(group).Status(); st.Leader != leader {
		t.Fatal("it knows already, and nothing is tested")
	}
	soon, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	asked := map[string]func() error{
		"get":  func() error { return second(here.Get(soon, "k")) },
		"txn":  func() error { return second(here.Txn(soon).Then(clientv3.OpGet("k")).Commit()) },
		"put":  func() error { return second(here.Put(soon, "k", "lost")) },
		"keep": func() error { return second(here.KeepAliveOnce(soon, lease)) },
		"ttl":  func() error { return second(here.TimeToLive(soon, lease)) },
		"members": func() error {
			r, err := pb.NewClusterClient(here.ActiveConnection()).
				MemberList(soon, &pb.MemberListRequest{Linearizable: true})
			return second(r, err)
		},
		"alarms": func() error { return second(here.AlarmList(soon)) },
		"add":    func() error { return second(here.MemberAddAsLearner(soon, []string{"http://host:1"})) },
	}
	var wg sync.WaitGroup
	for name, ask := range asked {
		wg.Go(func() {
			if err := ask(); err == nil {
				t.Errorf("%s was answered by a leader cut off", name)
			}
		})
	}
	if r := get(t, here, "k", clientv3.WithSerializable()); values(r) != "k=old" {
		t.Errorf("a serializable read: %v", r)
	}
	wg.Wait()

	there := c.dial(without(c, leader)...)
	put(t, there, "k", "new")
	c.heal(leader)
	if r := get(t, here, "k"); values(r) != "k=new" {
		t.Errorf("after it came back: %v", r)
	}
	must[*clientv3.LeaseKeepAliveResponse](t)(here.KeepAliveOnce(ctx, lease))
}

func without(c *cluster, id process.ID) (ids []process.ID) {
	for other := range c.members {
		if other != id {
			ids = append(ids, other)
		}
	}
	return ids
}

// A call that another member passed on is not passed on again.
func TestForwardedOnce(t *testing.T) {
	c := newCluster(t, 3, etcd.Limits{})
	client := c.dial(c.follower())
	ctx := metadata.AppendToOutgoingContext(testContext(t), "althing-forwarded", "true")
	api := client.ActiveConnection()
	_, ttl := pb.NewLeaseClient(api).LeaseTimeToLive(ctx, &pb.LeaseTimeToLiveRequest{ID: 1})
	_, add := pb.NewClusterClient(api).MemberAdd(ctx, &pb.MemberAddRequest{PeerURLs: []string{"http://host:1"}})
	for name, err := range map[string]error{"time to live": ttl, "add": add} {
		if !sameError(err, rpctypes.ErrGRPCNotLeader) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Close sends streams elsewhere and refuses what comes after.
func TestClose(t *testing.T) {
	c := newCluster(t, 1, etcd.Limits{})
	client := c.dial()
	w := converse(t, client)
	w.create(&pb.WatchCreateRequest{Key: []byte("k")})
	w.expect("0@1 created")
	k := must[pb.Lease_LeaseKeepAliveClient](t)(pb.NewLeaseClient(client.ActiveConnection()).
		LeaseKeepAlive(testContext(t)))
	if err := k.Send(&pb.LeaseKeepAliveRequest{ID: 1}); err != nil {
		t.Fatal(err)
	}
	if r, err := k.Recv(); err != nil || r.TTL != 0 {
		t.Fatalf("%v %v", r, err)
	}
	if err := c.members[1].server.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := w.stream.Recv(); !sameError(err, rpctypes.ErrGRPCStopped) {
		t.Errorf("the watch ended with %v", err)
	}
	if _, err := k.Recv(); !sameError(err, rpctypes.ErrGRPCStopped) {
		t.Errorf("the keep-alive ended with %v", err)
	}
	if err := c.members[1].node.Close(); err != nil {
		t.Fatal(err)
	}
	_, err := client.Put(testContext(t), "k", "v")
	if !errors.Is(err, rpctypes.ErrStopped) {
		t.Errorf("a put after the end: %v", err)
	}
	c.members[1].front.Stop()
	if err := c.members[1].store.Close(); err != nil {
		t.Fatal(err)
	}
	c.members[1].node = nil // the rest is closed
}
