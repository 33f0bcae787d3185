package explore

import (
	"math/bits"
	"sync"
)

// A table is the set of visited states: open addressing with linear probing, in
// shards that each have a lock and grow by themselves, so that growing doubles
// the memory of one shard at a time.
type table struct {
	shards [1 << shardBits]shard
}

// shardBits: 256 shards make it rare that two of a few dozen cores meet.
const shardBits = 8

type shard struct {
	mu    sync.Mutex
	slots []slot
	used  int
	_     [24]byte // a cache line each
}

// A slot is free if its fingerprint is 0, which fingerprint never returns.
type slot struct {
	fp     uint64
	parent uint64 // 0: an initial state
}

const (
	slotBytes  = 16
	firstSlots = 64
)

// full reports whether a shard must grow: from three quarters on, the runs that
// a probe must pass get long.
func (s *shard) full() bool { return 4*(s.used+1) > 3*len(s.slots) }

// at returns where the fingerprint belongs: its bits below those that chose the
// shard, scaled to the number of slots (Lemire, "Fast Random Integer Generation
// in an Interval", 2019), so that a shard may grow by half.
func (s *shard) at(fp uint64) int {
	hi, _ := bits.Mul64(fp<<shardBits, uint64(len(s.slots)))
	return int(hi)
}

// find returns the slot of fp, or the free one where it belongs.
func (s *shard) find(fp uint64) *slot {
	i := s.at(fp)
	for s.slots[i].fp != fp && s.slots[i].fp != 0 {
		if i++; i == len(s.slots) {
			i = 0
		}
	}
	return &s.slots[i]
}

func (s *shard) grow() {
	old := s.slots
	s.slots = make([]slot, max(firstSlots, len(old)+len(old)/2))
	for i := range old {
		if old[i].fp != 0 {
			*s.find(old[i].fp) = old[i]
		}
	}
}

// add puts fp into the table and reports whether it was not there.
func (t *table) add(fp, parent uint64) bool {
	s := &t.shards[fp>>(64-shardBits)]
	s.mu.Lock()
	if s.full() {
		s.grow()
	}
	p := s.find(fp)
	fresh := p.fp == 0
	if fresh {
		*p = slot{fp, parent}
		s.used++
	}
	s.mu.Unlock()
	return fresh
}

// parent returns that of a state in the table.
func (t *table) parent(fp uint64) (parent uint64, ok bool) {
	s := &t.shards[fp>>(64-shardBits)]
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.slots) == 0 {
		return 0, false
	}
	p := s.find(fp)
	return p.parent, p.fp == fp
}

// size returns how many states the table has and how many bytes it takes.
func (t *table) size() (states, bytes uint64) {
	for i := range t.shards {
		s := &t.shards[i]
		s.mu.Lock()
		states += uint64(s.used)
		bytes += slotBytes * uint64(len(s.slots))
		s.mu.Unlock()
	}
	return states, bytes
}
