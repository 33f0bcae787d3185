package maelstrom

import (
	"encoding/json"
	"slices"
	"strconv"
	"time"

	"althing/crdt"
	"althing/process"
)

const (
	// gossipEvery is how often a peer is told what it has not acknowledged.
	gossipEvery = 100 * time.Millisecond
	// gossipKept is how many changes are kept for peers that are cut off; one
	// further behind is sent the whole state.
	gossipKept = 4096
)

// gossip is a workload on data that nodes change apart and join.
type gossip[T any, S crdt.State[T]] struct {
	*node
	state S
	box   *crdt.Outbox[T, S]
	next  time.Time

	// add changes the state; a delta without an error is news.
	add func(b *body) (delta S, answer body)
	// value is what a read shows.
	value func() json.RawMessage
}

func newGossip[T any, S crdt.State[T]](n *node, s S) *gossip[T, S] {
	var peers []uint64
	for i := range n.names {
		if id := uint64(i + 1); id != uint64(n.self) {
			peers = append(peers, id)
		}
	}
	life := uint64(time.Now().UnixNano())
	return &gossip[T, S]{node: n, state: s, box: crdt.NewOutbox(s, gossipKept, life, peers...)}
}

func newSet(n *node) workload {
	s := new(crdt.GSet)
	g := newGossip(n, s)
	g.add = func(b *body) (*crdt.GSet, body) {
		if f, ok := canonicalise(&b.Element); !ok {
			return nil, f
		}
		return s.Add(string(b.Element)), body{Type: "add_ok"}
	}
	g.value = func() json.RawMessage { return list(slices.Collect(s.All())) }
	return g
}

func newCounter(n *node) workload {
	c := new(crdt.GCounter)
	g := newGossip(n, c)
	g.add = func(b *body) (*crdt.GCounter, body) {
		if b.Delta == nil || *b.Delta < 0 {
			return nil, fault(malformed, "expected a delta of 0 or more")
		}
		delta, err := c.Add(uint64(n.self), uint64(*b.Delta))
		if err != nil {
			return nil, fault(aborted, "%v", err)
		}
		return delta, body{Type: "add_ok"}
	}
	g.value = func() json.RawMessage { return strconv.AppendUint(nil, c.Value(), 10) }
	return g
}

func newUpDown(n *node) workload {
	c := new(crdt.PNCounter)
	g := newGossip(n, c)
	g.add = func(b *body) (*crdt.PNCounter, body) {
		if b.Delta == nil {
			return nil, fault(malformed, "expected a delta")
		}
		delta, err := c.Add(uint64(n.self), *b.Delta)
		if err != nil {
			return nil, fault(aborted, "%v", err)
		}
		return delta, body{Type: "add_ok"}
	}
	g.value = func() json.RawMessage { return strconv.AppendInt(nil, c.Value(), 10) }
	return g
}

func (g *gossip[T, S]) request(m *message) error {
	switch m.Body.Type {
	case "add":
		delta, answer := g.add(&m.Body)
		if delta != nil {
			g.box.Put(delta)
		}
		g.reply(m, answer)
	case "read":
		g.reply(m, body{Type: "read_ok", Value: g.value()})
	default:
		return g.strange(m)
	}
	return nil
}

// peer joins what came. It is not passed on: its author tells all.
func (g *gossip[T, S]) peer(from process.ID, b *body) error {
	switch b.Type {
	case typeDelta:
		s := S(new(T))
		if s.UnmarshalBinary(b.Data) != nil {
			return nil // as good as lost
		}
		g.state.Join(s)
		g.send(from, body{Type: typeAck, Number: b.Number})
	case typeAck:
		g.box.Acked(uint64(from), b.Number)
	}
	return nil
}

func (g *gossip[T, S]) wake(now time.Time) (time.Time, error) {
	if now.Before(g.next) {
		return g.next, nil
	}
	g.next = now.Add(gossipEvery)
	for i := range g.names {
		if i+1 == int(g.self) {
			continue
		}
		delta, number := g.box.For(uint64(i + 1))
		if delta == nil {
			continue
		}
		data, err := delta.AppendBinary(nil)
		if err != nil {
			return g.next, err
		}
		g.send(process.ID(i+1), body{Type: typeDelta, Number: number, Data: data})
	}
	return g.next, nil
}
