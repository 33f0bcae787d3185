package paxos

import (
	"fmt"
	"maps"
	"slices"

	"althing/oplog"
	"althing/process"
	"althing/quorum"
	"althing/wire"
)

// monitor checks over a whole group what the proof of §2.2 rests on:
//
//	One value   a ballot has one value
//	P1a         an acceptor does not vote in a ballot after it promised a later one
//	P2b         a proposal of a later ballot than one that is chosen has its value
//	Decree      what a replica takes for chosen is
//
// It believes in a vote or a promise once somebody has received it, for then it
// is durable.
type monitor struct {
	voters    int
	ballots   map[uint64]*ballot
	promises  []told // in order of acceptor and ballot
	decided   bool
	chosenIn  uint64 // the least ballot in which it is known that a majority voted
	decree    process.Request
	committed bool
}

// ballot is one ballot: its value, and who voted.
type ballot struct {
	value process.Request
	by    []process.ID // ascending
}

// told is a promise: no vote after that in voted and before ballot.
type told struct {
	by            process.ID
	ballot, voted uint64
}

func newMonitor() process.Monitor { return &monitor{ballots: map[uint64]*ballot{}} }

// Clone returns an independent copy.
func (m *monitor) Clone() process.Monitor {
	c := *m
	c.ballots = make(map[uint64]*ballot, len(m.ballots))
	for n, b := range m.ballots {
		c.ballots[n] = &ballot{b.value, slices.Clone(b.by)}
	}
	c.promises = slices.Clone(m.promises)
	return &c
}

// AppendState appends all that m remembers in one canonical form.
func (m *monitor) AppendState(b []byte) []byte {
	b = wire.AppendUints(b, uint64(m.voters), uint64(len(m.ballots)))
	for _, n := range slices.Sorted(maps.Keys(m.ballots)) {
		o := m.ballots[n]
		b = oplog.AppendRequest(wire.AppendUints(b, n, uint64(len(o.by))), &o.value)
		for _, id := range o.by {
			b = wire.AppendUints(b, uint64(id))
		}
	}
	b = wire.AppendUints(b, uint64(len(m.promises)))
	for _, t := range m.promises {
		b = wire.AppendUints(b, uint64(t.by), t.ballot, t.voted)
	}
	b = append(b, wire.Flag(m.decided, 1)|wire.Flag(m.committed, 2))
	if m.decided || m.committed {
		b = oplog.AppendRequest(wire.AppendUints(b, m.chosenIn), &m.decree)
	}
	return b
}

// Crashed implements process.Monitor: it remembers what others heard alone.
func (m *monitor) Crashed(process.ID) {}

// Stepped implements process.Monitor.
func (m *monitor) Stepped(_ process.ID, p process.Process, in *process.Input, effects []process.Effect) error {
	if in.Kind == process.Recover {
		return nil
	}
	r := p.(*Paxos)
	m.voters = max(m.voters, len(r.group.Voters))
	if in.Kind == process.Receive && r.accepts(in.From) {
		if err := m.heard(in.From, in.Msg); err != nil {
			return err
		}
	}
	for i := range effects {
		e := &effects[i]
		if a, ok := e.Msg.(*Accept); ok && (e.Kind == process.Send || e.Kind == process.SendNow) {
			if err := m.proposed(a.Ballot, &a.Value); err != nil {
				return err
			}
		}
		if e.Kind == process.Commit {
			if err := m.commit(&e.Entries[0].Req); err != nil {
				return err
			}
		}
	}
	return nil
}

func (m *monitor) heard(from process.ID, msg process.Msg) error {
	switch x := msg.(type) {
	case *Promise:
		t := told{from, x.Ballot, x.Voted}
		i, found := slices.BinarySearchFunc(m.promises, t, func(a, b told) int {
			return slices.Compare([]uint64{uint64(a.by), a.ballot, a.voted}, []uint64{uint64(b.by), b.ballot, b.voted})
		})
		if !found {
			m.promises = slices.Insert(m.promises, i, t)
		}
	case *Accepted:
		b := m.ballots[x.Ballot]
		if b == nil || !same(&b.value, &x.Value) {
			return fmt.Errorf("one value: %d votes in ballot %d for what was not proposed", from, x.Ballot)
		}
		if i, found := slices.BinarySearch(b.by, from); !found {
			b.by = slices.Insert(b.by, i, from)
		}
		if len(b.by) >= quorum.Majority(m.voters) && (!m.decided || x.Ballot < m.chosenIn) {
			m.decided, m.chosenIn, m.decree = true, x.Ballot, x.Value
		}
	default:
		return nil
	}
	return m.check()
}

// proposed checks that a ballot has one value.
func (m *monitor) proposed(n uint64, value *process.Request) error {
	if b := m.ballots[n]; b != nil {
		if !same(&b.value, value) {
			return fmt.Errorf("one value: ballot %d has two", n)
		}
		return nil
	}
	m.ballots[n] = &ballot{value: *value}
	return m.check()
}

// check holds what is known against P1a and P2b.
func (m *monitor) check() error {
	for _, n := range slices.Sorted(maps.Keys(m.ballots)) {
		b := m.ballots[n]
		if m.decided && n > m.chosenIn && !same(&b.value, &m.decree) {
			return fmt.Errorf("P2b: ballot %d has another value than ballot %d, in which one was chosen", n, m.chosenIn)
		}
		for _, t := range m.promises {
			if t.voted < n && n < t.ballot && slices.Contains(b.by, t.by) {
				return fmt.Errorf("P1a: %d voted in ballot %d after it promised none before %d", t.by, n, t.ballot)
			}
		}
	}
	return nil
}

// commit checks that the decree is the value of a ballot, and one that a majority
// may have chosen: the least of those that did, if any is known.
func (m *monitor) commit(value *process.Request) error {
	if m.committed || m.decided {
		if !same(value, &m.decree) {
			return fmt.Errorf("decree: two are chosen")
		}
		m.committed = true
		return nil
	}
	return fmt.Errorf("decree: it is taken for chosen, and no majority has voted for it")
}
