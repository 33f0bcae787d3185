package models

import "fmt"

// SingleCopy returns a Register of which each server keeps a copy of its own
// and tells no other: with one server it is linearizable, with two it is not.
func SingleCopy(servers, clients int) *Register {
	return &Register{Servers: servers, Clients: clients, rules: single{}}
}

// single packs a server into the value that it has.
type single struct{}

func (single) initial(int) uint64 { return 0 }

func (single) receive(r *Register, self int, s uint64, m packet) (uint64, bool) {
	if m.kind() == put {
		r.send(putOK, self, m.from(), 0)
		return uint64(m.body()), true
	}
	r.send(getOK, self, m.from(), uint32(s))
	return s, false
}

func (single) show(m packet) string { return fmt.Sprintf("%d", m.body()) }
