package node_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"althing/internal/freeport"
	"althing/node"
	"althing/process"
	"althing/protocol/raft"
)

// cluster is members in one process, over real logs and real connections.
type cluster struct {
	t       testing.TB
	dirs    map[process.ID]string
	addrs   map[process.ID]string
	nodes   map[process.ID]*node.Node
	apps    map[process.ID]*appender
	founder process.Group
	options func(*node.Options)
}

func newCluster(t testing.TB, n int, options func(*node.Options)) *cluster {
	c := &cluster{t: t, dirs: map[process.ID]string{}, addrs: map[process.ID]string{},
		nodes: map[process.ID]*node.Node{}, apps: map[process.ID]*appender{}, options: options}
	for id := process.ID(1); int(id) <= n; id++ {
		c.founder.Voters = append(c.founder.Voters, id)
	}
	for _, id := range c.founder.Voters {
		c.add(id)
	}
	for _, id := range c.founder.Voters {
		c.open(id, c.founder)
	}
	t.Cleanup(func() {
		for id := range c.nodes {
			c.close(id)
		}
	})
	return c
}

// add gives a member a place and an address.
func (c *cluster) add(id process.ID) {
	c.dirs[id], c.addrs[id] = c.t.TempDir(), freeport.Addr(c.t)
}

func (c *cluster) open(id process.ID, founder process.Group) {
	c.t.Helper()
	app, err := openAppender(c.dirs[id], founder)
	if err != nil {
		c.t.Fatal(err)
	}
	l, err := net.Listen("tcp", c.addrs[id])
	if err != nil {
		c.t.Fatal(err)
	}
	o := node.Options{
		Self: id, Cluster: 77, Dir: c.dirs[id], Protocol: raft.Protocol, Listener: l,
		Groups: map[uint32]process.Machine{1: app},
		Log:    slog.New(slog.NewTextHandler(testWriter{c.t}, nil)),
	}
	o.SegmentBytes = 1 << 20
	if c.options != nil {
		c.options(&o)
	}
	n, err := node.Open(o)
	if err != nil {
		c.t.Fatal(err)
	}
	c.nodes[id], c.apps[id] = n, app
	for other, addr := range c.addrs {
		if other != id {
			n.SetPeer(other, addr)
		}
	}
}

type testWriter struct{ t testing.TB }

func (w testWriter) Write(b []byte) (int, error) {
	w.t.Log(strings.TrimSpace(string(b)))
	return len(b), nil
}

// close stops a member. Its machine forgets what it had not made durable.
func (c *cluster) close(id process.ID) {
	c.t.Helper()
	if err := c.nodes[id].Close(); err != nil {
		c.t.Errorf("close %d: %v", id, err)
	}
	delete(c.nodes, id)
}

func (c *cluster) group(id process.ID) *node.Group { return c.nodes[id].Group(1) }

// leader waits for one and returns it.
func (c *cluster) leader() process.ID {
	c.t.Helper()
	deadline := time.After(20 * time.Second)
	for {
		var changed <-chan struct{}
		for id := range c.nodes {
			s, ch := c.group(id).Status()
			if s.Role == "leader" {
				return id
			}
			changed = ch
		}
		select {
		case <-changed:
		case <-time.After(20 * time.Millisecond): // another member's change
		case <-deadline:
			c.t.Fatal("no leader")
		}
	}
}

func (c *cluster) do(id process.ID, cmd string) int {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), 20*time.Second)
	defer cancel()
	r, err := c.group(id).Do(ctx, process.Command, []byte(cmd))
	if err != nil {
		c.t.Fatalf("%q at %d: %v", cmd, id, err)
	}
	return r.(outcome).length
}

func (c *cluster) barrier(id process.ID) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), 20*time.Second)
	defer cancel()
	if _, err := c.group(id).Barrier(ctx); err != nil {
		for other := range c.nodes {
			s, _ := c.group(other).Status()
			c.t.Logf("member %d: %+v, applied %d, %+v", other, s, c.group(other).Applied(), c.group(other).Progress())
		}
		c.t.Fatalf("barrier at %d: %v", id, err)
	}
}

// same waits until all members hold the same and returns it.
func (c *cluster) same() string {
	c.t.Helper()
	for id := range c.nodes {
		c.barrier(id)
	}
	var text string
	for id := range c.nodes {
		if text == "" {
			text = c.apps[id].text()
		}
		if c.apps[id].text() != text {
			c.t.Fatalf("member %d holds %q, another %q", id, c.apps[id].text(), text)
		}
	}
	return text
}

func TestAnyMemberTakesRequests(t *testing.T) {
	c := newCluster(t, 3, nil)
	want := 0
	for i := range 30 {
		id := process.ID(i%3 + 1)
		want += len("ab")
		if got := c.do(id, "ab"); got != want {
			t.Fatalf("request %d at %d: length %d, want %d", i, id, got, want)
		}
		other := process.ID((i+1)%3 + 1)
		c.barrier(other)
		if got := len(c.apps[other].text()); got != want {
			t.Fatalf("after a barrier member %d holds %d bytes of %d", other, got, want)
		}
	}
}

// TestLoseTheLeaderUnderLoad: members are stopped one after the other, the
// leader first, while clients write at all others. What was answered is there,
// once; what was not may be.
func TestLoseTheLeaderUnderLoad(t *testing.T) {
	c := newCluster(t, 3, func(o *node.Options) { o.CompactEvery = 100; o.Config.Trailing = 50 })
	acked := map[string]bool{}
	tried := map[string]bool{}
	var mu sync.Mutex
	for round := range 6 {
		down := c.leader()
		var wg sync.WaitGroup
		for id := range c.nodes {
			if id == down {
				continue
			}
			g := c.group(id)
			for w := range 4 {
				wg.Go(func() {
					for i := range 25 {
						cmd := fmt.Sprintf("<%d.%d.%d.%d>", round, id, w, i)
						mu.Lock()
						tried[cmd] = true
						mu.Unlock()
						ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
						_, err := g.Do(ctx, process.Command, []byte(cmd))
						cancel()
						mu.Lock()
						acked[cmd] = err == nil
						mu.Unlock()
						if err != nil && !errors.Is(err, node.ErrLost) {
							t.Errorf("%s: %v", cmd, err)
						}
					}
				})
			}
		}
		c.close(down)
		wg.Wait()
		c.open(down, c.founder)
	}
	text := c.same()
	for cmd := range tried {
		n := strings.Count(text, cmd)
		if n > 1 || n == 0 && acked[cmd] {
			t.Errorf("%s: answered %v, applied %d times", cmd, acked[cmd], n)
		}
	}
}

func TestAllMembersRestart(t *testing.T) {
	c := newCluster(t, 3, func(o *node.Options) { o.CompactEvery = 20; o.Config.Trailing = 5 })
	var want strings.Builder
	for i := range 100 {
		cmd := fmt.Sprintf("[%d]", i)
		want.WriteString(cmd)
		c.do(process.ID(i%3+1), cmd)
	}
	for range 3 {
		for _, id := range c.founder.Voters {
			c.close(id)
		}
		for _, id := range c.founder.Voters {
			c.open(id, c.founder)
		}
		c.barrier(1)
	}
	if got := c.same(); got != want.String() {
		t.Fatalf("after restarts: %q", got)
	}
}

func TestMemberJoinsByState(t *testing.T) {
	c := newCluster(t, 3, func(o *node.Options) { o.CompactEvery = 10; o.Config.Trailing = 1 })
	for i := range 50 {
		c.do(1, fmt.Sprintf("[%d]", i))
	}
	c.add(4)
	for _, n := range c.nodes {
		n.SetPeer(4, c.addrs[4])
	}
	c.open(4, process.Group{})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	want := process.Group{Voters: []process.ID{1, 2, 3}, Learners: []process.ID{4}}
	lead := c.leader()
	var notLeader *node.RefusedError
	_, err := c.group(lead%3+1).Do(ctx, process.Members, process.AppendGroup(nil, want))
	if !errors.As(err, &notLeader) || notLeader.Why != process.NotLeader {
		t.Fatalf("a follower changes the group: %v", err)
	}
	if _, err := c.group(lead).Do(ctx, process.Members, process.AppendGroup(nil, want)); err != nil {
		t.Fatal(err)
	}
	c.do(3, "learnt")
	c.barrier(4)
	if got := c.same(); !strings.HasSuffix(got, "learnt") {
		t.Fatalf("the learner holds %q", got)
	}
	want = process.Group{Voters: []process.ID{1, 2, 3, 4}}
	for {
		_, err := c.group(lead).Do(ctx, process.Members, process.AppendGroup(nil, want))
		var refused *node.RefusedError
		if errors.As(err, &refused) && (refused.Why == process.Behind || refused.Why == process.Changing) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		break
	}
	c.barrier(4)
	if s := c.apps[4].State(); !s.Group.Votes(4) {
		t.Fatalf("%+v", s)
	}
}

func TestTransfer(t *testing.T) {
	c := newCluster(t, 3, nil)
	was := c.leader()
	to := was%3 + 1
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	from := to%3 + 1 // neither
	for c.leader() != to {
		// A leader that does not get it done in an election's time goes on: whoever
		// wants it asks again.
		if _, err := c.group(from).Do(ctx, process.Transfer, []byte{byte(to)}); err != nil && ctx.Err() != nil {
			t.Fatal("the leader did not change")
		}
		patience, done := context.WithTimeout(ctx, time.Second)
		for c.leader() != to && patience.Err() == nil {
			_, changed := c.group(to).Status()
			select {
			case <-changed:
			case <-patience.Done():
			}
		}
		done()
	}
	if _, err := c.group(from).Do(ctx, process.Transfer, []byte{99}); err == nil {
		t.Fatal("a transfer to nobody succeeded")
	}
}

func TestWithoutQuorum(t *testing.T) {
	c := newCluster(t, 3, nil)
	c.do(1, "a")
	c.close(2)
	c.close(3)
	ctx, cancel := context.WithTimeout(t.Context(), 600*time.Millisecond)
	defer cancel()
	if _, err := c.group(1).Barrier(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a barrier without a quorum: %v", err)
	}
	if _, err := c.group(1).Do(ctx, process.Command, []byte("b")); err == nil {
		t.Error("a write without a quorum succeeded")
	}
	if n := c.group(1).Pending(); n != 0 {
		t.Errorf("%d requests are still pending", n)
	}
	c.open(2, c.founder)
	c.do(1, "c")
}

func TestBusy(t *testing.T) {
	c := newCluster(t, 3, func(o *node.Options) { o.Pending = 10 })
	c.do(1, "a")
	c.close(2)
	c.close(3)
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	var mu sync.Mutex
	busy := 0
	for range 30 {
		wg.Add(1)
		c.group(1).Submit(ctx, process.Command, []byte("x"), func(_ any, err error) {
			defer wg.Done()
			mu.Lock()
			defer mu.Unlock()
			if errors.Is(err, node.ErrBusy) {
				busy++
			}
		})
	}
	cancel()
	wg.Wait()
	if busy != 20 {
		t.Errorf("%d of 30 requests refused at once, with room for 10", busy)
	}
}

// TestLogGone: a member whose log was lost does not take part again, for it
// may have voted.
func TestLogGone(t *testing.T) {
	c := newCluster(t, 1, func(o *node.Options) { o.CompactEvery = 1 })
	for range 20 {
		c.do(1, "a")
	}
	c.close(1)
	if err := os.RemoveAll(filepath.Join(c.dirs[1], "wal")); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", c.addrs[1])
	if err != nil {
		t.Fatal(err)
	}
	app, err := openAppender(c.dirs[1], c.founder)
	if err != nil {
		t.Fatal(err)
	}
	o := node.Options{Self: 1, Cluster: 77, Dir: c.dirs[1], Protocol: raft.Protocol, Listener: l,
		Groups: map[uint32]process.Machine{1: app}, Started: true}
	if _, err := node.Open(o); !errors.Is(err, node.ErrLogGone) {
		t.Fatalf("it started: %v", err)
	}
}

// TestStateGone: a machine that lost what the log no longer has is not fed on.
func TestStateGone(t *testing.T) {
	c := newCluster(t, 1, func(o *node.Options) { o.CompactEvery = 1; o.Config.Trailing = 1 })
	for range 20 {
		c.do(1, "a")
	}
	c.close(1)
	if err := os.Remove(filepath.Join(c.dirs[1], "app")); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", c.addrs[1])
	if err != nil {
		t.Fatal(err)
	}
	app, err := openAppender(c.dirs[1], c.founder)
	if err != nil {
		t.Fatal(err)
	}
	o := node.Options{Self: 1, Cluster: 77, Dir: c.dirs[1], Protocol: raft.Protocol, Listener: l,
		Groups: map[uint32]process.Machine{1: app}, Started: true}
	if _, err := node.Open(o); err == nil || !strings.Contains(err.Error(), "the application lost") {
		t.Fatalf("it started: %v", err)
	}
}
