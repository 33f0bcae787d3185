package durable

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"time"

	"althing/node"
	"althing/process"
)

// trailing is how many applied entries stay in a member's log, of all groups
// together, so that a member a little behind is sent entries and not a state.
// Hashicorp's default is the same.
const trailing = 10_240

// patience bounds the wait for a leader.
const patience = 20 * time.Second

// ours is a member on package node.
type ours struct {
	protocol process.Protocol
	id       process.ID
	dir      string
	many     int // groups
	listener net.Listener
	node     *node.Node
	groups   []*node.Group
}

func openAlthing(p process.Protocol, id int, dir string, groups int) (*ours, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	return &ours{protocol: p, id: process.ID(id), dir: dir, many: groups, listener: l}, err
}

func (o *ours) addr() string { return o.listener.Addr().String() }

func (o *ours) join(peers []string) error {
	var founders process.Group
	for i := range peers {
		founders.Voters = append(founders.Voters, process.ID(i+1))
	}
	machines := make(map[uint32]process.Machine)
	for g := range uint32(o.many) {
		machines[g+1] = newCounter(filepath.Join(o.dir, fmt.Sprintf("state-%d", g+1)), founders)
	}
	n, err := node.Open(node.Options{
		Self: o.id, Cluster: 1, Dir: filepath.Join(o.dir, "log"), Protocol: o.protocol,
		Config: process.Config{Trailing: trailing / uint64(o.many)}, Listener: o.listener, Groups: machines,
		Log: slog.New(slog.NewTextHandler(os.Stderr, nil)),
	})
	if err != nil {
		return fmt.Errorf("open the node: %w", err)
	}
	o.node = n
	for i, addr := range peers {
		if id := process.ID(i + 1); id != o.id {
			n.SetPeer(id, addr)
		}
	}
	for g := range uint32(o.many) {
		o.groups = append(o.groups, n.Group(g+1))
	}
	return o.lead()
}

// lead waits until all groups are led. The first member, which is the one that
// proposes, has them handed to it, unless the protocol knows no such thing:
// then any replica may propose.
func (o *ours) lead() error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for _, g := range o.groups {
		for {
			s, changed := g.Status()
			if s.Leader == 1 || o.id != 1 && s.Leader != 0 {
				break
			}
			if s.Leader != 0 {
				_, err := g.Do(ctx, process.Transfer, binary.AppendUvarint(nil, 1))
				refused := new(node.RefusedError)
				if err != nil && !errors.As(err, &refused) {
					return fmt.Errorf("take over: %w", err)
				}
				if err != nil && refused.Why == process.Unsupported {
					break
				}
			}
			select {
			case <-changed:
			case <-time.After(100 * time.Millisecond): // ask again
			case <-ctx.Done():
				return fmt.Errorf("wait for member 1 to lead: %w", ctx.Err())
			}
		}
	}
	return nil
}

func (o *ours) propose(proposer int, cmd []byte) error {
	_, err := o.groups[proposer%len(o.groups)].Do(context.Background(), process.Command, cmd)
	return err
}

func (o *ours) close() error {
	if o.node == nil {
		return o.listener.Close()
	}
	return o.node.Close()
}

// calling is a member whose proposers are called back.
type calling struct{ *ours }

func (c calling) start(proposer int, cmd []byte, done func(error)) {
	g := c.groups[proposer%len(c.groups)]
	g.Submit(context.Background(), process.Command, cmd, func(_ any, err error) { done(err) })
}
