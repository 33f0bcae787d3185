package etcd_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"

	"althing/etcd"
	"althing/front"
	"althing/internal/freeport"
	"althing/kv"
	"althing/node"
	"althing/process"
	"althing/protocol/raft"
)

const (
	clusterID = 0xa17
	group     = 1
	election  = 600 * time.Millisecond
	patience  = 20 * time.Second // of a test that polls: far beyond what it should take
)

// A cluster is members in one process, with real logs, disks and connections.
type cluster struct {
	t       testing.TB
	limits  etcd.Limits
	members map[process.ID]*member
	records []kv.Member
}

type member struct {
	id           process.ID
	dir          string
	peer, client string
	listeners    []net.Listener
	store        *kv.Store
	node         *node.Node
	server       *etcd.Server
	front        *front.Server
}

func memberID(id process.ID) uint64 { return 0x1000 + uint64(id) }

func newCluster(t testing.TB, n int, limits etcd.Limits) *cluster {
	c := &cluster{t: t, limits: limits, members: map[process.ID]*member{}}
	var voters process.Group
	for id := process.ID(1); int(id) <= n; id++ {
		m := c.place(id)
		voters.Voters = append(voters.Voters, id)
		c.records = append(c.records, kv.Member{
			Replica: uint16(id), ID: memberID(id), PeerURLs: []string{"http://" + m.peer},
		})
	}
	for _, id := range voters.Voters {
		c.start(id, voters)
	}
	t.Cleanup(c.close)
	return c
}

// place gives a member its directory and its addresses.
func (c *cluster) place(id process.ID) *member {
	c.t.Helper()
	m := &member{id: id, dir: c.t.TempDir()}
	for range 2 {
		l, err := net.Listen("tcp", freeport.Addr(c.t))
		if err != nil {
			c.t.Fatal(err)
		}
		m.listeners = append(m.listeners, l)
	}
	m.peer, m.client = m.listeners[0].Addr().String(), m.listeners[1].Addr().String()
	c.members[id] = m
	return m
}

func (c *cluster) start(id process.ID, voters process.Group) {
	c.t.Helper()
	m := c.members[id]
	o := kv.Options{Dir: filepath.Join(m.dir, "kv"), CacheBytes: 8 << 20, MemTableBytes: 1 << 20}
	if len(voters.Voters) > 0 {
		o.Group, o.Members = voters, c.records
	}
	var err error
	if m.store, err = kv.Open(o); err != nil {
		c.t.Fatal(err)
	}
	no := node.Options{
		Self: id, Cluster: clusterID, Dir: filepath.Join(m.dir, "node"), Protocol: raft.Protocol,
		Config: process.Config{
			Heartbeat: 40 * time.Millisecond,
			Election:  process.Span{Min: 300 * time.Millisecond, Max: election},
		},
		Listener: m.listeners[0], Groups: map[uint32]process.Machine{group: m.store},
		Log: slog.New(slog.DiscardHandler),
	}
	no.SegmentBytes = 1 << 20
	if m.node, err = node.Open(no); err != nil {
		c.t.Fatal(err)
	}
	for other, p := range c.members {
		if other != id {
			m.node.SetPeer(other, p.peer)
		}
	}
	m.server, err = etcd.New(etcd.Options{
		Store: m.store, Group: m.node.Group(group), Node: m.node, Cluster: clusterID,
		Member: c.recordOf(id).ID, Self: id, Name: fmt.Sprintf("m%d", id),
		ClientURLs: []string{"http://" + m.client}, Election: election, Limits: c.limits,
		Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		c.t.Fatal(err)
	}
	m.front = m.server.Front(nil, nil)
	l := m.listeners[1]
	go m.front.Serve(l) // ends with stop
}

func (c *cluster) recordOf(id process.ID) *kv.Member {
	for i := range c.records {
		if c.records[i].Replica == uint16(id) {
			return &c.records[i]
		}
	}
	c.t.Fatalf("no record of member %d", id)
	return nil
}

// stop ends a member as a crash of its process would: nothing is made durable.
func (c *cluster) stop(id process.ID) {
	c.t.Helper()
	m := c.members[id]
	if m.node == nil {
		return
	}
	m.front.Stop()
	err := errors.Join(m.server.Close(), m.node.Close(), m.store.Close())
	if err != nil {
		c.t.Errorf("stop member %d: %v", id, err)
	}
	m.node = nil
}

// restart starts a member that was stopped, where it was.
func (c *cluster) restart(id process.ID) {
	c.t.Helper()
	m := c.members[id]
	for i, address := range []string{m.peer, m.client} {
		l, err := net.Listen("tcp", address)
		if err != nil {
			c.t.Fatal(err)
		}
		m.listeners[i] = l
	}
	c.start(id, process.Group{})
}

// cut takes the wires between a member and all others away.
func (c *cluster) cut(id process.ID) {
	for other, m := range c.members {
		if other != id {
			m.node.RemovePeer(id)
			c.members[id].node.RemovePeer(other)
		}
	}
}

// heal puts them back.
func (c *cluster) heal(id process.ID) {
	for other, m := range c.members {
		if other != id {
			m.node.SetPeer(id, c.members[id].peer)
			c.members[id].node.SetPeer(other, m.peer)
		}
	}
}

func (c *cluster) close() {
	for id := range c.members {
		c.stop(id)
	}
}

// dial returns a client of the members named, or of all.
func (c *cluster) dial(ids ...process.ID) *clientv3.Client {
	c.t.Helper()
	var endpoints []string
	for id, m := range c.members {
		if len(ids) == 0 {
			endpoints = append(endpoints, m.client)
		}
		for _, want := range ids {
			if want == id {
				endpoints = append(endpoints, m.client)
			}
		}
	}
	client, err := clientv3.New(clientv3.Config{
		Endpoints: endpoints, DialTimeout: patience, Logger: zap.NewNop(),
	})
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { client.Close() })
	return client
}

// leader waits until all members that run agree on one.
func (c *cluster) leader() process.ID {
	c.t.Helper()
	var leader process.ID
	c.until("a leader that all know", func() bool {
		leader = 0
		for _, m := range c.members {
			if m.node == nil {
				continue
			}
			st, _ := m.node.Group(group).Status()
			if st.Leader == 0 || leader != 0 && st.Leader != leader {
				return false
			}
			leader = st.Leader
		}
		m := c.members[leader]
		return m != nil && m.node != nil
	})
	return leader
}

// follower returns a member that does not lead.
func (c *cluster) follower() process.ID {
	leader := c.leader()
	for id := range c.members {
		if id != leader && c.members[id].node != nil {
			return id
		}
	}
	c.t.Fatal("no follower")
	return 0
}

// until polls.
func (c *cluster) until(what string, done func() bool) {
	c.t.Helper()
	for deadline := time.Now().Add(patience); !done(); {
		if time.Now().After(deadline) {
			c.t.Fatalf("waited in vain for %s", what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func testContext(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

// must fails the test at an error, and passes the value on.
func must[T any](t testing.TB) func(v T, err error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func put(t testing.TB, c *clientv3.Client, key, value string, opts ...clientv3.OpOption) int64 {
	t.Helper()
	return must[*clientv3.PutResponse](t)(c.Put(testContext(t), key, value, opts...)).Header.Revision
}

func get(t testing.TB, c *clientv3.Client, key string, opts ...clientv3.OpOption) *clientv3.GetResponse {
	t.Helper()
	return must[*clientv3.GetResponse](t)(c.Get(testContext(t), key, opts...))
}

func values(r *clientv3.GetResponse) string {
	var b strings.Builder
	for _, e := range r.Kvs {
		fmt.Fprintf(&b, "%s=%s ", e.Key, e.Value)
	}
	return strings.TrimSpace(b.String())
}
