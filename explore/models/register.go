package models

import (
	"encoding/binary"
	"fmt"
	"strings"

	"althing/explore"
)

// A Register is servers that keep one shared register, and clients that each
// write once and then read once. Messages are neither lost nor doubled, and
// arrive in any order; one that its addressee ignores stays where it is. Each
// client writes a value of its own, to one server, and reads from the next.
//
// A state is a word for each server, the history of each client, and the
// messages on their way, ascending:
//
//	8 bytes   for each server, as its rules pack them
//	2 bytes   for each client, see history
//	4 bytes   for each message, see packet
//
// After each step the history must be linearizable.
type Register struct {
	Servers, Clients int
	rules            rules

	servers [maxServers]uint64
	clients [maxClients]history
	net     []packet
	sent    []packet
	buf     []byte
}

const (
	maxServers = 3
	maxClients = 4
)

// rules are what a server does.
type rules interface {
	// receive returns the state of server self after p, and whether p was of
	// any use: if not, and nothing was sent, p stays on its way.
	receive(r *Register, self int, state uint64, p packet) (next uint64, taken bool)
	// show describes a packet between servers.
	show(p packet) string
	// initial is the state of a server that nothing has happened to.
	initial(self int) uint64
}

// A packet is a message: its kind, who sent it to whom, and 18 bits that its
// kind gives a meaning. Clients are numbered after the servers.
type packet uint32

const bodyBits = 18

func pack(kind, from, to int, body uint32) packet {
	return packet(uint32(kind)<<24 | uint32(from)<<21 | uint32(to)<<18 | body)
}

func (p packet) kind() int    { return int(p >> 24) }
func (p packet) from() int    { return int(p>>21) & 7 }
func (p packet) to() int      { return int(p>>18) & 7 }
func (p packet) body() uint32 { return uint32(p) & (1<<bodyBits - 1) }

// Kinds of packets between clients and servers. Those among servers follow.
const (
	put    = iota // body: the value
	get           // body: 0
	putOK         // body: 0
	getOK         // body: the value
	inward        // the first kind that is the servers' own
)

// A history is what a client did: bits 0-1 say how many of its operations have
// returned, bits 2-4 the value read, and two bits for each client, from bit 5,
// how many operations that client had completed when the read began. The write
// began before anything else did.
type history uint16

func (h history) completed() int      { return int(h & 3) }
func (h history) value() int          { return int(h>>2) & 7 }
func (h history) before(peer int) int { return int(h>>(5+2*peer)) & 3 }

// Fork implements explore.Model.
func (r *Register) Fork() explore.Model {
	return &Register{Servers: r.Servers, Clients: r.Clients, rules: r.rules}
}

// Kinds implements explore.Model.
func (*Register) Kinds() []string { return []string{"deliver"} }

// Initial implements explore.Model.
func (r *Register) Initial(s *explore.Steps) {
	r.net, r.clients = r.net[:0], [maxClients]history{}
	for i := range r.Servers {
		r.servers[i] = r.rules.initial(i)
	}
	for c := range r.Clients {
		from := r.Servers + c
		r.net = append(r.net, pack(put, from, from%r.Servers, uint32(c+1)))
	}
	r.buf = r.head(r.buf[:0])
	r.sent = r.sent[:0]
	s.Add(0, r.tail(r.buf, len(r.net)))
}

// head appends the servers and the clients.
func (r *Register) head(b []byte) []byte {
	for _, s := range r.servers[:r.Servers] {
		b = binary.LittleEndian.AppendUint64(b, s)
	}
	for _, c := range r.clients[:r.Clients] {
		b = binary.LittleEndian.AppendUint16(b, uint16(c))
	}
	return b
}

// tail appends the messages on their way without number gone, and those just
// sent, ascending.
func (r *Register) tail(b []byte, gone int) []byte {
	for i := 1; i < len(r.sent); i++ { // three at most, most often in order
		for j := i; j > 0 && r.sent[j] < r.sent[j-1]; j-- {
			r.sent[j], r.sent[j-1] = r.sent[j-1], r.sent[j]
		}
	}
	next := 0
	for i, p := range r.net {
		for next < len(r.sent) && r.sent[next] < p {
			b = binary.LittleEndian.AppendUint32(b, uint32(r.sent[next]))
			next++
		}
		if i != gone {
			b = binary.LittleEndian.AppendUint32(b, uint32(p))
		}
	}
	for _, p := range r.sent[next:] {
		b = binary.LittleEndian.AppendUint32(b, uint32(p))
	}
	return b
}

// load takes a state apart.
func (r *Register) load(state []byte) {
	for i := range r.Servers {
		r.servers[i] = binary.LittleEndian.Uint64(state[8*i:])
	}
	state = state[8*r.Servers:]
	for i := range r.Clients {
		r.clients[i] = history(binary.LittleEndian.Uint16(state[2*i:]))
	}
	state = state[2*r.Clients:]
	r.net = r.net[:0]
	for ; len(state) > 0; state = state[4:] {
		r.net = append(r.net, packet(binary.LittleEndian.Uint32(state)))
	}
}

// Next implements explore.Model.
func (r *Register) Next(state []byte, s *explore.Steps) {
	r.load(state)
	for i, p := range r.net {
		if i > 0 && p == r.net[i-1] {
			continue // equal messages are delivered in one way
		}
		r.sent = r.sent[:0]
		if to := p.to(); to < r.Servers {
			before := r.servers[to]
			next, taken := r.rules.receive(r, to, before, p)
			if !taken && len(r.sent) == 0 {
				continue
			}
			r.servers[to] = next
			r.buf = r.head(r.buf[:0])
			r.servers[to] = before
		} else {
			c := to - r.Servers
			before := r.clients[c]
			if !r.answer(c, p) {
				continue
			}
			r.buf = r.head(r.buf[:0])
			r.clients[c] = before
		}
		r.buf = r.tail(r.buf, i)
		s.Add(explore.NewAction(0, uint64(p)), r.buf)
	}
}

func (r *Register) send(kind, from, to int, body uint32) {
	r.sent = append(r.sent, pack(kind, from, to, body))
}

// broadcast sends to all servers but from.
func (r *Register) broadcast(kind, from int, body uint32) {
	for to := range r.Servers {
		if to != from {
			r.send(kind, from, to, body)
		}
	}
}

func (r *Register) majority() int { return r.Servers/2 + 1 }

// answer lets client c go on, and reports whether p is what it waits for.
func (r *Register) answer(c int, p packet) bool {
	h := r.clients[c]
	switch {
	case p.kind() == putOK && h.completed() == 0:
		h = 1
		for peer, other := range r.clients[:r.Clients] {
			if peer != c {
				h |= history(other.completed()) << (5 + 2*peer)
			}
		}
		me := r.Servers + c
		r.send(get, me, (me+1)%r.Servers, 0)
	case p.kind() == getOK && h.completed() == 1:
		h = h + 1 | history(p.body())<<2
	default:
		return false
	}
	r.clients[c] = h
	return true
}

// Properties implements explore.Model.
func (r *Register) Properties() []explore.Property {
	return []explore.Property{
		{Name: "linearizable", Mode: explore.Always, Holds: func(state []byte) bool {
			r.load(state)
			return linearizable(r.clients[:r.Clients])
		}},
		{Name: "value read", Mode: explore.Sometimes, Holds: func(state []byte) bool {
			r.load(state)
			for _, p := range r.net {
				if p.kind() == getOK && p.body() != 0 {
					return true
				}
			}
			return false
		}},
	}
}

// linearizable reports whether the operations that returned, and any of the
// others, have an order that a single register would have shown and in which
// what returned before another began comes first.
func linearizable(clients []history) bool {
	read := false
	for _, h := range clients {
		read = read || h.completed() == 2
	}
	return !read || ordered(clients, 0, 0, 0)
}

// ordered continues an order in which the clients of these two sets have their
// write and their read behind them.
func ordered(clients []history, written, read uint, value int) bool {
	done := true
	for c, h := range clients {
		done = done && (h.completed() < 1 || written>>c&1 == 1) && (h.completed() < 2 || read>>c&1 == 1)
	}
	if done {
		return true
	}
	for c, h := range clients {
		switch {
		case written>>c&1 == 0:
			if ordered(clients, written|1<<c, read, c+1) {
				return true
			}
		case read>>c&1 == 0 && h.completed() == 2 && h.value() == value && due(clients, h, written, read):
			if ordered(clients, written, read|1<<c, value) {
				return true
			}
		}
	}
	return false
}

// due reports whether all that had returned before h's read began is in order.
func due(clients []history, h history, written, read uint) bool {
	for peer := range clients {
		n := h.before(peer)
		if n >= 1 && written>>peer&1 == 0 || n == 2 && read>>peer&1 == 0 {
			return false
		}
	}
	return true
}

// Describe implements explore.Model.
func (r *Register) Describe(_ []byte, a explore.Action) string {
	p := packet(a.Arg())
	var what string
	switch p.kind() {
	case put:
		what = fmt.Sprintf("put %c", '@'+p.body())
	case get:
		what = "get"
	case putOK:
		what = "put done"
	case getOK:
		what = fmt.Sprintf("got %c", '@'+p.body())
	default:
		what = r.rules.show(p)
	}
	return fmt.Sprintf("%s→%s %s", r.name(p.from()), r.name(p.to()), what)
}

func (r *Register) name(i int) string {
	if i < r.Servers {
		return fmt.Sprint(i)
	}
	return fmt.Sprintf("c%d", i-r.Servers)
}

// Show implements explore.Model.
func (r *Register) Show(state []byte) string {
	r.load(state)
	var b strings.Builder
	for i, h := range r.clients[:r.Clients] {
		fmt.Fprintf(&b, "c%d has %d operations done; ", i, h.completed())
	}
	fmt.Fprintf(&b, "servers %x", r.servers[:r.Servers])
	return b.String()
}
