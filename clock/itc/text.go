package itc

import (
	"bytes"
	"math"
	"strconv"
)

// String returns "(id,event)", both as the paper writes them.
func (s Stamp) String() string {
	b, _ := s.AppendText(nil)
	return string(b)
}

// AppendText appends what String returns. It never fails.
func (s Stamp) AppendText(b []byte) ([]byte, error) {
	b = s.id.append(append(b, '('))
	b = s.event.append(append(b, ','))
	return append(b, ')'), nil
}

// MarshalText is AppendText to nil.
func (s Stamp) MarshalText() ([]byte, error) { return s.AppendText(nil) }

func (i *id) append(b []byte) []byte {
	switch {
	case i == nil:
		return append(b, '0')
	case i.all():
		return append(b, '1')
	}
	b = i.l.append(append(b, '('))
	b = i.r.append(append(b, ','))
	return append(b, ')')
}

func (e event) append(b []byte) []byte {
	if e.kids == nil {
		return strconv.AppendUint(b, e.base, 10)
	}
	b = strconv.AppendUint(append(b, '('), e.base, 10)
	b = e.kids.l.append(append(b, ','))
	b = e.kids.r.append(append(b, ','))
	return append(b, ')')
}

// UnmarshalText reads what AppendText wrote. It fails with
// [clock.ErrMalformed] as UnmarshalBinary does.
func (s *Stamp) UnmarshalText(text []byte) error {
	p := parser{text: text}
	var t Stamp
	p.expect('(')
	t.id = p.id(0)
	p.expect(',')
	t.event = p.event(0, 0)
	p.expect(')')
	// The parser brings all into normal form: what was not is written otherwise.
	if again := t.String(); p.bad || again != string(text) {
		return malformed()
	}
	*s = t
	return nil
}

// A parser cuts off text. After the first mistake bad is set and nothing is
// left.
type parser struct {
	text []byte
	bad  bool
}

func (p *parser) require(cond bool) {
	if !cond {
		p.bad, p.text = true, nil
	}
}

// next reports whether c comes next, and cuts it off.
func (p *parser) next(c byte) bool {
	if len(p.text) == 0 || p.text[0] != c {
		return false
	}
	p.text = p.text[1:]
	return true
}

func (p *parser) expect(c byte) { p.require(p.next(c)) }

func (p *parser) id(depth int) *id {
	p.require(depth <= MaxDepth)
	if !p.next('(') {
		n := p.number()
		if p.require(n <= 1); n == 1 {
			return whole
		}
		return nil
	}
	l := p.id(depth + 1)
	p.expect(',')
	r := p.id(depth + 1)
	p.expect(')')
	return newID(l, r)
}

// event reads an event tree whose values come on top of above, which it
// includes.
func (p *parser) event(above uint64, depth int) event {
	p.require(depth <= MaxDepth)
	node := p.next('(')
	n := p.number()
	if p.require(n <= math.MaxUint64-above); p.bad {
		return event{}
	}
	if !node {
		return event{base: above + n}
	}
	p.expect(',')
	l := p.event(above+n, depth+1)
	p.expect(',')
	r := p.event(above+n, depth+1)
	p.expect(')')
	return newEvent(l, r, nil)
}

func (p *parser) number() uint64 {
	digits := len(p.text) - len(bytes.TrimLeft(p.text, "0123456789"))
	n, err := strconv.ParseUint(string(p.text[:digits]), 10, 64)
	p.text = p.text[digits:]
	p.require(err == nil)
	return n
}
