package oplog

import (
	"encoding/binary"

	"althing/process"
	"althing/wire"
)

// AppendEntries appends es. Indexes are not written: entries follow one
// another, and what they are in says where they begin.
func AppendEntries(b []byte, es []process.Entry) []byte {
	b = binary.AppendUvarint(b, uint64(len(es)))
	for i := range es {
		e := &es[i]
		b = append(b, byte(e.Req.Kind))
		b = wire.AppendBytes(wire.AppendUints(b, e.Epoch, e.Req.Client, e.Req.Seq), e.Req.Cmd)
	}
	return b
}

// AppendRequest appends a request that is no entry yet.
func AppendRequest(b []byte, q *process.Request) []byte {
	b = wire.AppendUints(append(b, byte(q.Kind)), q.Client, q.Seq)
	return wire.AppendBytes(b, q.Cmd)
}

// entryBytes is the least that an entry takes in the form of AppendEntries.
const entryBytes = 5

// A Decoder reads what messages about logs are made of.
type Decoder struct{ wire.Decoder }

// ID reads the ID of a replica.
func (d *Decoder) ID() process.ID {
	v := d.Uint()
	d.Require(v < 1<<16)
	return process.ID(v)
}

// Group reads what process.AppendGroup wrote.
func (d *Decoder) Group() process.Group {
	g, rest, err := process.CutGroup(d.B)
	d.Require(err == nil)
	d.B = rest
	return g
}

// Request reads what AppendRequest wrote. Its command shares the bytes read.
func (d *Decoder) Request() process.Request {
	return process.Request{Kind: process.Kind(d.Byte()), Client: d.Uint(), Seq: d.Uint(), Cmd: d.Bytes()}
}

// Entries reads what AppendEntries wrote of entries that follow index prev.
// Their commands share the bytes read.
func (d *Decoder) Entries(prev uint64) []process.Entry {
	n := uint64(d.Count(entryBytes))
	d.Require(prev+n >= prev)
	if n == 0 || d.Bad {
		return nil
	}
	es := make([]process.Entry, n)
	for i := range es {
		e := &es[i]
		e.Index = prev + 1 + uint64(i)
		e.Req.Kind = process.Kind(d.Byte())
		e.Epoch, e.Req.Client, e.Req.Seq = d.Uint(), d.Uint(), d.Uint()
		e.Req.Cmd = d.Bytes()
	}
	return es
}
