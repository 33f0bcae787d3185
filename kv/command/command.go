// Package command is the language of a store: the commands that a log carries,
// what they come to, and their form in bytes. It knows how requests name keys
// and what makes no sense whatever the store holds, but holds nothing itself.
package command

import "errors"

// A Command is what an entry of kind Command carries: it changes the store, in
// the order of the log. Encode gives its bytes, Decode reads them.
type Command interface{ append(b []byte) []byte }

// An Op is one operation of a Txn: *Range, *Put, *DeleteRange or *Txn.
type Op interface {
	Command
	op()
}

// A Reply is what a command that took effect has to say: *PutReply,
// *DeleteReply, *RangeReply, *TxnReply, *LeaseReply or *AlarmReply.
type Reply interface{ reply() }

// A Result is the outcome of one entry, and of Read. Apply hands out *Result.
type Result struct {
	Index    uint64 // of the entry; for Read, of the last entry applied
	Revision int64  // of the store after it: what the header of a response says
	Err      error  // one of the package's errors, and then nothing has changed
	Reply    Reply  // nil with Err, and for a command that has nothing to say
}

// Skipped reports whether the entry changed nothing because of its session:
// process.Skipped.
func (r *Result) Skipped() bool {
	return errors.Is(r.Err, ErrDuplicate) || errors.Is(r.Err, ErrExpired)
}

// A KeyValue is one version of a key. Nobody may change its bytes.
type KeyValue struct {
	Key     []byte
	Value   []byte
	Create  int64 // revision in which the key came into being
	Mod     int64 // revision of this version
	Version int64 // from 1; counts the puts since Create
	Lease   int64 // 0: none
}

// Put sets a key.
type Put struct {
	Key         []byte // not empty
	Value       []byte
	Lease       int64 // 0 detaches the key from its lease
	PrevKV      bool  // reply with the version before
	IgnoreValue bool  // keep the value; the key must exist, Value must be empty
	IgnoreLease bool  // keep the lease; the key must exist, Lease must be 0
}

// PutReply is the reply to a Put.
type PutReply struct {
	Revision int64
	Prev     *KeyValue // nil if there was none or it was not asked for
}

// DeleteRange deletes keys. Key and End name the same keys as in a Range.
type DeleteRange struct {
	Key    []byte // not empty
	End    []byte
	PrevKV bool // reply with the versions before
}

// DeleteReply is the reply to a DeleteRange.
type DeleteReply struct {
	Revision int64
	Deleted  int64
	Prev     []KeyValue // in order of key; nil if it was not asked for
}

// SortTarget is what a Range sorts by.
type SortTarget uint8

// The targets, numbered as on the wire.
const (
	SortKey SortTarget = iota
	SortVersion
	SortCreate
	SortMod
	SortValue
)

// SortOrder is the direction of a sort.
type SortOrder uint8

// The orders, numbered as on the wire. SortNone is ascending for all targets.
const (
	SortNone SortOrder = iota
	SortAscend
	SortDescend
)

// Range reads keys.
type Range struct {
	Key []byte // not empty
	// End is the first key beyond the range. None means Key alone, and a single
	// zero byte means all keys from Key on.
	End       []byte
	Revision  int64 // the store as of then; 0 or less is now
	Limit     int64 // at most so many versions in the reply; 0 or less is all
	Target    SortTarget
	Order     SortOrder
	KeysOnly  bool // leave the values out
	CountOnly bool // leave the versions out
	// Versions outside are left out of the reply, but counted; 0 is no bound.
	MinMod, MaxMod, MinCreate, MaxCreate int64
}

// RangeReply is the reply to a Range.
type RangeReply struct {
	Revision int64 // of the store when it was read, whatever revision was asked for
	KVs      []KeyValue
	Count    int64 // of keys in the range, whatever Limit and filters left out
	More     bool  // Limit cut versions off
}

// CompareTarget is what a Compare looks at.
type CompareTarget uint8

// The targets, numbered as on the wire.
const (
	CompareVersion CompareTarget = iota
	CompareCreate
	CompareMod
	CompareValue
	CompareLease
)

// CompareResult is the relation a Compare asks for: stored, relation, given.
type CompareResult uint8

// The relations, numbered as on the wire.
const (
	Equal CompareResult = iota
	Greater
	Less
	NotEqual
)

// Compare is one condition of a Txn. With End it must hold of all keys in the
// range. A key that does not exist is 0 in everything but CompareValue, which
// is false of it.
type Compare struct {
	Key, End []byte
	Target   CompareTarget
	Result   CompareResult
	Number   int64  // what to compare with, but for CompareValue
	Value    []byte // what to compare with, for CompareValue
}

// Txn does Then if all of Compare holds, and Else if not, in one revision.
type Txn struct {
	Compare []Compare
	Then    []Op
	Else    []Op
}

// TxnReply is the reply to a Txn: one reply for each operation it did.
type TxnReply struct {
	Revision  int64
	Succeeded bool
	Replies   []Reply
}

// Compact forgets all versions that Revision and later ones do not need.
type Compact struct{ Revision int64 }

// LeaseGrant creates a lease.
type LeaseGrant struct {
	ID  int64 // not 0; who proposes it picks it
	TTL int64 // seconds, 1 to MaxTTL
}

// MaxTTL is the longest time to live of a lease, in seconds, as clients know it.
const MaxTTL = 9_000_000_000

// LeaseReply is the reply to a LeaseGrant.
type LeaseReply struct{ ID, TTL int64 }

// LeaseRevoke ends leases and deletes the keys attached to them, each lease in
// a revision of its own. Those unknown are passed over; if all are, the error
// is ErrLeaseNotFound.
type LeaseRevoke struct{ IDs []int64 }

// LeasePromote begins the reign of the one who proposes it: from its entry on,
// decisions of earlier reigns are void. The reign is named by the entry's
// Index: see Lessor.
type LeasePromote struct{}

// LeaseExpire is the decision that leases have run out. It is void in another
// reign, and of a lease that was granted anew; a void decision is ErrStale.
type LeaseExpire struct {
	Reign  uint64
	Leases []Expiry
}

// An Expiry names one life of a lease.
type Expiry struct {
	ID      int64
	Granted uint64 // Index of the entry that granted it
}

// LeaseCheckpoint records how long leases have left, for the next reign to go
// on from. It is void (ErrStale) in another reign, and after a later Seq.
type LeaseCheckpoint struct {
	Reign  uint64
	Seq    uint64 // counts the checkpoints of a reign, from 1
	Leases []Remaining
}

// Remaining is how long one life of a lease has left.
type Remaining struct {
	ID      int64
	Granted uint64
	TTL     int64 // seconds; 0: all of it
}

// AlarmKind is what is wrong with a member.
type AlarmKind uint8

// The alarms, numbered as on the wire.
const (
	NoSpace AlarmKind = iota + 1 // puts and grants are refused
	Corrupt                      // everything is refused
)

// An Alarm is one thing wrong with one member.
type Alarm struct {
	Member uint64
	Kind   AlarmKind
}

// SetAlarm raises or clears an alarm.
type SetAlarm struct {
	Alarm
	Raise bool
}

// AlarmReply is the reply to a SetAlarm: the alarm if the command changed it.
type AlarmReply struct{ Changed []Alarm }

// A Member is what clients are told of a replica.
type Member struct {
	Replica    uint16 // process.ID
	ID         uint64 // as clients know it; not 0
	Name       string // empty until it has started
	PeerURLs   []string
	ClientURLs []string
	Learner    bool
}

// UpdateMember sets the name and the client URLs of a member that has started.
type UpdateMember struct {
	ID         uint64
	Name       string
	ClientURLs []string
}

// MemberChange is what the application adds to an entry of kind Members: the
// record to put in place, or the member to forget, or nothing.
type MemberChange struct {
	Upsert *Member
	Remove uint64 // a Member.ID; 0: none
}

func (*Put) op()         {}
func (*DeleteRange) op() {}
func (*Range) op()       {}
func (*Txn) op()         {}

func (*PutReply) reply()    {}
func (*DeleteReply) reply() {}
func (*RangeReply) reply()  {}
func (*TxnReply) reply()    {}
func (*LeaseReply) reply()  {}
func (*AlarmReply) reply()  {}
