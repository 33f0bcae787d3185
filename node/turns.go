package node

import (
	"maps"
	"runtime"
	"slices"
	"sync"
	"time"
)

// A loop is one goroutine that gives its groups their turns. A group has a
// turn when something has come for it, or a timer of it is due. The loop
// gathers the groups that are ready and gives each a turn; one flush of the
// log, and one packet to each peer, serve all of them. So many groups cost
// little more than one that does all their work. With a goroutine each, every
// group would have flushes and packets of its own.
//
// A node has as many loops as it may use processors, and no more than groups.
// While a group loads an application's state, those on its loop wait.
type loop struct {
	n      *Node
	groups []*Group
	wake   chan struct{} // holds one wake-up

	mu    sync.Mutex
	ready []*Group // each once

	// Its own.
	spare []*Group      // the other slice
	due   time.Duration // no timer of a group is due before
	left  int           // groups that go on
}

// newLoops shares the groups out.
func (n *Node) newLoops() []*loop {
	loops := make([]*loop, min(len(n.groups), runtime.GOMAXPROCS(0)))
	for i := range loops {
		loops[i] = &loop{n: n, wake: make(chan struct{}, 1)}
	}
	for i, id := range slices.Sorted(maps.Keys(n.groups)) {
		g, l := n.groups[id], loops[i%len(loops)]
		g.loop = l
		l.groups = append(l.groups, g)
		l.left++
	}
	return loops
}

// rouse has the loop give the group a turn.
func (g *Group) rouse() {
	if g.roused.Swap(true) {
		return // it will have one
	}
	l := g.loop
	l.mu.Lock()
	l.ready = append(l.ready, g)
	l.mu.Unlock()
	select {
	case l.wake <- struct{}{}:
	default: // it will look anyway
	}
}

// run ends when the node closes or fails.
func (l *loop) run() {
	defer l.n.done.Done()
	for _, g := range l.groups {
		g.rouse()
	}
	alarm := time.NewTimer(time.Hour)
	defer alarm.Stop()
	for l.left > 0 {
		select {
		case <-l.wake:
		case <-alarm.C:
			l.ring()
		case <-l.n.failed:
			for _, g := range l.groups {
				l.end(g)
			}
			return
		}
		runtime.Gosched() // whoever else can run brings more first: fewer, larger batches
		l.round()
		alarm.Reset(max(0, l.due-l.n.clock()))
	}
}

// ring readies the groups whose time has come.
func (l *loop) ring() {
	now := l.n.clock()
	l.due = now + time.Hour
	for _, g := range l.groups {
		if g.ended {
			continue
		}
		if g.due <= now {
			g.rouse()
		} else {
			l.due = min(l.due, g.due)
		}
	}
}

// round gives a turn to each group that is ready.
func (l *loop) round() {
	l.mu.Lock()
	l.ready, l.spare = l.spare, l.ready
	l.mu.Unlock()
	saved := false
	for _, g := range l.spare {
		if g.ended {
			continue
		}
		g.roused.Store(false) // before it takes its inbox
		if !g.turn() {
			l.end(g)
			continue
		}
		l.due = min(l.due, g.due)
		saved = saved || g.saved
		g.saved = false
	}
	if saved {
		l.n.log.Flush()
	}
	clear(l.spare)
	l.spare = l.spare[:0]
}

// end fails what a group has in hand, and lets its applier end.
func (l *loop) end(g *Group) {
	if g.ended {
		return
	}
	g.ended = true
	l.left--
	g.app.close()
	g.failAll(ErrClosed)
}
