package group

import (
	"sync"
	"sync/atomic"
)

// A pool gives equal things one number, so that a state that is made of them is
// a few numbers. What is in a pool never changes and never leaves. Reading it
// takes no lock.
type pool[T any] struct {
	mu    sync.Mutex
	ids   map[string]uint32
	from  []origin // of each
	items atomic.Pointer[[]*T]
}

// number returns that of the thing whose canonical bytes are key, and puts it
// into the pool if it is new there: from is how it came about.
func (p *pool[T]) number(key []byte, x *T, from origin) uint32 {
	p.mu.Lock()
	defer p.mu.Unlock()
	if id, ok := p.ids[string(key)]; ok {
		return id
	}
	if p.ids == nil {
		p.ids = map[string]uint32{}
	}
	var items []*T
	if old := p.items.Load(); old != nil {
		items = *old
	}
	id := uint32(len(items))
	items = append(items, x) // beyond what any reader has seen
	p.from = append(p.from, from)
	p.items.Store(&items)
	p.ids[string(key)] = id
	return id
}

// at returns the thing with a number.
func (p *pool[T]) at(id uint32) *T { return (*p.items.Load())[id] }

// len returns how many things there are.
func (p *pool[T]) len() int {
	if items := p.items.Load(); items != nil {
		return len(*items)
	}
	return 0
}
