package command

import "errors"

// What a client did wrong, or asked for too early or too late. These are
// results of the log: every replica comes to the same.
var (
	ErrCompacted      = errors.New("required revision has been compacted")
	ErrFutureRev      = errors.New("required revision is a future revision")
	ErrEmptyKey       = errors.New("key is not provided")
	ErrKeyNotFound    = errors.New("key not found")
	ErrValueProvided  = errors.New("value is provided")
	ErrLeaseProvided  = errors.New("lease is provided")
	ErrDuplicateKey   = errors.New("duplicate key given in txn request")
	ErrTooManyOps     = errors.New("too many operations in txn request")
	ErrInvalidSort    = errors.New("invalid sort option")
	ErrInvalidCompare = errors.New("invalid compare")
	ErrLeaseNotFound  = errors.New("requested lease not found")
	ErrLeaseExists    = errors.New("lease already exists")
	ErrLeaseTTL       = errors.New("lease time to live is out of range")
	ErrMemberNotFound = errors.New("member not found")
	ErrNoSpace        = errors.New("database space exceeded")
	ErrCorrupt        = errors.New("corrupt cluster")
)

// What became of a request that was not applied, or not now.
var (
	ErrDuplicate = errors.New("request was applied before")
	ErrExpired   = errors.New("session is closed or the request too old")
	ErrStale     = errors.New("decision of an earlier reign")
	ErrCommand   = errors.New("not a command")
	ErrNotLessor = errors.New("leases are not kept here now")
)
