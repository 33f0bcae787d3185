package world

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"

	"althing/process"
	"althing/session"
)

// A Machine is the application of a replica: registers and sessions. Commands
// are words with one space between:
//
//	get KEY               the value, or nothing
//	put KEY VALUE         nothing
//	cas KEY OLD NEW       1 if the value was OLD and is now NEW, else 0
//	append KEY VALUE      the value after VALUE was added at its end
//
// A register that was never put holds the empty value.
type Machine struct {
	state     process.State
	registers []register // ascending by key
	sessions  session.Table
}

type register struct{ key, value []byte } // shared, never written in place

// State names what has been applied.
func (m *Machine) State() process.State { return m.state }

// Read answers a command that changes nothing; for any other it is nil.
func (m *Machine) Read(cmd []byte) []byte {
	verb, rest, _ := bytes.Cut(cmd, space)
	if string(verb) != "get" {
		return nil
	}
	return m.value(rest)
}

var space = []byte{' '}

func (m *Machine) find(key []byte) (int, bool) {
	for i := range m.registers { // a handful
		if c := bytes.Compare(m.registers[i].key, key); c >= 0 {
			return i, c == 0
		}
	}
	return len(m.registers), false
}

func (m *Machine) value(key []byte) []byte {
	if i, ok := m.find(key); ok {
		return m.registers[i].value
	}
	return nil
}

func (m *Machine) put(key, value []byte) {
	i, ok := m.find(key)
	if !ok {
		m.registers = slices.Insert(m.registers, i, register{key: key})
	}
	m.registers[i].value = value
}

var yes, no, empty = []byte("1"), []byte("0"), []byte{}

// run executes one command. The result is never nil, so that the session
// table keeps it for a retry.
func (m *Machine) run(cmd []byte) []byte {
	verb, rest, _ := bytes.Cut(cmd, space)
	key, arg, _ := bytes.Cut(rest, space)
	switch string(verb) {
	case "get":
		return append(empty, m.value(key)...)
	case "put":
		m.put(key, arg)
	case "cas":
		old, value, _ := bytes.Cut(arg, space)
		if !bytes.Equal(m.value(key), old) {
			return no
		}
		m.put(key, value)
		return yes
	case "append":
		value := slices.Concat(m.value(key), arg)
		m.put(key, value)
		return value
	}
	return empty
}

// apply executes the entry that follows State, and returns what its client is
// told.
func (m *Machine) apply(e *process.Entry) (result []byte, v session.Verdict, err error) {
	m.state.Index, m.state.Epoch = e.Index, e.Epoch
	switch r := &e.Req; r.Kind {
	case process.Command:
		if v, result = m.sessions.Check(r); v == session.New {
			result = m.run(r.Cmd)
			m.sessions.Done(r, result)
			v = session.Done
		}
		return result, v, nil
	case process.Session:
		m.sessions.Open(e.Index)
		return binary.AppendUvarint(nil, e.Index), session.Done, nil
	case process.Members:
		g, _, err := process.CutGroup(r.Cmd)
		if err != nil || !g.Valid() {
			return nil, 0, fmt.Errorf("entry %d changes the members to no group", e.Index)
		}
		m.state.Group = g
	case process.NoOp:
	default:
		return nil, 0, fmt.Errorf("entry %d is of a kind that is never in a log: %d", e.Index, r.Kind)
	}
	return empty, session.Done, nil
}

// clone returns an independent copy.
func (m *Machine) clone() *Machine {
	c := &Machine{state: m.state, registers: slices.Clone(m.registers), sessions: m.sessions.Clone()}
	c.state.Group = m.state.Group.Clone()
	return c
}

// AppendState appends the whole state in one canonical form: equal states have
// equal bytes.
func (m *Machine) AppendState(b []byte) []byte {
	b = binary.AppendUvarint(b, m.state.Index)
	b = binary.AppendUvarint(b, m.state.Epoch)
	b = process.AppendGroup(b, m.state.Group)
	b = binary.AppendUvarint(b, uint64(len(m.registers)))
	for _, r := range m.registers {
		b = binary.AppendUvarint(b, uint64(len(r.key)))
		b = append(b, r.key...)
		b = binary.AppendUvarint(b, uint64(len(r.value)))
		b = append(b, r.value...)
	}
	return m.sessions.AppendState(b)
}

// Registers returns what the registers hold, as "key=value", ascending.
func (m *Machine) Registers() []string {
	s := make([]string, len(m.registers))
	for i, r := range m.registers {
		s[i] = string(r.key) + "=" + string(r.value)
	}
	return s
}
