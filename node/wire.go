package node

import (
	"encoding/binary"
	"errors"

	"althing/process"
)

// Kinds of frames between nodes. Numbers are never reused: members of two
// releases may talk.
const (
	frameMessage byte = iota + 1 // a process.Msg of the protocol
	frameForward                 // requests, for the receiver to submit
	frameAnswer                  // what became of forwarded requests that will not be seen in the log
	frameServe                   // forwarded reads may be answered from an index on
)

// requests is the payload of frameForward.
type requests []process.Request

// AppendBinary implements encoding.BinaryAppender.
func (rs requests) AppendBinary(b []byte) ([]byte, error) {
	b = binary.AppendUvarint(b, uint64(len(rs)))
	for i := range rs {
		r := &rs[i]
		b = append(b, byte(r.Kind))
		b = binary.AppendUvarint(b, r.Client)
		b = binary.AppendUvarint(b, r.Seq)
		b = binary.AppendUvarint(b, uint64(len(r.Cmd)))
		b = append(b, r.Cmd...)
	}
	return b, nil
}

// answer is the payload of frameAnswer: requests are named by kind, client
// and number. Why is 0 for a Transfer that was taken on.
type answer struct {
	why    process.Reason
	leader process.ID
	reqs   requests // without Cmd
}

// AppendBinary implements encoding.BinaryAppender.
func (a *answer) AppendBinary(b []byte) ([]byte, error) {
	b = append(b, byte(a.why))
	b = binary.AppendUvarint(b, uint64(a.leader))
	b = binary.AppendUvarint(b, uint64(len(a.reqs)))
	for i := range a.reqs {
		r := &a.reqs[i]
		b = append(b, byte(r.Kind))
		b = binary.AppendUvarint(b, r.Client)
		b = binary.AppendUvarint(b, r.Seq)
		b = append(b, 0)
	}
	return b, nil
}

// served is the payload of frameServe.
type served struct {
	index uint64
	ids   []uint64
}

// AppendBinary implements encoding.BinaryAppender.
func (s *served) AppendBinary(b []byte) ([]byte, error) {
	b = binary.AppendUvarint(b, s.index)
	b = binary.AppendUvarint(b, uint64(len(s.ids)))
	for _, id := range s.ids {
		b = binary.AppendUvarint(b, id)
	}
	return b, nil
}

// stateHeader goes before an application state on its way.
type stateHeader struct {
	state process.State
	msg   []byte
}

// AppendBinary implements encoding.BinaryAppender.
func (h *stateHeader) AppendBinary(b []byte) ([]byte, error) {
	b = binary.AppendUvarint(b, h.state.Index)
	b = binary.AppendUvarint(b, h.state.Epoch)
	b = process.AppendGroup(b, h.state.Group)
	return append(b, h.msg...), nil
}

var errFrame = errors.New("malformed frame")

// A cutter eats the front of b; once bad, it returns zeros.
type cutter struct {
	b   []byte
	bad bool
}

func (c *cutter) uvarint() uint64 {
	v, n := binary.Uvarint(c.b)
	if n <= 0 {
		c.bad, c.b = true, nil
		return 0
	}
	c.b = c.b[n:]
	return v
}

func (c *cutter) byte() byte {
	if len(c.b) == 0 {
		c.bad = true
		return 0
	}
	v := c.b[0]
	c.b = c.b[1:]
	return v
}

func (c *cutter) id() process.ID {
	v := c.uvarint()
	c.bad = c.bad || v > 1<<16-1
	return process.ID(v)
}

// requests reads what requests.AppendBinary wrote; commands share c.b.
func (c *cutter) requests() requests {
	n := c.uvarint()
	if n > uint64(len(c.b)/4) { // the least a request takes
		c.bad = true
		return nil
	}
	rs := make(requests, n)
	for i := range rs {
		r := &rs[i]
		r.Kind, r.Client, r.Seq = process.Kind(c.byte()), c.uvarint(), c.uvarint()
		size := c.uvarint()
		if size > uint64(len(c.b)) {
			c.bad = true
			return nil
		}
		if size > 0 {
			r.Cmd = c.b[:size:size]
		}
		c.b = c.b[size:]
	}
	return rs
}

func decodeForward(b []byte) (requests, error) {
	c := cutter{b: b}
	rs := c.requests()
	return rs, c.end()
}

func decodeAnswer(b []byte) (*answer, error) {
	c := cutter{b: b}
	a := &answer{why: process.Reason(c.byte()), leader: c.id()}
	a.reqs = c.requests()
	return a, c.end()
}

func decodeServed(b []byte) (*served, error) {
	c := cutter{b: b}
	s := &served{index: c.uvarint()}
	n := c.uvarint()
	if n > uint64(len(c.b)) {
		return nil, errFrame
	}
	s.ids = make([]uint64, n)
	for i := range s.ids {
		s.ids[i] = c.uvarint()
	}
	return s, c.end()
}

func decodeStateHeader(b []byte) (*stateHeader, error) {
	c := cutter{b: b}
	h := &stateHeader{state: process.State{Index: c.uvarint(), Epoch: c.uvarint()}}
	if c.bad {
		return nil, errFrame
	}
	g, rest, err := process.CutGroup(c.b)
	if err != nil {
		return nil, err
	}
	h.state.Group, h.msg = g, rest
	return h, nil
}

func (c *cutter) end() error {
	if c.bad || len(c.b) > 0 {
		return errFrame
	}
	return nil
}
