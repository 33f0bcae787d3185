package itc

// MaxDepth bounds how often an interval can be halved, and with it the
// recursion that hostile bytes can ask for. A process can fork off this many
// others one after the other, none of whom forks; a balanced tree of that depth
// would have 2^4096 leaves.
const MaxDepth = 4096

// An id is the part of an interval that is owned: nil is 0, none of it; one
// without halves is 1, all of it; else it is what is owned of each half.
// Normal form: never (0,0), which is nil, nor (1,1), which is whole.
type id struct{ l, r *id }

var whole = &id{}

func (i *id) all() bool { return i.l == nil && i.r == nil }

// newID returns (l,r) in normal form.
func newID(l, r *id) *id {
	switch {
	case l == nil && r == nil:
		return nil
	case l != nil && r != nil && l.all() && r.all():
		return whole
	}
	return &id{l, r}
}

// split returns two ids that make i up and do not overlap; ok is false if they
// would be deeper than MaxDepth. (§5, Fork.)
func (i *id) split(depth int) (a, b *id, ok bool) {
	switch {
	case i == nil:
		return nil, nil, true
	case i.all():
		return &id{l: whole}, &id{r: whole}, depth < MaxDepth
	case i.l == nil:
		a, b, ok = i.r.split(depth + 1)
		return &id{r: a}, &id{r: b}, ok
	case i.r == nil:
		a, b, ok = i.l.split(depth + 1)
		return &id{l: a}, &id{l: b}, ok
	}
	return &id{l: i.l}, &id{r: i.r}, true
}

// sum returns what i and j own together; ok is false if both own something.
// (§5, Join.)
func (i *id) sum(j *id) (s *id, ok bool) {
	switch {
	case i == nil:
		return j, true
	case j == nil:
		return i, true
	case i.all() || j.all():
		return nil, false
	}
	l, okl := i.l.sum(j.l)
	if !okl {
		return nil, false
	}
	r, ok := i.r.sum(j.r)
	return newID(l, r), ok
}
