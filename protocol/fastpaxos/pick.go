package fastpaxos

import "althing/process"

// pick returns the value for a round, given what a quorum of acceptors voted for
// before it: votes has the latest vote of each, round 0 of those who have none.
// If a value was or may still be chosen in an earlier round, it is that one. If
// none was, it is that with the most votes, or nothing if there is none. §2.2.2
func (r *replica) pick(votes []Vote) process.Entry {
	var k uint64
	for i := range votes {
		k = max(k, votes[i].Round)
	}
	var best *process.Entry
	most := 0
	for i := range votes {
		v := &votes[i]
		if v.Round != k || k == 0 {
			continue
		}
		n := 0
		for j := range votes {
			if votes[j].Round == k && equal(&votes[j].Entry, &v.Entry) {
				n++
			}
		}
		if r.mayBeChosen(k, n, len(votes)) {
			return v.Entry // no other can be, too: two fast quorums meet in this one. O4
		}
		if n > most || n == most && v.Entry.Epoch < best.Epoch {
			best, most = &v.Entry, n
		}
	}
	if best == nil {
		return process.Entry{Req: process.Request{Kind: process.NoOp}}
	}
	return *best
}

// mayBeChosen reports whether there is a quorum of round k all of whose members
// among those asked voted for one value, as n of them did. O4
func (r *replica) mayBeChosen(k uint64, n, asked int) bool {
	if !fast(k) {
		return true // a classic round has one value
	}
	return n+len(r.group.Voters)-asked >= r.fastSize()
}

// votesIn returns the votes heard in a round, in order of the voters.
func (x *instance) votesIn(round uint64) (vs []Vote) {
	for i := range x.heard {
		if x.heard[i].Round == round {
			vs = append(vs, x.heard[i])
		}
	}
	return vs
}

// collided reports whether no value can be chosen in a round any more, given the
// votes heard. §3.2
func (r *replica) collided(round uint64, votes []Vote) bool {
	for i := range votes {
		n := 0
		for j := range votes {
			if equal(&votes[j].Entry, &votes[i].Entry) {
				n++
			}
		}
		if r.mayBeChosen(round, n, len(votes)) {
			return false
		}
	}
	return len(votes) >= r.classic()
}
