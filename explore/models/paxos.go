package models

import "fmt"

// Paxos returns a Register that is decided once, by single-decree Paxos: what a
// server is first asked to put it proposes, and it answers a get when it knows
// what was chosen. A server is acceptor, proposer and learner in one, and its
// messages to itself take no time.
func Paxos(servers, clients int) *Register {
	return &Register{Servers: servers, Clients: clients, rules: paxos{servers}}
}

// paxos packs a server into a word:
//
//	bits 0-3    ballot: round times servers, plus the leader
//	bits 4-6    proposal: the client whose value it is, from 1; 0 for none
//	bits 7-13   accepted: ballot and proposal; 0 for nothing
//	bit  14     decided
//	bits 16-18  accepts: set of servers
//	bits 24-63  promises: for each server 1 bit whether it has answered, and 7
//	            for what it had accepted
type paxos struct{ servers int }

// Kinds of packets: body is the ballot, and above it what was accepted.
const (
	prepare = inward + iota
	promise
	accept
	acceptedBy
	decide
)

const (
	ballotBits   = 4
	proposalBits = 3
	acceptedMask = 1<<(ballotBits+proposalBits) - 1
	decidedBit   = 1 << 14
	acceptsAt    = 16
	promisesAt   = 24
)

func (paxos) initial(int) uint64 { return 0 }

func ballotOf(s uint64) uint64   { return s & 15 }
func proposalOf(s uint64) uint64 { return s >> 4 & 7 }
func acceptedOf(s uint64) uint64 { return s >> 7 & acceptedMask }

func withBallot(s, b uint64) uint64   { return s&^15 | b }
func withProposal(s, p uint64) uint64 { return s&^(7<<4) | p<<4 }
func withAccepted(s, a uint64) uint64 { return s&^(acceptedMask<<7) | a<<7 }

func (p paxos) receive(r *Register, self int, s uint64, m packet) (uint64, bool) {
	if s&decidedBit != 0 {
		if m.kind() == get {
			r.send(getOK, self, m.from(), uint32(acceptedOf(s)&7))
		}
		return s, false
	}
	ballot, rest := uint64(m.body()&15), uint64(m.body()>>ballotBits)
	switch m.kind() {
	case put:
		if proposalOf(s) != 0 {
			return s, false
		}
		return p.propose(r, self, s, uint64(m.body())), true
	case prepare:
		if ballotOf(s) >= ballot {
			return s, false
		}
		r.send(promise, self, m.from(), uint32(ballot|acceptedOf(s)<<ballotBits))
		return withBallot(s, ballot), true
	case promise:
		if ballot != ballotOf(s) {
			return s, false
		}
		return p.promised(r, self, s|(1|rest<<1)<<(promisesAt+8*m.from())), true
	case accept:
		if ballotOf(s) > ballot {
			return s, false
		}
		r.send(acceptedBy, self, m.from(), uint32(ballot))
		return withAccepted(withBallot(s, ballot), ballot<<proposalBits|rest), true
	case acceptedBy:
		if ballot != ballotOf(s) {
			return s, false
		}
		return p.counted(r, self, s|1<<(acceptsAt+m.from())), true
	case decide:
		return withAccepted(withBallot(s, ballot), ballot<<proposalBits|rest) | decidedBit, true
	}
	return s, false
}

// propose begins phase 1 with a ballot above all that self knows.
func (p paxos) propose(r *Register, self int, s, proposal uint64) uint64 {
	n := uint64(p.servers)
	ballot := (ballotOf(s)/n+1)*n + uint64(self)
	s &^= 7<<acceptsAt | (1<<40-1)<<promisesAt
	s = withProposal(withBallot(s, ballot), proposal)
	r.broadcast(prepare, self, uint32(ballot))
	return s | (1|acceptedOf(s)<<1)<<(promisesAt+8*self)
}

// promised begins phase 2 when the promise just counted completes a majority:
// with what was accepted in the highest ballot, or else with its own.
func (p paxos) promised(r *Register, self int, s uint64) uint64 {
	count, highest := 0, uint64(0)
	for i := range p.servers {
		if one := s >> (promisesAt + 8*i) & 255; one&1 == 1 {
			count++
			highest = max(highest, one>>1)
		}
	}
	if count != r.majority() {
		return s
	}
	if highest != 0 {
		s = withProposal(s, highest&7)
	}
	s = withAccepted(s, ballotOf(s)<<proposalBits|proposalOf(s)) | 1<<(acceptsAt+self)
	r.broadcast(accept, self, uint32(ballotOf(s)|proposalOf(s)<<ballotBits))
	return s
}

// counted decides when the acceptance just counted completes a majority.
func (p paxos) counted(r *Register, self int, s uint64) uint64 {
	count := 0
	for i := range p.servers {
		count += int(s >> (acceptsAt + i) & 1)
	}
	if count != r.majority() {
		return s
	}
	r.broadcast(decide, self, uint32(ballotOf(s)|proposalOf(s)<<ballotBits))
	r.send(putOK, self, r.Servers+int(proposalOf(s))-1, 0)
	return s | decidedBit
}

func (paxos) show(m packet) string {
	name := [...]string{"prepare", "promise", "accept", "accepted", "decided"}[m.kind()-inward]
	return fmt.Sprintf("%s ballot %d, %d", name, m.body()&15, m.body()>>ballotBits)
}
