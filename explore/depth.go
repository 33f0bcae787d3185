package explore

import (
	"sync"
	"sync/atomic"
)

// A lot is the bags that a worker of a Depth search gave away, for those that
// have none left.
type lot struct {
	mu      sync.Mutex
	changed sync.Cond
	bags    []*bag
	hungry  atomic.Int64 // workers that wait
	workers int64
	over    bool
}

// give puts a bag into the lot.
func (l *lot) give(b *bag) {
	l.mu.Lock()
	l.bags = append(l.bags, b)
	l.mu.Unlock()
	l.changed.Signal()
}

// take waits for a bag. It returns nil when all workers wait, for then nothing
// more can come, or when the search has been halted.
func (l *lot) take() *bag {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.hungry.Add(1) == l.workers {
		l.over = l.over || len(l.bags) == 0
	}
	for len(l.bags) == 0 && !l.over {
		l.changed.Wait()
	}
	if l.over {
		l.changed.Broadcast()
		return nil
	}
	l.hungry.Add(-1)
	n := len(l.bags)
	b := l.bags[n-1]
	l.bags = l.bags[:n-1]
	return b
}

func (l *lot) end() {
	l.mu.Lock()
	l.over = true
	l.mu.Unlock()
	l.changed.Broadcast()
}

// depth expands the newest state first, in each worker.
func (s *search) depth() {
	l := &lot{workers: int64(len(s.workers))}
	l.changed.L = &l.mu
	s.workers[0].initial()
	s.level.Store(1)
	var running sync.WaitGroup
	for _, w := range s.workers {
		running.Go(func() {
			w.descend(l)
			w.show()
		})
	}
	running.Wait()
}

// boundEvery is how many states a worker expands between two looks at bounds.
const boundEvery = 256

func (w *worker) descend(l *lot) {
	var state []byte
	for n := 1; ; n++ {
		if n%boundEvery == 0 {
			w.show()
			w.s.bound()
		}
		if w.s.halted() {
			l.end()
			return
		}
		if state = w.pile.pop(state[:0]); state == nil {
			b := l.take()
			if b == nil {
				return
			}
			w.pile.bags = append(w.pile.bags, b)
			continue
		}
		w.expand(state)
		if l.hungry.Load() > 0 && len(w.pile.bags) > 1 {
			l.give(w.pile.shift()) // the oldest: most is below it
		}
	}
}
