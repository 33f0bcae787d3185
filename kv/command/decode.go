package command

import (
	"fmt"

	"althing/process"
	"althing/wire"
)

// MaxDepth bounds how deep transactions nest, so that hostile bytes cannot
// exhaust the stack. Servers' own bounds on operations are far below.
const MaxDepth = 64

// Decode reads what Encode wrote, and nothing else. The command shares the
// bytes.
func Decode(b []byte) (Command, error) {
	d := wire.Decoder{B: b}
	if d.Byte() != codecVersion {
		return nil, fmt.Errorf("decode version: %w", ErrCommand)
	}
	c := cutCommand(&d, 0)
	if !d.Done() || c == nil {
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
	d := wire.Decoder{B: rest}
	d.Require(d.Byte() == codecVersion)
	flags := d.Flags(flagUpsert | flagRemove)
	d.Require(flags != 0)
	if flags&flagUpsert != 0 {
		c.Upsert = CutMember(&d)
	}
	if flags&flagRemove != 0 {
		c.Remove = d.Uint()
		d.Require(c.Remove != 0)
	}
	if !d.Done() {
		return g, MemberChange{}, fmt.Errorf("decode member change: %w", ErrCommand)
	}
	return g, c, nil
}

// DecodePut reads what Encode wrote of a Put into c, and reports whether b is
// that: nearly every command is, and this one needs no memory of its own.
func DecodePut(b []byte, c *Put) bool {
	if len(b) < 2 || b[0] != codecVersion || b[1] != tagPut {
		return false
	}
	d := wire.Decoder{B: b[2:]}
	cutPut(&d, c)
	return d.Done()
}

func cutCommand(d *wire.Decoder, depth int) Command {
	tag := d.Byte()
	switch tag {
	case tagPut, tagDeleteRange, tagRange, tagTxn:
		return cutOp(d, tag, depth)
	case tagCompact:
		return &Compact{Revision: d.Int()}
	case tagLeaseGrant:
		return &LeaseGrant{ID: d.Int(), TTL: d.Int()}
	case tagLeaseRevoke:
		c := &LeaseRevoke{}
		for range d.Count(1) {
			c.IDs = append(c.IDs, d.Int())
		}
		return c
	case tagLeasePromote:
		return &LeasePromote{}
	case tagLeaseExpire:
		c := &LeaseExpire{Reign: d.Uint()}
		for range d.Count(2) {
			c.Leases = append(c.Leases, Expiry{d.Int(), d.Uint()})
		}
		return c
	case tagLeaseCheckpoint:
		c := &LeaseCheckpoint{Reign: d.Uint(), Seq: d.Uint()}
		for range d.Count(3) {
			c.Leases = append(c.Leases, Remaining{d.Int(), d.Uint(), d.Int()})
		}
		return c
	case tagSetAlarm:
		c := &SetAlarm{Raise: d.Flags(1) != 0}
		c.Kind, c.Member = AlarmKind(d.Byte()), d.Uint()
		return c
	case tagUpdateMember:
		return &UpdateMember{ID: d.Uint(), Name: string(d.Bytes()), ClientURLs: d.Strings()}
	}
	d.Bad = true
	return nil
}

func cutOp(d *wire.Decoder, tag byte, depth int) Op {
	switch tag {
	case tagPut:
		c := new(Put)
		cutPut(d, c)
		return c
	case tagDeleteRange:
		return &DeleteRange{PrevKV: d.Flags(flagPrevKV) != 0, Key: d.Bytes(), End: d.Bytes()}
	case tagRange:
		return cutRange(d)
	case tagTxn:
		return cutTxn(d, depth+1)
	}
	d.Bad = true
	return nil
}

func cutPut(d *wire.Decoder, c *Put) {
	f := d.Flags(flagPrevKV | flagIgnoreValue | flagIgnoreLease)
	c.PrevKV = f&flagPrevKV != 0
	c.IgnoreValue = f&flagIgnoreValue != 0
	c.IgnoreLease = f&flagIgnoreLease != 0
	c.Key, c.Value, c.Lease = d.Bytes(), d.Bytes(), d.Int()
}

func cutRange(d *wire.Decoder) *Range {
	f := d.Flags(flagKeysOnly | flagCountOnly)
	c := &Range{KeysOnly: f&flagKeysOnly != 0, CountOnly: f&flagCountOnly != 0}
	c.Target, c.Order = SortTarget(d.Byte()), SortOrder(d.Byte())
	c.Key, c.End = d.Bytes(), d.Bytes()
	for _, v := range [...]*int64{&c.Revision, &c.Limit, &c.MinMod, &c.MaxMod, &c.MinCreate, &c.MaxCreate} {
		*v = d.Int()
	}
	return c
}

func cutTxn(d *wire.Decoder, depth int) *Txn {
	c := new(Txn)
	d.Require(depth <= MaxDepth)
	for range d.Count(6) {
		c.Compare = append(c.Compare, Compare{
			Target: CompareTarget(d.Byte()), Result: CompareResult(d.Byte()),
			Key: d.Bytes(), End: d.Bytes(), Number: d.Int(), Value: d.Bytes(),
		})
	}
	for _, ops := range [...]*[]Op{&c.Then, &c.Else} {
		for range d.Count(4) {
			if o := cutOp(d, d.Byte(), depth); !d.Bad {
				*ops = append(*ops, o)
			}
		}
	}
	return c
}

// CutMember reads what AppendMember wrote.
func CutMember(d *wire.Decoder) *Member {
	m := &Member{Learner: d.Flags(1) != 0}
	replica := d.Uint()
	d.Require(replica <= 1<<16-1)
	m.Replica, m.ID, m.Name = uint16(replica), d.Uint(), string(d.Bytes())
	m.PeerURLs, m.ClientURLs = d.Strings(), d.Strings()
	return m
}
