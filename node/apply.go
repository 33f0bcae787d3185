package node

import (
	"fmt"
	"io"
	"runtime/debug"
	"sync"

	"althing/process"
)

// An applier runs a group's machine: the one goroutine that changes it. It
// takes its work in the order in which the loop gives it.
type applier struct {
	g       *Group
	mu      sync.Mutex
	work    sync.Cond
	tasks   []task
	reads   []waiting // confirmed, not yet applied that far
	applied uint64
	closed  bool
	ended   chan struct{}

	// The applier's own.
	session   uint64 // ours
	entries   []process.Entry
	sinceSync uint64        // entries
	sinceSize int           // bytes of them
	syncing   chan struct{} // nil: no sync is under way
}

// A task is entries to apply, or something to do between entries.
type task struct {
	entries []process.Entry
	do      func()
}

type waiting struct {
	index uint64
	batch *readBatch
}

const (
	// maxApply bounds the entries applied at once: enough to share the cost of
	// a batch of the storage engine, few enough not to delay reads.
	maxApply = 1024
	// compactBytes is how many bytes of commands may lie in the log before the
	// machine's state takes their place, however few entries they are.
	compactBytes = 64 << 20
)

func (a *applier) start(g *Group) {
	a.g, a.ended, a.applied = g, make(chan struct{}), g.machine.State().Index
	a.work.L = &a.mu
	go a.run()
}

func (a *applier) commit(es []process.Entry) { a.give(task{entries: es}) }

func (a *applier) give(t task) {
	a.mu.Lock()
	a.tasks = append(a.tasks, t)
	a.mu.Unlock()
	a.work.Signal()
}

// call has the applier do f, and waits. It returns false if the applier ended.
func (a *applier) call(f func()) bool {
	done := make(chan struct{})
	a.give(task{do: func() { f(); close(done) }})
	select {
	case <-done:
		return true
	case <-a.ended:
		return false
	}
}

// load puts the staged state in place of the machine's, and waits for it.
func (a *applier) load() {
	a.call(func() {
		if err := a.g.machine.Load(); err != nil {
			panic(fmt.Errorf("load a state: %w", err))
		}
		a.advance(a.g.machine.State().Index)
	})
}

// await answers a batch of reads once index is applied.
func (a *applier) await(index uint64, b *readBatch) {
	a.mu.Lock()
	late := index > a.applied
	if late {
		a.reads = append(a.reads, waiting{index, b})
	}
	a.mu.Unlock()
	if !late {
		b.finish(barrierDone{index: index})
	}
}

func (b *readBatch) finish(d barrierDone) {
	for _, w := range b.barriers {
		w.done <- d
	}
}

func (a *applier) run() {
	defer close(a.ended)
	defer func() {
		if r := recover(); r != nil {
			a.g.n.fail(fmt.Errorf("group %d: apply: %v\n%s", a.g.id, r, debug.Stack()))
		}
		if a.syncing != nil {
			<-a.syncing
		}
	}()
	var tasks []task
	for {
		a.mu.Lock()
		for len(a.tasks) == 0 && !a.closed {
			a.work.Wait()
		}
		if len(a.tasks) == 0 {
			a.mu.Unlock()
			return
		}
		tasks, a.tasks = a.tasks, tasks[:0]
		a.mu.Unlock()
		for i := range tasks {
			t := &tasks[i]
			a.entries = append(a.entries, t.entries...)
			if t.do != nil || i == len(tasks)-1 || len(a.entries) >= maxApply {
				a.apply()
			}
			if t.do != nil {
				t.do()
			}
		}
		clear(tasks)
	}
}

// apply applies what is gathered and tells those who wait for it.
func (a *applier) apply() {
	es := a.entries
	if len(es) == 0 {
		return
	}
	g, began := a.g, a.g.n.clock()
	g.machine.Apply(es, func(i int, result any) { a.result(&es[i], result) })
	last := es[len(es)-1].Index
	if hook := g.n.o.Hooks.Applied; hook != nil {
		hook(g.id, len(es), last, g.n.clock()-began)
	}
	for i := range es {
		a.sinceSize += len(es[i].Req.Cmd)
	}
	a.sinceSync += uint64(len(es))
	a.entries = es[:0]
	clear(es)
	a.advance(last)
	a.compact()
}

// result looks whether an entry is one of ours, and finishes it.
func (a *applier) result(e *process.Entry, result any) {
	g := a.g
	if e.Req.Kind == process.Session && e.Req.Client == g.req.nonceOf.Load() && a.session == 0 {
		a.session = e.Index
		g.bring(func(in *inbox) { in.session = e.Index })
		return
	}
	if e.Req.Client != a.session || a.session == 0 || e.Req.Kind == process.Session {
		return
	}
	c := g.req.numbered(e.Req.Seq)
	if c == nil {
		return
	}
	if s, ok := result.(process.Skipped); ok && s.Skipped() {
		// It was in a state that we took from another member, or our session is
		// closed: we cannot tell what became of it.
		a.session = 0
		g.bring(func(in *inbox) { in.reopen = true })
		g.req.finish(g, c, nil, ErrLost)
		return
	}
	g.req.finish(g, c, result, nil)
}

// advance makes index the last that is applied and answers reads.
func (a *applier) advance(index uint64) {
	a.g.applied.Store(index)
	a.mu.Lock()
	a.applied = index
	var ready []waiting
	rest := a.reads[:0]
	for _, w := range a.reads {
		if w.index <= index {
			ready = append(ready, w)
		} else {
			rest = append(rest, w)
		}
	}
	clear(a.reads[len(rest):])
	a.reads = rest
	a.mu.Unlock()
	for _, w := range ready {
		w.batch.finish(barrierDone{index: w.index})
	}
}

// compact makes a checkpoint when much was applied since the last one.
func (a *applier) compact() {
	if a.sinceSync >= a.g.n.o.CompactEvery || a.sinceSize >= compactBytes {
		a.checkpoint()
	}
}

// checkpoint makes the machine's state durable, so that the log can forget
// what is in it. Applying goes on meanwhile. One that is under way serves.
func (a *applier) checkpoint() {
	if a.syncing != nil {
		select {
		case <-a.syncing:
			a.syncing = nil
		default:
			return
		}
	}
	a.sinceSync, a.sinceSize = 0, 0
	a.syncing = make(chan struct{})
	go func(done chan struct{}) {
		defer close(done)
		s, err := a.g.machine.Sync()
		if err != nil {
			a.g.n.fail(fmt.Errorf("group %d: make the state durable: %w", a.g.id, err))
			return
		}
		a.g.bring(func(in *inbox) { in.compact = &s })
	}(a.syncing)
}

// stage takes in a state that comes from another member.
func (a *applier) stage(body io.Reader) (s process.State, err error) {
	err = ErrClosed
	a.call(func() { s, err = a.g.machine.Stage(body) })
	return s, err
}

// close ends the applier once it has done what it was given, and fails the
// reads that still wait.
func (a *applier) close() {
	a.mu.Lock()
	a.closed = true
	a.mu.Unlock()
	a.work.Signal()
	<-a.ended
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, w := range a.reads {
		w.batch.finish(barrierDone{err: ErrClosed})
	}
	a.reads = nil
}
