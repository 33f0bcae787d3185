package solo

import (
	"fmt"
	"io"
	"log"

	etcd "go.etcd.io/raft/v3"
	pb "go.etcd.io/raft/v3/raftpb"
)

// theirs is a group of go.etcd.io/raft RawNodes over its MemoryStorage.
type theirs struct {
	nodes   [3]*etcd.RawNode
	stores  [3]*etcd.MemoryStorage
	queue   []*pb.Message
	value   []byte
	joined  bool // a batch is one proposal of many entries, not many proposals
	applied [3]uint64
	at      uint64 // of the last compaction
}

// keep is how many entries a compaction leaves, as for ours.
const keep = 1000

func newEtcd(joined bool) func() (group, error) {
	return func() (group, error) {
		t := &theirs{value: make([]byte, valueBytes), joined: joined}
		quiet := &etcd.DefaultLogger{Logger: log.New(io.Discard, "", 0)}
		for i := range t.nodes {
			t.stores[i] = etcd.NewMemoryStorage()
			meta := pb.SnapshotMetadata{
				Index: new(uint64(1)), Term: new(uint64(1)), ConfState: &pb.ConfState{Voters: []uint64{1, 2, 3}},
			}
			if err := t.stores[i].ApplySnapshot(&pb.Snapshot{Metadata: &meta}); err != nil {
				return nil, fmt.Errorf("found server %d: %w", i+1, err)
			}
			var err error
			t.nodes[i], err = etcd.NewRawNode(&etcd.Config{
				ID: uint64(i + 1), ElectionTick: 10, HeartbeatTick: 1, Storage: t.stores[i], Applied: 1,
				MaxSizePerMsg: 1 << 20, MaxInflightMsgs: 256, PreVote: true, CheckQuorum: true, Logger: quiet,
			})
			if err != nil {
				return nil, fmt.Errorf("start server %d: %w", i+1, err)
			}
		}
		if err := t.nodes[0].Campaign(); err != nil {
			return nil, err
		}
		if err := t.run(); err != nil {
			return nil, err
		}
		if s := t.nodes[0].Status(); s.RaftState != etcd.StateLeader {
			return nil, fmt.Errorf("server 1 is %v", s.RaftState)
		}
		return t, nil
	}
}

// run hands on messages until nobody has anything more to do.
func (t *theirs) run() error {
	for busy := true; busy; {
		busy = false
		for i, n := range t.nodes {
			for n.HasReady() {
				busy = true
				if err := t.handle(i, n); err != nil {
					return err
				}
			}
		}
		for i := 0; i < len(t.queue); i++ {
			m := t.queue[i]
			if err := t.nodes[m.GetTo()-1].Step(m); err != nil {
				return fmt.Errorf("step server %d: %w", m.GetTo(), err)
			}
			busy = true
		}
		clear(t.queue)
		t.queue = t.queue[:0]
	}
	return nil
}

func (t *theirs) handle(i int, n *etcd.RawNode) error {
	rd := n.Ready()
	if rd.HardState != nil && !etcd.IsEmptyHardState(rd.HardState) {
		if err := t.stores[i].SetHardState(rd.HardState); err != nil {
			return err
		}
	}
	if err := t.stores[i].Append(rd.Entries); err != nil {
		return err
	}
	t.queue = append(t.queue, rd.Messages...)
	for _, e := range rd.CommittedEntries {
		if len(e.Data) > 0 {
			t.applied[i]++
		}
	}
	n.Advance(rd)
	return nil
}

func (t *theirs) commit(n int) error {
	want := t.applied
	for i := range want {
		want[i] += uint64(n)
	}
	if err := t.propose(n); err != nil {
		return fmt.Errorf("propose: %w", err)
	}
	if err := t.run(); err != nil {
		return err
	}
	if t.applied != want {
		return errStuck
	}
	if t.applied[0] >= t.at+compactEvery {
		t.at = t.applied[0]
		for i, s := range t.stores {
			if err := s.Compact(t.nodes[i].BasicStatus().Applied - keep); err != nil {
				return fmt.Errorf("compact server %d: %w", i+1, err)
			}
		}
	}
	return nil
}

func (t *theirs) propose(n int) error {
	if !t.joined {
		for range n {
			if err := t.nodes[0].Propose(t.value); err != nil {
				return err
			}
		}
		return nil
	}
	es := make([]*pb.Entry, n)
	for i := range es {
		es[i] = &pb.Entry{Data: t.value}
	}
	return t.nodes[0].Step(&pb.Message{Type: pb.MsgProp.Enum(), From: new(uint64(1)), Entries: es})
}
