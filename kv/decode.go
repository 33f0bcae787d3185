package kv

import (
	"encoding/binary"
	"fmt"

	"althing/process"
)

// MaxDepth bounds how deep transactions nest, so that hostile bytes cannot
// exhaust the stack. Servers' own bounds on operations are far below.
const MaxDepth = 64

// Decode reads what Encode wrote, and nothing else. The command shares the
// bytes.
func Decode(b []byte) (Command, error) {
	d := decoder{b: b}
	if d.byte() != codecVersion {
		return nil, fmt.Errorf("decode version: %w", ErrCommand)
	}
	c := d.command(0)
	if err := d.done(); err != nil || c == nil {
		return nil, fmt.Errorf("decode command: %w", ErrCommand)
	}
	return c, nil
}

// DecodeMembers reads what EncodeMembers wrote. With an error the group may be
// good all the same: a log can hold one with nothing sensible behind it.
func DecodeMembers(b []byte) (process.Group, MemberChange, error) {
	g, rest, err := process.CutGroup(b)
	if err != nil {
		return process.Group{}, MemberChange{}, fmt.Errorf("decode group: %w", err)
	}
	if len(rest) == 0 {
		return g, MemberChange{}, nil
	}
	var c MemberChange
	d := decoder{b: rest}
	d.require(d.byte() == codecVersion)
	flags := d.flags(flagUpsert | flagRemove)
	d.require(flags != 0)
	if flags&flagUpsert != 0 {
		c.Upsert = d.member()
	}
	if flags&flagRemove != 0 {
		c.Remove = d.uint()
		d.require(c.Remove != 0)
	}
	if d.done() != nil {
		return g, MemberChange{}, fmt.Errorf("decode member change: %w", ErrCommand)
	}
	return g, c, nil
}

// A decoder cuts values off b. After the first mistake bad is set, and every
// further value is zero: callers look once, at the end.
type decoder struct {
	b   []byte
	bad bool
}

// done returns an error if there was a mistake, or something is left over.
func (d *decoder) done() error {
	if d.bad || len(d.b) > 0 {
		return ErrCommand
	}
	return nil
}

func (d *decoder) require(cond bool) {
	if !cond {
		d.bad, d.b = true, nil
	}
}

func (d *decoder) byte() byte {
	if len(d.b) == 0 {
		d.bad = true
		return 0
	}
	v := d.b[0]
	d.b = d.b[1:]
	return v
}

// flags reads a byte that may have only the bits of known.
func (d *decoder) flags(known byte) byte {
	f := d.byte()
	d.require(f&^known == 0)
	return f
}

// uint reads an unsigned varint in its shortest form: equal values must have
// equal bytes.
func (d *decoder) uint() uint64 {
	v, n := binary.Uvarint(d.b)
	if n <= 0 || n > 1 && d.b[n-1] == 0 {
		d.bad, d.b = true, nil
		return 0
	}
	d.b = d.b[n:]
	return v
}

func (d *decoder) int() int64 {
	v := d.uint()
	return int64(v>>1) ^ -int64(v&1)
}

// bytes reads a byte string, shared and clipped; nil if it is empty.
func (d *decoder) bytes() []byte {
	n := d.uint()
	if n > uint64(len(d.b)) {
		d.bad, d.b = true, nil
	}
	if d.bad || n == 0 {
		return nil
	}
	v := d.b[:n:n]
	d.b = d.b[n:]
	return v
}

// count reads how many items follow, each of size bytes or more: what is left
// bounds it, and so what a caller allocates.
func (d *decoder) count(size int) int {
	n := d.uint()
	d.require(n <= uint64(len(d.b)/size))
	if d.bad {
		return 0
	}
	return int(n)
}

func (d *decoder) strings() []string {
	var vs []string
	for range d.count(1) {
		vs = append(vs, string(d.bytes()))
	}
	return vs
}

func (d *decoder) command(depth int) Command {
	tag := d.byte()
	switch tag {
	case tagPut, tagDeleteRange, tagRange, tagTxn:
		return d.op(tag, depth)
	case tagCompact:
		return &Compact{Revision: d.int()}
	case tagLeaseGrant:
		return &LeaseGrant{ID: d.int(), TTL: d.int()}
	case tagLeaseRevoke:
		c := &LeaseRevoke{}
		for range d.count(1) {
			c.IDs = append(c.IDs, d.int())
		}
		return c
	case tagLeasePromote:
		return &LeasePromote{}
	case tagLeaseExpire:
		c := &LeaseExpire{Reign: d.uint()}
		for range d.count(2) {
			c.Leases = append(c.Leases, Expiry{d.int(), d.uint()})
		}
		return c
	case tagLeaseCheckpoint:
		c := &LeaseCheckpoint{Reign: d.uint(), Seq: d.uint()}
		for range d.count(3) {
			c.Leases = append(c.Leases, Remaining{d.int(), d.uint(), d.int()})
		}
		return c
	case tagSetAlarm:
		c := &SetAlarm{Raise: d.flags(1) != 0}
		c.Kind, c.Member = AlarmKind(d.byte()), d.uint()
		return c
	case tagUpdateMember:
		return &UpdateMember{ID: d.uint(), Name: string(d.bytes()), ClientURLs: d.strings()}
	}
	d.bad = true
	return nil
}

func (d *decoder) op(tag byte, depth int) Op {
	switch tag {
	case tagPut:
		c := new(Put)
		d.put(c)
		return c
	case tagDeleteRange:
		return &DeleteRange{PrevKV: d.flags(flagPrevKV) != 0, Key: d.bytes(), End: d.bytes()}
	case tagRange:
		return d.rng()
	case tagTxn:
		return d.txn(depth + 1)
	}
	d.bad = true
	return nil
}

func (d *decoder) put(c *Put) {
	f := d.flags(flagPrevKV | flagIgnoreValue | flagIgnoreLease)
	c.PrevKV = f&flagPrevKV != 0
	c.IgnoreValue = f&flagIgnoreValue != 0
	c.IgnoreLease = f&flagIgnoreLease != 0
	c.Key, c.Value, c.Lease = d.bytes(), d.bytes(), d.int()
}

func (d *decoder) rng() *Range {
	f := d.flags(flagKeysOnly | flagCountOnly)
	c := &Range{KeysOnly: f&flagKeysOnly != 0, CountOnly: f&flagCountOnly != 0}
	c.Target, c.Order = SortTarget(d.byte()), SortOrder(d.byte())
	c.Key, c.End = d.bytes(), d.bytes()
	for _, v := range [...]*int64{&c.Revision, &c.Limit, &c.MinMod, &c.MaxMod, &c.MinCreate, &c.MaxCreate} {
		*v = d.int()
	}
	return c
}

func (d *decoder) txn(depth int) *Txn {
	c := new(Txn)
	d.require(depth <= MaxDepth)
	for range d.count(6) {
		c.Compare = append(c.Compare, Compare{
			Target: CompareTarget(d.byte()), Result: CompareResult(d.byte()),
			Key: d.bytes(), End: d.bytes(), Number: d.int(), Value: d.bytes(),
		})
	}
	for _, ops := range [...]*[]Op{&c.Then, &c.Else} {
		for range d.count(4) {
			if o := d.op(d.byte(), depth); !d.bad {
				*ops = append(*ops, o)
			}
		}
	}
	return c
}

func (d *decoder) member() *Member {
	m := &Member{Learner: d.flags(1) != 0}
	replica := d.uint()
	d.require(replica <= 1<<16-1)
	m.Replica, m.ID, m.Name = uint16(replica), d.uint(), string(d.bytes())
	m.PeerURLs, m.ClientURLs = d.strings(), d.strings()
	return m
}
