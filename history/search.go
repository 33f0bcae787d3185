package history

import (
	"cmp"
	"math"
	"math/bits"
	"slices"
	"time"
)

// Limits of a search. Beyond them the answer is Unknown, or another's.
const (
	maxPending = 128     // operations at once: bits of a mask
	maxConfigs = 1 << 18 // configurations at once, about 100 MiB with their orders
)

// A mask is a set of slots, each of which a pending operation holds from its
// call to its response; an open one keeps its slot for ever.
type mask [2]uint64

func (m mask) has(slot int) bool  { return m[slot>>6]>>(slot&63)&1 == 1 }
func (m *mask) set(slot int)      { m[slot>>6] |= 1 << (slot & 63) }
func (m *mask) clear(slot int)    { m[slot>>6] &^= 1 << (slot & 63) }
func (m mask) minus(n mask) mask  { return mask{m[0] &^ n[0], m[1] &^ n[1]} }
func (m mask) and(n mask) mask    { return mask{m[0] & n[0], m[1] & n[1]} }
func (m mask) within(n mask) bool { return m[0]&^n[0] == 0 && m[1]&^n[1] == 0 }

func (m mask) each(f func(slot int)) {
	for w, word := range m {
		for ; word != 0; word &= word - 1 {
			f(w<<6 + bits.TrailingZeros64(word))
		}
	}
}

// A step is the end of an order: its last operation, and the order before it.
// Orders share their beginnings, and those that lead nowhere are collected.
type step struct {
	before *step
	op     int32
}

// A config is one way to explain the past: which pending operations have taken
// effect, and the state they left.
type config struct {
	state uint32 // its number in search.states
	done  mask
	last  *step
}

// A search judges one object by going through the responses in order of time,
// with all configurations that explain what has been answered so far. Only
// when a response comes must its operation take effect, and then as many
// pending ones before it as make it possible: just in time (Lowe, "Testing for
// linearizability", 2017, §4). What has been answered is forgotten, so memory
// grows with how many operations are pending at once and not with the history.
//
// Three rules keep the configurations few, and lose no verdict. An operation
// that changes nothing takes effect as soon as its result is right. And of two
// configurations that differ in open operations alone, the one that used more
// of them is dropped: whatever it can still do, the other can. And values that
// nobody will see again are one and the same, as are items that nobody takes
// (future.go).
type search struct {
	ops    []Op
	on     []int32
	wild   func(state string) []string // other states that may follow any; nil: none
	first  []string                    // the states that it may begin with; nil: ""
	future *future                     // nil: not known
	line   *line                       // nil: not known
	states []string
	number map[string]uint32
	until  []time.Duration // by state: when it is seen last

	slot    []uint8           // by place in on
	held    [maxPending]int32 // by slot: the operation, as a place in on
	pending mask
	open    mask // of those pending, the open ones
	idle    mask // of those pending, the ones that change nothing

	now      time.Duration // of the response
	configs  []config
	found    closure // of one response
	front    closure
	most     int       // of them; 0: maxConfigs
	deadline time.Time // zero: none
	steps    int
	late     bool
	wide     bool
}

// An event is a call or a response.
type event struct {
	at       time.Duration
	place    int32 // in on
	response bool
}

// events orders calls and responses in time; of those at the same instant the
// calls come first, so that they are concurrent.
func events(ops []Op, on []int32) []event {
	all := make([]event, 0, 2*len(on))
	for place, i := range on {
		all = append(all, event{ops[i].Call, int32(place), false})
		if !ops[i].Open {
			all = append(all, event{ops[i].Return, int32(place), true})
		}
	}
	slices.SortFunc(all, func(a, b event) int {
		if a.at != b.at {
			return cmp.Compare(a.at, b.at)
		}
		if a.response != b.response {
			return map[bool]int{true: 1, false: -1}[a.response]
		}
		return cmp.Compare(a.place, b.place)
	})
	return all
}

// run searches. If there is no order, failed is the operation, as an index of
// ops, whose response none of the configurations can explain.
func (s *search) run() (v Verdict, order []int32, failed int32) {
	s.number = map[string]uint32{}
	s.slot = make([]uint8, len(s.on))
	if s.most == 0 {
		s.most = maxConfigs
	}
	if s.wild == nil {
		s.future, s.line = foresee(s.ops, s.on), queue(s.ops, s.on)
	}
	s.found.s, s.front.s = s, s
	if s.first == nil {
		s.first = []string{""}
	}
	for _, state := range s.first {
		s.others(config{state: s.intern(state)}, s.found.add)
	}
	s.configs = s.found.kept(nil)
	free := mask{math.MaxUint64, math.MaxUint64}
	for _, e := range events(s.ops, s.on) {
		o := &s.ops[s.on[e.place]]
		if !e.response {
			if o.Open && o.idle() {
				continue // it changed nothing and nobody saw it
			}
			slot := bits.TrailingZeros64(free[0])
			if slot == 64 {
				slot += bits.TrailingZeros64(free[1])
			}
			if slot == maxPending {
				s.wide = true
				return Unknown, nil, 0
			}
			free.clear(slot)
			s.call(o, e.place, slot)
			continue
		}
		slot := int(s.slot[e.place])
		s.now = e.at
		if !s.respond(slot) {
			if s.late || s.wide {
				return Unknown, nil, 0
			}
			return Illegal, nil, s.on[e.place]
		}
		s.pending.clear(slot)
		s.idle.clear(slot)
		free.set(slot)
	}
	for at := s.configs[0].last; at != nil; at = at.before {
		order = append(order, at.op)
	}
	slices.Reverse(order)
	return OK, order, 0
}

func (s *search) intern(state string) uint32 {
	n, ok := s.number[state]
	if !ok {
		n = uint32(len(s.states))
		s.number[state] = n
		s.states = append(s.states, state)
	}
	return n
}

// call gives an operation its slot. If it changes nothing it takes effect at
// once wherever its result is right.
func (s *search) call(o *Op, place int32, slot int) {
	s.slot[place], s.held[slot] = uint8(slot), place
	s.pending.set(slot)
	if o.Open {
		s.open.set(slot)
	}
	if o.idle() {
		s.idle.set(slot)
		for i := range s.configs {
			s.watch(&s.configs[i])
		}
	}
}

// watch lets pending operations that change nothing take effect.
func (s *search) watch(c *config) {
	s.idle.minus(c.done).each(func(slot int) {
		i := s.on[s.held[slot]]
		o := &s.ops[i]
		if _, result := o.apply(s.states[c.state]); !o.judged() || result == o.Result {
			c.done.set(slot)
			c.last = &step{c.last, i}
		}
	})
}

// respond leaves the configurations in which the operation in the slot has
// taken effect, and tells whether there are any.
func (s *search) respond(slot int) bool {
	found, front := &s.found, &s.front
	found.reset()
	front.reset()
	sort := func(c config) {
		if s.future != nil && !s.settle(&c) {
			return
		}
		if c.done.has(slot) {
			c.done.clear(slot)
			found.add(c)
		} else {
			front.add(c)
		}
	}
	for _, c := range s.configs {
		s.others(c, sort)
	}
	for at := 0; at < len(front.configs) && !s.spent(len(front.configs)); at++ {
		c := front.configs[at]
		if front.dropped[at] {
			continue
		}
		s.pending.minus(c.done).each(func(next int) {
			i := s.on[s.held[next]]
			o := &s.ops[i]
			state, result := o.apply(s.states[c.state])
			if o.judged() && result != o.Result {
				return
			}
			if s.line != nil && o.Kind == Enqueue {
				var ok bool
				if state, ok = s.line.enqueue(s.states[c.state], o.Arg); !ok {
					return
				}
			}
			n := config{state: s.intern(state), done: c.done, last: &step{c.last, i}}
			n.done.set(next)
			s.watch(&n)
			s.others(n, sort)
		})
	}
	if s.late || s.wide {
		return false
	}
	s.configs = found.kept(s.configs[:0])
	return len(s.configs) > 0
}

// settle replaces a value that nobody will see again; it is not ok if somebody
// is to come who must see another, and nothing can bring it.
func (s *search) settle(c *config) (ok bool) {
	for n := len(s.until); n < len(s.states); n++ {
		s.until = append(s.until, s.future.until(s.states[n]))
	}
	if s.until[c.state] < s.now {
		c.state = s.intern(unseen)
		return s.future.written || s.future.last <= s.now
	}
	return true
}

// spent tells whether time or room has run out.
func (s *search) spent(configs int) bool {
	s.wide = s.wide || configs > s.most
	if s.steps++; s.steps&255 == 0 && !s.deadline.IsZero() && time.Now().After(s.deadline) {
		s.late = true
	}
	return s.late || s.wide
}

// others hands on c, and what may become of it by hands unseen.
func (s *search) others(c config, to func(config)) {
	to(c)
	if s.wild == nil {
		return
	}
	for _, state := range s.wild(s.states[c.state]) {
		n := c
		n.state = s.intern(state)
		if s.watch(&n); n.done != c.done {
			s.others(n, to) // from there on with more behind it
		} else {
			to(n)
		}
	}
}

// A closure collects configurations, without those another makes needless.
type closure struct {
	s       *search
	configs []config
	keys    []key // of each
	dropped []bool
	next    []int32       // of each: the one before it with its key, or -1
	last    map[key]int32 // nil while they are few, and all are looked through
}

// few is how many configurations are looked through faster than they are found
// in a map, and many how many a map may have had that is emptied and not left.
const (
	few  = 24
	many = 1024
)

// A key is what two configurations must share for one to replace the other.
type key struct {
	state  uint32
	closed mask // operations that have taken effect, without the open ones
}

func (f *closure) reset() {
	if f.last != nil && len(f.configs) > many {
		f.last = nil
	}
	clear(f.last)
	f.configs, f.keys, f.dropped, f.next = f.configs[:0], f.keys[:0], f.dropped[:0], f.next[:0]
}

func (f *closure) add(c config) {
	k := key{c.state, c.done.minus(f.s.open)}
	used := c.done.and(f.s.open)
	same := int32(len(f.configs)) - 1
	mapped := len(f.configs) > few
	if mapped {
		same = f.find(k)
	}
	first := same
	for i := same; i >= 0; i = f.before(i, mapped) {
		if f.keys[i] != k || f.dropped[i] {
			continue
		}
		theirs := f.configs[i].done.and(f.s.open)
		if theirs.within(used) {
			return
		}
		f.dropped[i] = used.within(theirs)
	}
	if mapped {
		f.last[k] = int32(len(f.configs))
	}
	f.configs = append(f.configs, c)
	f.keys = append(f.keys, k)
	f.dropped = append(f.dropped, false)
	f.next = append(f.next, first)
}

// before returns the configuration to look at after the one at i.
func (f *closure) before(i int32, mapped bool) int32 {
	if mapped {
		return f.next[i]
	}
	return i - 1
}

// find returns the last configuration of a key, or -1. When there are no longer
// few it begins to map them.
func (f *closure) find(k key) int32 {
	if f.last == nil {
		f.last = make(map[key]int32, 4*few)
	}
	if len(f.last) == 0 {
		for i, k := range f.keys {
			f.next[i] = -1
			if j, ok := f.last[k]; ok {
				f.next[i] = j
			}
			f.last[k] = int32(i)
		}
	}
	if i, ok := f.last[k]; ok {
		return i
	}
	return -1
}

// kept appends those that were not dropped.
func (f *closure) kept(to []config) []config {
	for i, c := range f.configs {
		if !f.dropped[i] {
			to = append(to, c)
		}
	}
	return to
}
