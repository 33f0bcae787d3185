package models

import "fmt"

// ABD returns a Register that is kept by a majority: Attiya, Bar-Noy and Dolev,
// "Sharing Memory Robustly in Message-Passing Systems", 1995. A server that is
// asked for a read or a write first queries a majority for its newest value,
// then has a majority record that value, or its own with a later stamp. It
// serves one client at a time; messages to itself take no time.
func ABD(servers, clients int) *Register {
	return &Register{Servers: servers, Clients: clients, rules: abd{servers}}
}

// abd packs a server into a word:
//
//	bits 0-7    stamp and value: 3 bits clock, 2 bits server, 3 bits value
//	bits 8-9    phase: 0 idle, 1 query, 2 record
//	bits 10-13  the request: 3 bits client, 1 bit whether it is its read
//	bits 14-16  query: the value to write, 0 for a read
//	bits 17-19  record: the value that a read returns
//	bits 20-22  record: set of servers that have it
//	bits 24-50  query: for each server 1 bit whether it has answered, and 8 for
//	            its stamp and value
type abd struct{ servers int }

// Kinds of packets: body is the request, and above it stamp and value.
const (
	query = inward + iota
	answered
	record
	recorded
)

const (
	abdIdle      = 0
	abdQuery     = 1 << 8
	abdRecord    = 2 << 8
	abdPhase     = 3 << 8
	abdPair      = 0xff
	abdRequestAt = 10
	abdWriteAt   = 14
	abdReadAt    = 17
	abdAcksAt    = 20
	abdAnswersAt = 24
	abdAnswer    = 9 // bits
)

func stampOf(pair uint64) uint64 { return pair >> 3 }

func pairOf(clock, server, value uint64) uint64 { return (clock<<2|server)<<3 | value }

func (abd) initial(self int) uint64 { return pairOf(0, uint64(self), 0) }

func (p abd) receive(r *Register, self int, s uint64, m packet) (uint64, bool) {
	request, pair := uint64(m.body()&15), uint64(m.body()>>4)
	mine := s&abdPhase != abdIdle && s>>abdRequestAt&15 == request
	switch m.kind() {
	case put, get:
		if s&abdPhase != abdIdle {
			return s, false
		}
		c := uint64(m.from() - r.Servers)
		s |= abdQuery | (c<<1|uint64(m.kind()))<<abdRequestAt | uint64(m.body())<<abdWriteAt
		r.broadcast(query, self, uint32(s>>abdRequestAt&15))
		return s | (1|s&abdPair<<1)<<(abdAnswersAt+abdAnswer*self), true
	case query:
		r.send(answered, self, m.from(), uint32(request|s&abdPair<<4))
		return s, false
	case answered:
		if !mine || s&abdPhase != abdQuery {
			return s, false
		}
		return p.heard(r, self, s|(1|pair<<1)<<(abdAnswersAt+abdAnswer*m.from())), true
	case record:
		r.send(recorded, self, m.from(), uint32(request))
		return newest(s, pair), false
	case recorded:
		ack := uint64(1) << (abdAcksAt + m.from())
		if !mine || s&abdPhase != abdRecord || s&ack != 0 {
			return s, false
		}
		return p.counted(r, self, s|ack), true
	}
	return s, false
}

// newest is s with pair in the place of its own, if pair has the later stamp.
func newest(s, pair uint64) uint64 {
	if stampOf(pair) > stampOf(s&abdPair) {
		return s&^abdPair | pair
	}
	return s
}

// heard begins to record when a majority has answered.
func (p abd) heard(r *Register, self int, s uint64) uint64 {
	count, highest := 0, uint64(0)
	for i := range p.servers {
		one := s >> (abdAnswersAt + abdAnswer*i) & (1<<abdAnswer - 1)
		if one&1 == 1 {
			count++
			highest = max(highest, one>>1) // stamps are distinct
		}
	}
	if count != r.majority() {
		return s
	}
	request, value := s>>abdRequestAt&15, s>>abdWriteAt&7
	s &= abdPair
	if value != 0 {
		highest = pairOf(stampOf(highest)>>2+1, uint64(self), value)
	} else {
		s |= highest & 7 << abdReadAt
	}
	r.broadcast(record, self, uint32(request|highest<<4))
	return newest(s, highest) | abdRecord | request<<abdRequestAt | 1<<(abdAcksAt+self)
}

// counted answers the client when a majority has recorded.
func (p abd) counted(r *Register, self int, s uint64) uint64 {
	count := 0
	for i := range p.servers {
		count += int(s >> (abdAcksAt + i) & 1)
	}
	if count != r.majority() {
		return s
	}
	client, kind := r.Servers+int(s>>(abdRequestAt+1)&7), putOK
	if s>>abdRequestAt&1 == get {
		kind = getOK
	}
	r.send(kind, self, client, uint32(s>>abdReadAt&7))
	return s & abdPair
}

func (abd) show(m packet) string {
	name := [...]string{"query", "answer", "record", "recorded"}[m.kind()-inward]
	return fmt.Sprintf("%s for request %d, clock %d of %d, value %d", name, m.body()&15, m.body()>>9,
		m.body()>>7&3, m.body()>>4&7)
}
