package command

import (
	"encoding/binary"

	"althing/process"
	"althing/wire"
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
	flags := wire.Flag(c.Upsert != nil, flagUpsert) | wire.Flag(c.Remove != 0, flagRemove)
	if flags == 0 {
		return b
	}
	b = append(b, codecVersion, flags)
	if c.Upsert != nil {
		b = AppendMember(b, c.Upsert)
	}
	if c.Remove != 0 {
		b = binary.AppendUvarint(b, c.Remove)
	}
	return b
}

func (c *Put) append(b []byte) []byte {
	b = append(b, tagPut, wire.Flag(c.PrevKV, flagPrevKV)|
		wire.Flag(c.IgnoreValue, flagIgnoreValue)|wire.Flag(c.IgnoreLease, flagIgnoreLease))
	b = wire.AppendBytes(b, c.Key)
	b = wire.AppendBytes(b, c.Value)
	return binary.AppendVarint(b, c.Lease)
}

func (c *DeleteRange) append(b []byte) []byte {
	b = append(b, tagDeleteRange, wire.Flag(c.PrevKV, flagPrevKV))
	b = wire.AppendBytes(b, c.Key)
	return wire.AppendBytes(b, c.End)
}

func (c *Range) append(b []byte) []byte {
	b = append(b, tagRange, wire.Flag(c.KeysOnly, flagKeysOnly)|wire.Flag(c.CountOnly, flagCountOnly),
		byte(c.Target), byte(c.Order))
	b = wire.AppendBytes(b, c.Key)
	b = wire.AppendBytes(b, c.End)
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
		b = wire.AppendBytes(b, p.Key)
		b = wire.AppendBytes(b, p.End)
		b = binary.AppendVarint(b, p.Number)
		b = wire.AppendBytes(b, p.Value)
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
	b = append(b, tagSetAlarm, wire.Flag(c.Raise, 1), byte(c.Kind))
	return binary.AppendUvarint(b, c.Member)
}

func (c *UpdateMember) append(b []byte) []byte {
	b = binary.AppendUvarint(append(b, tagUpdateMember), c.ID)
	b = wire.AppendString(b, c.Name)
	return wire.AppendStrings(b, c.ClientURLs)
}

// AppendMember appends a member record: what CutMember reads.
func AppendMember(b []byte, m *Member) []byte {
	b = append(b, wire.Flag(m.Learner, 1))
	b = binary.AppendUvarint(b, uint64(m.Replica))
	b = binary.AppendUvarint(b, m.ID)
	b = wire.AppendString(b, m.Name)
	b = wire.AppendStrings(b, m.PeerURLs)
	return wire.AppendStrings(b, m.ClientURLs)
}
