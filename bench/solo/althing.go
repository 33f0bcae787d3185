package solo

import (
	"errors"

	"althing/process"
	"althing/protocol/raft"
)

// ours is a group of any protocol on the contract.
type ours struct {
	servers [3]process.Process
	timers  [3]process.Timer // that each armed last
	out     process.Output
	queue   []delivery
	reqs    []process.Request
	applied [3]uint64
	at      uint64 // of the last compaction
}

type delivery struct {
	from, to process.ID
	msg      process.Msg
}

var errStuck = errors.New("commands were not decided")

func newOurs() (group, error) {
	c := &ours{}
	s := process.State{Group: process.Group{Voters: []process.ID{1, 2, 3}}}
	for i := range c.servers {
		id := process.ID(i + 1)
		c.servers[i] = raft.Protocol.New(process.Config{Self: id, Trailing: 1000})
		c.step(id, process.Input{Kind: process.Start, State: &s})
	}
	c.step(1, process.Input{Kind: process.Timeout, Timer: c.timers[0]}) // to be elected
	c.deliver()
	if c.servers[0].Status().Leader != 1 {
		return nil, errors.New("server 1 was not elected")
	}
	return c, nil
}

func (c *ours) step(id process.ID, in process.Input) {
	c.servers[id-1].Step(in, &c.out)
	for i := range c.out.Effects {
		switch e := &c.out.Effects[i]; e.Kind {
		case process.Send, process.SendNow:
			c.queue = append(c.queue, delivery{id, e.To, e.Msg})
		case process.SetTimer:
			c.timers[id-1] = e.Timer
		case process.Commit:
			c.applied[id-1] += uint64(len(e.Entries))
		}
	}
	c.out.Reset()
}

func (c *ours) deliver() {
	for i := 0; i < len(c.queue); i++ { // a step may add to it
		d := c.queue[i]
		c.step(d.to, process.Input{Kind: process.Receive, From: d.from, Msg: d.msg})
	}
	clear(c.queue)
	c.queue = c.queue[:0]
}

func (c *ours) commit(n int) error {
	if len(c.reqs) != n {
		c.reqs = make([]process.Request, n)
		for i := range c.reqs {
			c.reqs[i] = process.Request{Client: 1, Seq: 1, Cmd: make([]byte, valueBytes)}
		}
	}
	want := c.applied[0] + uint64(n) // on all: who was behind has caught up by then
	c.step(1, process.Input{Kind: process.Submit, Reqs: c.reqs})
	c.deliver()
	if c.applied != [3]uint64{want, want, want} {
		return errStuck
	}
	if c.applied[0] >= c.at+compactEvery {
		c.at = c.applied[0]
		for id := process.ID(1); id <= 3; id++ {
			s := process.State{Index: c.servers[id-1].Status().Commit}
			c.step(id, process.Input{Kind: process.Compact, State: &s})
		}
	}
	return nil
}
