// Package lease grants a resource to one client for a time, and lets the resource
// itself refuse who comes late.
//
// Gray and Cheriton, "Leases", SOSP 1989: cited as GC. Burrows, "The Chubby Lock
// Service", OSDI 2006, §2.4 (sequencers): cited as Chubby. The specification is
// spec/Lease.tla, and the names are its.
//
// There are three parts. A Service grants: it is deterministic, so it can be part of a
// replicated machine whose commands carry the time. A Holder is what a client knows of
// its lease. A Fence stands before the resource.
//
// Two promises rest on different things. That no two clients think that they hold the
// lease rests on clocks: no client's differs from the service's by more than Skew.
// But a client that looked at its clock may be stopped before it writes, and its
// message may be slow. So each write carries the number of its lease, and the Fence
// takes none below the highest that it has seen: that rests on no clock.
//
// This is no protocol of the catalog: agreement on who holds the lease is what the
// log below already gives, and a client is no replica.
package lease

import "time"

// Terms are what a service and its clients must know alike.
type Terms struct {
	Length time.Duration // of a lease, on the service's clock
	Skew   time.Duration // by how much a client's clock may differ from the service's
}

// Useful reports whether anybody can ever think that it holds a lease of these terms.
func (t Terms) Useful() bool { return t.Skew >= 0 && t.Length > 2*t.Skew }

// A Service grants one lease. The zero Number is no lease.
type Service struct {
	Terms
	number uint64
	holder string
	now    time.Duration // the latest time it was told
	until  time.Duration
}

// Grant grants the lease to a client at a time on the service's clock, and returns its
// number; or that another client has it. Who has it is granted it again, with the same
// number and from now on; else the number is the next. A time before one that it was
// told earlier is taken for that. GC 2; Chubby 2.4
func (s *Service) Grant(client string, now time.Duration) (number uint64, ok bool) {
	s.now = max(s.now, now)
	held := s.number > 0 && s.now < s.until
	switch {
	case held && s.holder != client:
		return 0, false
	case !held:
		s.number++
	}
	s.holder, s.until = client, s.now+s.Length
	return s.number, true
}

// A Holder is a client's side. It looks at the client's own clock.
type Holder struct {
	Terms
	number uint64
	since  time.Duration // when it asked for what it was granted
}

// Granted takes in that the lease of a number was granted after it was asked for at a
// time on the client's clock: from then on it counts, for it may have been granted at
// once. An answer to an earlier question than one answered already changes nothing. GC 2
func (h *Holder) Granted(number uint64, asked time.Duration) {
	if number > h.number || number == h.number && asked > h.since {
		h.number, h.since = number, asked
	}
}

// Believes returns the number of the lease, and whether the client may think that it
// holds it at a time on its own clock: less what the clocks may differ by when it asks
// and when it looks. GC 2, 5
func (h *Holder) Believes(now time.Duration) (number uint64, ok bool) {
	return h.number, h.number > 0 && now+2*h.Skew < h.since+h.Length
}

// A Fence stands before the resource. Its state must live as long as the resource's.
type Fence struct{ Last uint64 } // the number that came with the last write it took

// Take reports whether a write under the lease of a number may go on: unless a later
// lease was here. Chubby 2.4
func (f *Fence) Take(number uint64) bool {
	if number < f.Last {
		return false
	}
	f.Last = number
	return true
}
