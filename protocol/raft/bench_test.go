package raft

import (
	"fmt"
	"testing"

	"althing/process"
)

// cluster is three servers in one goroutine, with disks that are done at once
// and a network that keeps order: nothing but the protocol is measured.
type cluster struct {
	servers [3]process.Process
	out     process.Output
	queue   []delivery
	steps   int
	applied uint64
}

type delivery struct {
	from, to process.ID
	msg      process.Msg
}

func newCluster(tb testing.TB) *cluster {
	c := &cluster{}
	s := process.State{Group: process.Group{Voters: []process.ID{1, 2, 3}}}
	for i := range c.servers {
		c.servers[i] = New(process.Config{Self: process.ID(i + 1), Trailing: 1000})
		c.step(process.ID(i+1), process.Input{Kind: process.Start, State: &s})
	}
	c.step(1, process.Input{Kind: process.Timeout, Timer: election})
	c.run()
	if c.servers[0].Status().Role != "leader" {
		tb.Fatal("server 1 was not elected")
	}
	return c
}

func (c *cluster) step(id process.ID, in process.Input) {
	c.steps++
	c.servers[id-1].Step(in, &c.out)
	for i := range c.out.Effects {
		switch e := &c.out.Effects[i]; e.Kind {
		case process.Send, process.SendNow:
			c.queue = append(c.queue, delivery{id, e.To, e.Msg})
		case process.Commit:
			if id == 1 {
				c.applied += uint64(len(e.Entries))
			}
		}
	}
	c.out.Reset()
}

func (c *cluster) run() {
	for i := 0; i < len(c.queue); i++ {
		d := c.queue[i]
		c.step(d.to, process.Input{Kind: process.Receive, From: d.from, Msg: d.msg})
	}
	c.queue = c.queue[:0]
}

// BenchmarkThreeServers commits entries of 256 bytes on three servers. It
// reports the cost of a Step and of an entry, over all three.
func BenchmarkThreeServers(b *testing.B) {
	for _, batch := range []int{1, 64} {
		b.Run(fmt.Sprintf("batch=%d", batch), func(b *testing.B) {
			c := newCluster(b)
			reqs := make([]process.Request, batch)
			for i := range reqs {
				reqs[i] = process.Request{Client: 1, Seq: 1, Cmd: make([]byte, 256)}
			}
			c.steps, c.applied = 0, 0
			b.ReportAllocs()
			b.ResetTimer()
			for n := 0; n < b.N; n += batch {
				c.step(1, process.Input{Kind: process.Submit, Reqs: reqs})
				c.run()
				if c.applied%8192 == 0 {
					for id := process.ID(1); id <= 3; id++ {
						s := process.State{Index: c.servers[id-1].Status().Commit}
						c.step(id, process.Input{Kind: process.Compact, State: &s})
					}
				}
			}
			ns := float64(b.Elapsed().Nanoseconds())
			b.ReportMetric(ns/float64(c.steps), "ns/step")
			b.ReportMetric(ns/float64(c.applied), "ns/entry")
			b.ReportMetric(float64(c.steps)/float64(c.applied), "steps/entry")
		})
	}
}
