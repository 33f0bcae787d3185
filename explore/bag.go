package explore

// A bag holds states that wait to be expanded, one behind the other.
type bag struct {
	data []byte
	ends []uint32 // of each state in data
}

// bagBytes is what a bag holds: enough that taking the next one costs nothing,
// little enough that all cores find one.
const bagBytes = 8 << 10

func (b *bag) add(state []byte) {
	b.data = append(b.data, state...)
	b.ends = append(b.ends, uint32(len(b.data)))
}

func (b *bag) at(i int) []byte {
	begin := uint32(0)
	if i > 0 {
		begin = b.ends[i-1]
	}
	return b.data[begin:b.ends[i]]
}

func (b *bag) full() bool { return len(b.data) >= bagBytes }

func (b *bag) reset() { b.data, b.ends = b.data[:0], b.ends[:0] }

// bagSize is what a bag takes, about: what it holds, a state too many, and the
// ends of states of thirty bytes.
const bagSize = bagBytes + bagBytes/16 + bagBytes/8

// A pile is bags in a row; only the last may have room.
type pile struct {
	bags  []*bag
	spare []*bag // empty, for reuse
}

func (p *pile) push(state []byte) {
	n := len(p.bags)
	if n == 0 || p.bags[n-1].full() {
		p.bags = append(p.bags, p.fresh())
		n++
	}
	p.bags[n-1].add(state)
}

func (p *pile) fresh() *bag {
	if n := len(p.spare); n > 0 {
		b := p.spare[n-1]
		p.spare = p.spare[:n-1]
		return b
	}
	return &bag{data: make([]byte, 0, bagBytes+bagBytes/16)}
}

// maxSpare bounds what is kept for reuse: a worker empties as many bags as it
// fills, so a few are enough.
const maxSpare = 16

// recycle takes back a bag that is done with.
func (p *pile) recycle(b *bag) {
	if len(p.spare) < maxSpare {
		b.reset()
		p.spare = append(p.spare, b)
	}
}

// pop takes out the last state and returns it appended to buf; nil if there is
// none.
func (p *pile) pop(buf []byte) []byte {
	n := len(p.bags)
	if n == 0 {
		return nil
	}
	b := p.bags[n-1]
	last := len(b.ends) - 1
	state := b.at(last)
	buf = append(buf, state...)
	b.data, b.ends = b.data[:len(b.data)-len(state)], b.ends[:last]
	if last == 0 {
		p.bags = p.bags[:n-1]
		p.recycle(b)
	}
	return buf
}

// shift takes out the oldest bag.
func (p *pile) shift() *bag {
	b := p.bags[0]
	p.bags = p.bags[:copy(p.bags, p.bags[1:])]
	return b
}
