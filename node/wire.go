package node

import (
	"encoding/binary"
	"errors"

	"althing/process"
	"althing/wire"
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
		b = wire.AppendBytes(b, r.Cmd)
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

// A cutter reads what frames are made of.
type cutter struct{ wire.Decoder }

func cut(b []byte) *cutter { return &cutter{wire.Decoder{B: b}} }

func (c *cutter) id() process.ID {
	v := c.Uint()
	c.Require(v < 1<<16)
	return process.ID(v)
}

// requests reads what requests.AppendBinary wrote; commands share c.B.
func (c *cutter) requests() requests {
	rs := make(requests, c.Count(4)) // the least a request takes
	for i := range rs {
		rs[i] = process.Request{Kind: process.Kind(c.Byte()), Client: c.Uint(), Seq: c.Uint(), Cmd: c.Bytes()}
	}
	return rs
}

func decodeForward(b []byte) (requests, error) {
	c := cut(b)
	rs := c.requests()
	return rs, c.end()
}

func decodeAnswer(b []byte) (*answer, error) {
	c := cut(b)
	a := &answer{why: process.Reason(c.Byte()), leader: c.id()}
	a.reqs = c.requests()
	return a, c.end()
}

func decodeServed(b []byte) (*served, error) {
	c := cut(b)
	s := &served{index: c.Uint()}
	s.ids = make([]uint64, c.Count(1))
	for i := range s.ids {
		s.ids[i] = c.Uint()
	}
	return s, c.end()
}

func decodeStateHeader(b []byte) (*stateHeader, error) {
	c := cut(b)
	h := &stateHeader{state: process.State{Index: c.Uint(), Epoch: c.Uint()}}
	if c.Bad {
		return nil, errFrame
	}
	g, rest, err := process.CutGroup(c.B)
	if err != nil {
		return nil, err
	}
	h.state.Group, h.msg = g, rest
	return h, nil
}

func (c *cutter) end() error {
	if !c.Done() {
		return errFrame
	}
	return nil
}
