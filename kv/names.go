package kv

import (
	"errors"

	"althing/kv/command"
	"althing/kv/disk"
	"althing/kv/lease"
	"althing/process"
)

// Those above a store speak its language by these names; what they mean is told
// in the rooms inside: command, lease and disk.
type (
	Command         = command.Command
	Op              = command.Op
	Reply           = command.Reply
	Result          = command.Result
	KeyValue        = command.KeyValue
	Put             = command.Put
	PutReply        = command.PutReply
	DeleteRange     = command.DeleteRange
	DeleteReply     = command.DeleteReply
	SortTarget      = command.SortTarget
	SortOrder       = command.SortOrder
	Range           = command.Range
	RangeReply      = command.RangeReply
	CompareTarget   = command.CompareTarget
	CompareResult   = command.CompareResult
	Compare         = command.Compare
	Txn             = command.Txn
	TxnReply        = command.TxnReply
	Compact         = command.Compact
	LeaseGrant      = command.LeaseGrant
	LeaseReply      = command.LeaseReply
	LeaseRevoke     = command.LeaseRevoke
	LeasePromote    = command.LeasePromote
	LeaseExpire     = command.LeaseExpire
	Expiry          = command.Expiry
	LeaseCheckpoint = command.LeaseCheckpoint
	Remaining       = command.Remaining
	AlarmKind       = command.AlarmKind
	Alarm           = command.Alarm
	SetAlarm        = command.SetAlarm
	AlarmReply      = command.AlarmReply
	Member          = command.Member
	UpdateMember    = command.UpdateMember
	MemberChange    = command.MemberChange
	Lease           = lease.Lease
	Lessor          = lease.Lessor
)

// The numbers of the language.
const (
	MaxTTL         = command.MaxTTL
	MaxDepth       = command.MaxDepth
	SortKey        = command.SortKey
	SortVersion    = command.SortVersion
	SortCreate     = command.SortCreate
	SortMod        = command.SortMod
	SortValue      = command.SortValue
	SortNone       = command.SortNone
	SortAscend     = command.SortAscend
	SortDescend    = command.SortDescend
	CompareVersion = command.CompareVersion
	CompareCreate  = command.CompareCreate
	CompareMod     = command.CompareMod
	CompareValue   = command.CompareValue
	CompareLease   = command.CompareLease
	Equal          = command.Equal
	Greater        = command.Greater
	Less           = command.Less
	NotEqual       = command.NotEqual
	NoSpace        = command.NoSpace
	Corrupt        = command.Corrupt
)

// What a command can come to instead of taking effect.
var (
	ErrCompacted      = command.ErrCompacted
	ErrFutureRev      = command.ErrFutureRev
	ErrEmptyKey       = command.ErrEmptyKey
	ErrKeyNotFound    = command.ErrKeyNotFound
	ErrValueProvided  = command.ErrValueProvided
	ErrLeaseProvided  = command.ErrLeaseProvided
	ErrDuplicateKey   = command.ErrDuplicateKey
	ErrTooManyOps     = command.ErrTooManyOps
	ErrInvalidSort    = command.ErrInvalidSort
	ErrInvalidCompare = command.ErrInvalidCompare
	ErrLeaseNotFound  = command.ErrLeaseNotFound
	ErrLeaseExists    = command.ErrLeaseExists
	ErrLeaseTTL       = command.ErrLeaseTTL
	ErrMemberNotFound = command.ErrMemberNotFound
	ErrNoSpace        = command.ErrNoSpace
	ErrCorrupt        = command.ErrCorrupt
	ErrDuplicate      = command.ErrDuplicate
	ErrExpired        = command.ErrExpired
	ErrStale          = command.ErrStale
	ErrCommand        = command.ErrCommand
	ErrNotLessor      = command.ErrNotLessor
)

// What is wrong with stored bytes.
var (
	ErrForeign = disk.ErrForeign
	ErrFormat  = disk.ErrFormat
	ErrImage   = errors.New("not an image")
	ErrClosed  = errors.New("store is closed")
)

// Encode is command.Encode.
func Encode(c Command) []byte { return command.Encode(c) }

// Decode is command.Decode.
func Decode(b []byte) (Command, error) { return command.Decode(b) }

// EncodeMembers is command.EncodeMembers.
func EncodeMembers(g process.Group, c MemberChange) []byte { return command.EncodeMembers(g, c) }

// DecodeMembers is command.DecodeMembers.
func DecodeMembers(b []byte) (process.Group, MemberChange, error) { return command.DecodeMembers(b) }

// Validate is command.Validate.
func Validate(c Command, maxOps int) error { return command.Validate(c, maxOps) }
