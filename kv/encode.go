package kv

import (
	"encoding/binary"

	"althing/process"
)

// codecVersion begins every command, so that a later form can be told apart.
const codecVersion = 1

// The tags name commands in bytes. A number is never given a second meaning.
const (
	tagPut byte = iota + 1
	tagDeleteRange
	tagRange
	tagTxn
	tagCompact
	tagLeaseGrant
	tagLeaseRevoke
	tagLeasePromote
	tagLeaseExpire
	tagLeaseCheckpoint
	tagSetAlarm
	tagUpdateMember
)

// The flags of commands that have some.
const (
	flagPrevKV byte = 1 << iota
	flagIgnoreValue
	flagIgnoreLease
)

const (
	flagKeysOnly byte = 1 << iota
	flagCountOnly
)

const (
	flagUpsert byte = 1 << iota
	flagRemove
)

// Encode returns the bytes of a command, in the one form there is for it:
// unsigned and zigzag varints, byte strings behind their length.
func Encode(c Command) []byte { return c.append([]byte{codecVersion}) }

// EncodeMembers returns the Cmd of a Members request: the group that is
// wanted, and what becomes of the member records with it.
func EncodeMembers(g process.Group, c MemberChange) []byte {
	b := process.AppendGroup(nil, g)
	flags := flag(c.Upsert != nil, flagUpsert) | flag(c.Remove != 0, flagRemove)
	if flags == 0 {
		return b
	}
	b = append(b, codecVersion, flags)
	if c.Upsert != nil {
		b = appendMember(b, c.Upsert)
	}
	if c.Remove != 0 {
		b = binary.AppendUvarint(b, c.Remove)
	}
	return b
}

func (c *Put) append(b []byte) []byte {
	b = append(b, tagPut, flag(c.PrevKV, flagPrevKV)|
		flag(c.IgnoreValue, flagIgnoreValue)|flag(c.IgnoreLease, flagIgnoreLease))
	b = appendBytes(b, c.Key)
	b = appendBytes(b, c.Value)
	return binary.AppendVarint(b, c.Lease)
}

func (c *DeleteRange) append(b []byte) []byte {
	b = append(b, tagDeleteRange, flag(c.PrevKV, flagPrevKV))
	b = appendBytes(b, c.Key)
	return appendBytes(b, c.End)
}

func (c *Range) append(b []byte) []byte {
	b = append(b, tagRange, flag(c.KeysOnly, flagKeysOnly)|flag(c.CountOnly, flagCountOnly),
		byte(c.Target), byte(c.Order))
	b = appendBytes(b, c.Key)
	b = appendBytes(b, c.End)
	for _, v := range [...]int64{c.Revision, c.Limit, c.MinMod, c.MaxMod, c.MinCreate, c.MaxCreate} {
		b = binary.AppendVarint(b, v)
	}
	return b
}

func (c *Txn) append(b []byte) []byte {
	b = append(b, tagTxn)
	b = binary.AppendUvarint(b, uint64(len(c.Compare)))
	for i := range c.Compare {
		p := &c.Compare[i]
		b = append(b, byte(p.Target), byte(p.Result))
		b = appendBytes(b, p.Key)
		b = appendBytes(b, p.End)
		b = binary.AppendVarint(b, p.Number)
		b = appendBytes(b, p.Value)
	}
	for _, ops := range [...][]Op{c.Then, c.Else} {
		b = binary.AppendUvarint(b, uint64(len(ops)))
		for _, o := range ops {
			b = o.append(b)
		}
	}
	return b
}

func (c *Compact) append(b []byte) []byte {
	return binary.AppendVarint(append(b, tagCompact), c.Revision)
}

func (c *LeaseGrant) append(b []byte) []byte {
	return binary.AppendVarint(binary.AppendVarint(append(b, tagLeaseGrant), c.ID), c.TTL)
}

func (c *LeaseRevoke) append(b []byte) []byte {
	b = binary.AppendUvarint(append(b, tagLeaseRevoke), uint64(len(c.IDs)))
	for _, id := range c.IDs {
		b = binary.AppendVarint(b, id)
	}
	return b
}

func (c *LeasePromote) append(b []byte) []byte { return append(b, tagLeasePromote) }

func (c *LeaseExpire) append(b []byte) []byte {
	b = binary.AppendUvarint(append(b, tagLeaseExpire), c.Reign)
	b = binary.AppendUvarint(b, uint64(len(c.Leases)))
	for _, l := range c.Leases {
		b = binary.AppendUvarint(binary.AppendVarint(b, l.ID), l.Granted)
	}
	return b
}

func (c *LeaseCheckpoint) append(b []byte) []byte {
	b = binary.AppendUvarint(append(b, tagLeaseCheckpoint), c.Reign)
	b = binary.AppendUvarint(b, c.Seq)
	b = binary.AppendUvarint(b, uint64(len(c.Leases)))
	for _, l := range c.Leases {
		b = binary.AppendUvarint(binary.AppendVarint(b, l.ID), l.Granted)
		b = binary.AppendVarint(b, l.TTL)
	}
	return b
}

func (c *SetAlarm) append(b []byte) []byte {
	b = append(b, tagSetAlarm, flag(c.Raise, 1), byte(c.Kind))
	return binary.AppendUvarint(b, c.Member)
}

func (c *UpdateMember) append(b []byte) []byte {
	b = binary.AppendUvarint(append(b, tagUpdateMember), c.ID)
	b = appendString(b, c.Name)
	return appendStrings(b, c.ClientURLs)
}

func appendMember(b []byte, m *Member) []byte {
	b = append(b, flag(m.Learner, 1))
	b = binary.AppendUvarint(b, uint64(m.Replica))
	b = binary.AppendUvarint(b, m.ID)
	b = appendString(b, m.Name)
	b = appendStrings(b, m.PeerURLs)
	return appendStrings(b, m.ClientURLs)
}

func flag(on bool, bit byte) byte {
	if on {
		return bit
	}
	return 0
}

func appendBytes(b, v []byte) []byte {
	return append(binary.AppendUvarint(b, uint64(len(v))), v...)
}

func appendString(b []byte, v string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(v))), v...)
}

func appendStrings(b []byte, vs []string) []byte {
	b = binary.AppendUvarint(b, uint64(len(vs)))
	for _, v := range vs {
		b = appendString(b, v)
	}
	return b
}
