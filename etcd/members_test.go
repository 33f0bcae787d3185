package etcd_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"

	"althing/etcd"
	"althing/kv"
	"althing/process"
)

// A cluster of one grows to three by way of learners, and shrinks again to
// those who joined last.
func TestMembersComeAndGo(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 1, etcd.Limits{})
	c.leader()
	client, ctx := c.dial(1), testContext(t)
	for i := range 50 {
		put(t, client, fmt.Sprint(i), "v")
	}
	for id := process.ID(2); id <= 3; id++ {
		m := c.place(id)
		added := must[*clientv3.MemberAddResponse](t)(client.MemberAddAsLearner(ctx, []string{"http://" + m.peer}))
		if !added.Member.IsLearner || len(added.Members) != int(id) {
			t.Fatalf("added %v", added)
		}
		if _, err := client.MemberPromote(ctx, added.Member.ID); !errors.Is(err, rpctypes.ErrMemberLearnerNotReady) &&
			!errors.Is(err, rpctypes.ErrMemberNotEnoughStarted) {
			t.Fatalf("promoted before it has started: %v", err)
		}
		c.records = append(c.records, kv.Member{Replica: uint16(id), ID: added.Member.ID})
		c.start(id, process.Group{})
		learner := c.dial(id)
		c.until("the learner to hold what the others hold", func() bool {
			r, err := learner.Get(ctx, "49", clientv3.WithSerializable())
			return err == nil && r.Count == 1
		})
		if id == 2 {
			refuseLearner(t, c, learner)
		}
		c.until("the promotion", func() bool {
			_, err := client.MemberPromote(ctx, added.Member.ID)
			return err == nil
		})
		c.until("the new voter to know that it is one", func() bool {
			_, err := learner.Put(ctx, "through", fmt.Sprint(id))
			return err == nil
		})
	}
	newest := c.dial(3)
	c.until("all to be known by name", func() bool {
		l := must[*clientv3.MemberListResponse](t)(newest.MemberList(ctx))
		names := map[string]bool{}
		for _, m := range l.Members {
			names[m.Name] = !m.IsLearner && len(m.ClientURLs) == 1
		}
		return len(l.Members) == 3 && names["m1"] && names["m2"] && names["m3"]
	})
	// The first one goes, though it leads: it was asked at another member.
	last := c.dial(2, 3)
	must[*clientv3.MemberRemoveResponse](t)(last.MemberRemove(ctx, memberID(1)))
	<-c.members[1].server.Removed()
	c.stop(1)
	delete(c.members, 1)
	c.leader()
	put(t, last, "without", "the first")
	if r := get(t, last, "through"); values(r) != "through=3" {
		t.Fatalf("lost: %v", r)
	}
}

// refuseLearner checks what one who does not vote may not be asked.
func refuseLearner(t *testing.T, c *cluster, learner *clientv3.Client) {
	t.Helper()
	ctx := testContext(t)
	api := learner.ActiveConnection()
	_, get := pb.NewKVClient(api).Range(ctx, &pb.RangeRequest{Key: []byte("k")})
	_, put := pb.NewKVClient(api).Put(ctx, &pb.PutRequest{Key: []byte("k")})
	_, list := pb.NewClusterClient(api).MemberList(ctx, &pb.MemberListRequest{})
	var watch error
	if s, err := pb.NewWatchClient(api).Watch(ctx); err == nil {
		_, watch = s.Recv()
	}
	for name, err := range map[string]error{"get": get, "put": put, "members": list, "watch": watch} {
		if !sameError(err, rpctypes.ErrGRPCNotSupportedForLearner) {
			t.Errorf("%s at a learner: %v", name, err)
		}
	}
	st := must[*pb.StatusResponse](t)(pb.NewMaintenanceClient(api).Status(ctx, &pb.StatusRequest{}))
	if !st.IsLearner || st.Leader != memberID(1) {
		t.Errorf("status of a learner: %v", st)
	}
	l := c.place(9)
	_, err := c.dial(1).MemberAddAsLearner(ctx, []string{"http://" + l.peer})
	if !errors.Is(err, rpctypes.ErrTooManyLearners) {
		t.Errorf("a second learner: %v", err)
	}
	delete(c.members, 9)
}

func TestMemberErrors(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3, etcd.Limits{})
	leader := c.leader()
	client, ctx := c.dial(c.follower()), testContext(t)
	c.until("all to be started", func() bool {
		l, err := client.MemberList(ctx)
		started := 0
		for i := range l.Members {
			if l.Members[i].Name != "" {
				started++
			}
		}
		return err == nil && started == 3
	})
	taken := "http://" + c.members[1].peer
	api := pb.NewClusterClient(client.ActiveConnection())
	add := func(urls ...string) error { // by hand: the client has checks of its own
		_, err := api.MemberAdd(ctx, &pb.MemberAddRequest{PeerURLs: urls})
		return rpctypes.Error(err)
	}
	for _, x := range []struct {
		name string
		err  error
		want error
	}{
		{"no URL", add(), rpctypes.ErrMemberBadURLs},
		{"no port", add("http://host"), rpctypes.ErrMemberBadURLs},
		{"a path", add("http://host:1/x"), rpctypes.ErrMemberBadURLs},
		{"a scheme", add("ftp://host:1"), rpctypes.ErrMemberBadURLs},
		{"a URL that is taken", add("http://host:1", taken), rpctypes.ErrPeerURLExist},
		{"an update to one that is taken", second(client.MemberUpdate(ctx, memberID(2), []string{taken})),
			rpctypes.ErrPeerURLExist},
		{"an update of nobody", second(client.MemberUpdate(ctx, 5, []string{"http://host:1"})),
			rpctypes.ErrMemberNotFound},
		{"a removal of nobody", second(client.MemberRemove(ctx, 5)), rpctypes.ErrMemberNotFound},
		{"a promotion of nobody", second(client.MemberPromote(ctx, 5)), rpctypes.ErrMemberNotFound},
		{"a promotion of a voter", second(client.MemberPromote(ctx, memberID(1))),
			rpctypes.ErrMemberNotLearner},
		{"a transfer by a follower", second(client.MoveLeader(ctx, memberID(leader))), rpctypes.ErrNotLeader},
		{"a transfer to nobody", second(c.dial(leader).MoveLeader(ctx, 5)), rpctypes.ErrBadLeaderTransferee},
	} {
		if !errors.Is(x.err, x.want) {
			t.Errorf("%s: %v, want %v", x.name, x.err, x.want)
		}
	}
	// One is down, and has moved besides: the group must not get a fourth that is
	// not up either, nor lose one of the two that are.
	down, alive := process.ID(0), process.ID(0)
	for id := range c.members {
		if id != leader {
			down, alive = id, down
		}
	}
	updated := must[*clientv3.MemberUpdateResponse](t)(client.MemberUpdate(ctx, memberID(down),
		[]string{"http://localhost:2", "http://localhost:1"}))
	i := slices.IndexFunc(updated.Members, func(m *pb.Member) bool { return m.ID == memberID(down) })
	if urls := updated.Members[i].PeerURLs; len(urls) != 2 || urls[0] != "http://localhost:1" {
		t.Errorf("updated to %v", urls)
	}
	c.stop(down)
	here := c.dial(leader, alive)
	c.until("the leader to miss it", func() bool {
		heard := map[process.ID]time.Duration{}
		for _, p := range c.members[leader].node.Group(group).Progress() {
			heard[p.ID] = p.Heard
		}
		return heard[alive]-heard[down] > time.Second
	})
	if _, err := here.MemberRemove(ctx, memberID(alive)); !errors.Is(err, rpctypes.ErrUnhealthy) {
		t.Errorf("a removal of one of the two that are up: %v", err)
	}
	if _, err := here.MemberAdd(ctx, []string{"http://host:1"}); !errors.Is(err, rpctypes.ErrUnhealthy) {
		t.Errorf("an addition while one is down: %v", err)
	}
	must[*clientv3.MemberRemoveResponse](t)(here.MemberRemove(ctx, memberID(down)))
	put(t, here, "k", "v")
}
