package partition

import (
	"errors"
	"fmt"
	"time"
)

// Why a Guard refuses. Each is to be told apart by errors.Is.
var (
	// ErrStale: the sender knows an old map. It fetches the map and asks again.
	ErrStale = errors.New("epoch is stale")
	// ErrBehind: the node knows an older map than the sender. It fetches the map.
	ErrBehind = errors.New("epoch is not known here yet")
	// ErrOwner: the epoch is right, and the owner is another node.
	ErrOwner = errors.New("another node is the owner")
	// ErrUnknown: there is no such partition.
	ErrUnknown = errors.New("no such partition")
	// ErrLease: the node may no longer trust its copy of the map.
	ErrLease = errors.New("lease on the map has run out")
)

// A Place says who owns a partition, and since which version of the map it is as
// it is.
type Place struct {
	Node  string
	Epoch uint64 // from 1
}

// A Map says where keys are: Ranges, or a Directory whose keys are partitions.
type Map interface {
	// Version counts the changes of the map. Of two, the greater is the newer.
	Version() uint64
	// Locate returns the place of a key, and whether there is one.
	Locate(key string) (Place, bool)
}

// A Refusal is what a Guard answers, with what the node knows: enough to go to
// the owner, if the node's map is the newer one. It unwraps to one of the errors
// above.
type Refusal struct {
	Key     string
	Epoch   uint64 // the sender's
	Place   Place  // as this node knows it; zero if it knows none or must not say
	Version uint64 // of the node's map; 0: it has none
	Reason  error
}

// Error returns the reason and the numbers behind it.
func (r *Refusal) Error() string {
	return fmt.Sprintf("partition: refuse %q with epoch %d: %v: here it is epoch %d on node %q, "+
		"by version %d",
		r.Key, r.Epoch, r.Reason, r.Place.Epoch, r.Place.Node, r.Version)
}

// Unwrap returns the reason.
func (r *Refusal) Unwrap() error { return r.Reason }

// A Guard stands before a node's data and lets in only requests that come by the
// map that the node has, for what that map gives to it, while it has a lease.
//
// Why both: the epoch stops clients with an old map, and the lease stops a node
// with one, cut off from whoever keeps the map. So that no two nodes ever serve a
// key at the same time, the keeper of the map has one rule: the new owner of a
// partition may learn of it only when the old one has learned that it lost it, or
// when the old one's lease has been out for longer than their clocks may differ.
//
// A client that scans cuts its scan where the range ends by its own map: if that
// has the right epoch for one key of the range, it has the right end too.
//
// A Guard is not for several goroutines at once.
type Guard struct {
	self  string
	known Map // nil: none yet
	until time.Duration
}

// NewGuard returns the guard of a node, which knows no map and refuses all.
// Errors: a node without a proper name.
func NewGuard(node string) (*Guard, error) {
	if err := checkName(node); err != nil {
		return nil, fmt.Errorf("partition: guard of a node: %w", err)
	}
	return &Guard{self: node}, nil
}

// Learn gives the node a map and a lease on it, which ends at until by the node's
// clock, less what that may be slow. The same map again extends the lease; nothing
// shortens it. Errors: no map, or one that is older than what is known: ErrStale,
// and nothing is changed.
func (g *Guard) Learn(m Map, until time.Duration) error {
	if m == nil || m.Version() == 0 {
		return errors.New("partition: learn a map: there is none; fetch one that has a version")
	}
	if g.known != nil && m.Version() < g.known.Version() {
		return fmt.Errorf("partition: learn a map of version %d after one of %d: %w",
			m.Version(), g.known.Version(), ErrStale)
	}
	if g.known == nil {
		g.until = until
	}
	g.known, g.until = m, max(g.until, until)
	return nil
}

// Admit returns nil if the node may serve a request for a key that bears this
// epoch, at this time by its clock; or a Refusal.
func (g *Guard) Admit(now time.Duration, key string, epoch uint64) error {
	r := &Refusal{Key: key, Epoch: epoch}
	if g.known == nil || now >= g.until {
		r.Reason = ErrLease // and not a word of a map that may be old
		return r
	}
	place, ok := g.known.Locate(key)
	r.Place, r.Version = place, g.known.Version()
	switch {
	case epoch > r.Version:
		r.Reason = ErrBehind
	case !ok:
		r.Reason = ErrUnknown
	case epoch != place.Epoch:
		r.Reason = ErrStale
	case place.Node != g.self:
		r.Reason = ErrOwner
	default:
		return nil
	}
	return r
}
