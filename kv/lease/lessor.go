// Package lease keeps time for leases: when one has run out is a decision, and
// this is where it is taken.
package lease

import (
	"cmp"
	"container/heap"
	"maps"
	"slices"
	"sync"
	"time"

	"althing/kv/command"
)

const (
	// ExpiryRate bounds the leases decided on in a second: the deletes they
	// cause must leave room for clients' own writes.
	ExpiryRate = 1000
	// expiryRetry is when a decision is taken again that has not taken effect:
	// its proposal was refused, or lost.
	expiryRetry = 3 * time.Second
	// CheckpointInterval is how often what leases have left is recorded. So
	// much longer than its TTL may a lease live for each change of the leader.
	CheckpointInterval = 5 * time.Minute
	// checkpointBatch bounds the leases of one checkpoint, and so its size.
	checkpointBatch = 1000
)

// A Lease is a lease as replicated: it has no deadline.
type Lease struct {
	ID        int64
	TTL       int64  // seconds, as granted
	Remaining int64  // seconds, as last checkpointed; 0: all of TTL
	Granted   uint64 // Index of the entry that granted it
}

// A Lessor keeps the deadlines of leases, on the leader. They are no part of
// the replicated state: what it decides takes effect only through the log.
// Clients rely on one rule: no lease ends sooner than its TTL after the last
// renewal they were told of.
//
// A replica that becomes leader proposes LeasePromote and, when that is
// applied, calls Promote with its Index. From then on it proposes what Expired
// and Checkpoint return, until it loses the lead and calls Demote, or somebody
// else's LeasePromote is applied and does so for it.
//
// A decision names its reign, and the state machine voids those of any reign
// but the last that the log has begun. So a decision can only take effect
// before the next reign begins in the log; and only once it has begun there
// does the next leader renew leases. A deposed leader cannot end a lease that
// its successor has renewed, whatever becomes of its proposals in between. In
// the same reign it cannot either: what has run out is not renewed any more.
type Lessor struct {
	now func() time.Duration

	mu      sync.Mutex
	reign   uint64 // 0: none here
	last    uint64 // the last reign that the log has begun
	leases  map[int64]*kept
	queue   expiries
	refill  time.Duration // when allowed was last added to
	allowed float64       // leases that may be decided on now
	seq     uint64        // of the last checkpoint taken
	applied uint64        // of the last checkpoint applied
	next    time.Duration // when to look for checkpoints again
	due     []int64       // leases to checkpoint
}

// kept is one lease with its deadline.
type kept struct {
	Lease
	deadline time.Duration
	wake     time.Duration // when the queue brings it up: the deadline, or a retry
	sent     uint64        // last checkpoint that would shorten it
	place    int           // in the queue
}

// New returns a Lessor that reads the clock now, which never runs back.
func New(now func() time.Duration) *Lessor { return &Lessor{now: now} }

// Reset begins anew with what a state holds.
func (l *Lessor) Reset(leases map[int64]Lease, last uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.reign, l.last, l.queue = 0, last, nil
	l.leases = make(map[int64]*kept, len(leases))
	for id, lease := range leases {
		l.leases[id] = &kept{Lease: lease}
	}
}

// Begin is told of every LeasePromote that is applied.
func (l *Lessor) Begin(reign uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.reign, l.last, l.queue = 0, reign, nil
}

// Set is told of every grant and every change of a lease that is applied.
func (l *Lessor) Set(lease Lease) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if k := l.leases[lease.ID]; k != nil {
		k.Lease = lease
		return
	}
	k := &kept{Lease: lease}
	l.leases[lease.ID] = k
	if l.reign != 0 {
		k.deadline = l.now() + seconds(lease.TTL)
		k.wake = k.deadline
		heap.Push(&l.queue, k)
	}
}

// Checkpointed is told of every checkpoint that is applied in its own reign.
func (l *Lessor) Checkpointed(seq uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.applied = seq
}

// Revoked is told of every lease that has ended.
func (l *Lessor) Revoked(id int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	k := l.leases[id]
	if k != nil && l.reign != 0 {
		heap.Remove(&l.queue, k.place)
	}
	delete(l.leases, id)
}

// Promote begins reign: the Index of this replica's own LeasePromote, once
// that is applied. Every lease gets its full TTL, or what was checkpointed of
// it, and extend on top, from now. It does nothing and returns false if
// another reign has begun since.
func (l *Lessor) Promote(reign uint64, extend time.Duration) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if reign == 0 || reign != l.last {
		return false
	}
	now := l.now()
	l.reign, l.seq, l.applied, l.due = reign, 0, 0, nil
	l.next, l.refill, l.allowed = now+CheckpointInterval, now, ExpiryRate
	l.queue = make(expiries, 0, len(l.leases))
	for _, id := range slices.Sorted(maps.Keys(l.leases)) {
		k := l.leases[id]
		left := k.TTL
		if k.Remaining > 0 {
			left = k.Remaining
		}
		k.deadline = now + seconds(left) + extend
		k.wake, k.sent, k.place = k.deadline, 0, len(l.queue)
		l.queue = append(l.queue, k)
	}
	heap.Init(&l.queue)
	return true
}

// Demote ends the reign, if there is one here.
func (l *Lessor) Demote() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.reign, l.queue = 0, nil
}

// KeepAlive gives a lease its full TTL from now, and returns it in seconds.
// If clear is not nil, it must have been applied, without an error, before the
// client is told; with ErrStale, ask again. The caller must also confirm, after
// this call and before it answers, that it still leads: else a successor may
// have begun to count before the renewal. It returns ErrLeaseNotFound for a
// lease that has run out, and ErrNotLessor.
func (l *Lessor) KeepAlive(id int64) (ttl int64, clear *command.LeaseCheckpoint, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	k, err := l.find(id)
	if err != nil {
		return 0, nil, err
	}
	now := l.now()
	if k.deadline <= now {
		return 0, nil, command.ErrLeaseNotFound
	}
	k.deadline = now + seconds(k.TTL)
	k.wake = k.deadline
	heap.Fix(&l.queue, k.place)
	// What was checkpointed of it, or will yet be, is less than it has now: the
	// next reign must not go by that.
	if k.Remaining > 0 || k.sent > l.applied {
		l.seq++
		clear = &command.LeaseCheckpoint{Reign: l.reign, Seq: l.seq,
			Leases: []command.Remaining{{ID: id, Granted: k.Granted}}}
	}
	return k.TTL, clear, nil
}

// TimeToLive returns how long a lease has left, 0 or less if it has run out.
// It returns ErrLeaseNotFound and ErrNotLessor.
func (l *Lessor) TimeToLive(id int64) (time.Duration, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	k, err := l.find(id)
	if err != nil {
		return 0, err
	}
	return k.deadline - l.now(), nil
}

func (l *Lessor) find(id int64) (*kept, error) {
	if l.reign == 0 {
		return nil, command.ErrNotLessor
	}
	k := l.leases[id]
	if k == nil {
		return nil, command.ErrLeaseNotFound
	}
	return k, nil
}

// Expired decides which leases have run out: nil if none. It takes a decision
// again only if that has not taken effect for three seconds, and takes no more
// than a thousand in a second.
func (l *Lessor) Expired() *command.LeaseExpire {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.reign == 0 {
		return nil
	}
	now := l.now()
	l.allowed = min(l.allowed+(now-l.refill).Seconds()*ExpiryRate, ExpiryRate)
	l.refill = now
	c := &command.LeaseExpire{Reign: l.reign}
	for len(l.queue) > 0 && l.queue[0].wake <= now && l.allowed >= 1 {
		k := l.queue[0]
		k.wake = now + expiryRetry
		heap.Fix(&l.queue, 0)
		c.Leases = append(c.Leases, command.Expiry{ID: k.ID, Granted: k.Granted})
		l.allowed--
	}
	if len(c.Leases) == 0 {
		return nil
	}
	return c
}

// Checkpoint records how long leases have left: nil if nothing is due. The
// caller asks again as long as it gets one.
func (l *Lessor) Checkpoint() *command.LeaseCheckpoint {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.reign == 0 {
		return nil
	}
	now := l.now()
	if now >= l.next {
		l.next, l.due = now+CheckpointInterval, slices.Sorted(maps.Keys(l.leases))
	}
	var rs []command.Remaining
	for len(l.due) > 0 && len(rs) < checkpointBatch {
		k := l.leases[l.due[0]]
		l.due = l.due[1:]
		if k == nil {
			continue
		}
		// Rounded up: a lease may live longer, never shorter.
		left := int64((k.deadline - now + time.Second - 1) / time.Second)
		if known := cmp.Or(k.Remaining, k.TTL); left > 0 && left < known {
			rs = append(rs, command.Remaining{ID: k.ID, Granted: k.Granted, TTL: left})
		}
	}
	if len(rs) == 0 {
		return nil
	}
	l.seq++
	for _, r := range rs {
		l.leases[r.ID].sent = l.seq
	}
	return &command.LeaseCheckpoint{Reign: l.reign, Seq: l.seq, Leases: rs}
}

// seconds is a TTL as a duration. The longest one would not fit: those are
// taken for a century, which outlives any reign.
func seconds(n int64) time.Duration {
	const century = 100 * 365 * 24 * 3600
	return time.Duration(min(n, century)) * time.Second
}

// expiries is a heap by wake.
type expiries []*kept

func (q expiries) Len() int { return len(q) }

func (q expiries) Less(i, j int) bool {
	return cmp.Or(cmp.Compare(q[i].wake, q[j].wake), cmp.Compare(q[i].ID, q[j].ID)) < 0
}

func (q expiries) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].place, q[j].place = i, j
}

func (q *expiries) Push(x any) {
	k := x.(*kept)
	k.place = len(*q)
	*q = append(*q, k)
}

func (q *expiries) Pop() any {
	n := len(*q) - 1
	k := (*q)[n]
	(*q)[n], *q = nil, (*q)[:n]
	return k
}
