package models

import (
	"fmt"
	"math/bits"
	"slices"

	"althing/explore"
	"althing/explore/valence"
	"althing/process"
	"althing/trace"
)

// A Rule is how the processes of Binary come to decide. Each gives up another
// thing that nobody can have all of: Fischer, Lynch and Paterson, "Impossibility
// of Distributed Consensus with One Faulty Process", 1985.
type Rule uint8

// The rules.
const (
	// WaitAll hears all inputs and decides what most of them are: a process that
	// has stopped is waited for, for ever.
	WaitAll Rule = iota
	// Eager hears all inputs but one and decides what most of them are, 0 if there
	// are as many of both: two may hear different inputs, and decide differently.
	Eager
	// Coordinator goes in rounds of a report and a proposal, as Ben-Or's protocol
	// does, and a process that hears of no majority takes the report of the round's
	// coordinator, if it heard that: the first process in odd rounds, the second in
	// even ones. It is safe, deterministic, and decides with one process stopped, if
	// messages are timely; so some run that is not timely never decides.
	Coordinator
	// Coin is Ben-Or's protocol: the same, but such a process tosses a coin. Ben-Or,
	// "Another Advantage of Free Choice", 1983, protocol A.
	Coin
)

// Binary is consensus on 0 or 1 among N processes, of which one may stop, over
// links that deliver each message once, at any time, in any order; it is the
// system of Fischer, Lynch and Paterson. A step of a process is that a message
// comes, or that nothing does (a tick, which is how its patience ends). A process
// that stops is one that takes no step.
//
// A round is a report of one's value to all, and a proposal. A process waits for
// the reports of all, or for those of all but one and a tick, and proposes the
// value that more than half of all processes reported, or none. Then it waits for
// proposals likewise. Two proposals of a value decide it, one makes it the
// process's own; without any the Rule says what becomes of it. Who has decided
// goes on as before. No two values are proposed in a round, since two majorities
// would have reported them.
//
// A message for a phase that its receiver has left does nothing: here it is gone
// when the receiver leaves.
//
// A state is bytes:
//
//	2 for all            rounds that everybody has left
//	2 for each process   the phase that it is in; its value, and what it decided
//	1 for each phase     what each process sent in it, two bits each: nothing, 0,
//	                     1, or no proposal
//	and process          whose message it has heard in that phase
type Binary struct {
	N    int // 3 or 4
	Rule Rule
	// Rounds that there are: of Coordinator and Coin.
	Rounds int
	// Endless makes Rounds a window that moves on with the last process: nobody gets
	// further ahead of it.
	Endless bool

	buf, came []byte // room for a state, and for one whose message has come
}

const (
	deliver uint8 = iota
	tick
)

const noProposal = 3 // what is sent: 1 for 0, 2 for 1

// Kinds implements explore.Model.
func (*Binary) Kinds() []string { return []string{"deliver", "tick"} }

// Fork implements explore.Model.
func (b *Binary) Fork() explore.Model { c := *b; c.buf, c.came = nil, nil; return &c }

// Processes returns how many there are.
func (b *Binary) Processes() int { return b.N }

// phases returns how many there are in a state.
func (b *Binary) phases() int {
	if b.Rule < Coordinator {
		return 1
	}
	return 2 * b.Rounds
}

func (b *Binary) sent(phase int) int     { return 2 + 2*b.N + phase*(1+b.N) }
func (b *Binary) heard(phase, p int) int { return b.sent(phase) + 1 + p }
func (b *Binary) at(p int) int           { return 2 + 2*p }

// content returns what q sent in a phase.
func (b *Binary) content(state []byte, phase, q int) byte { return state[b.sent(phase)] >> (2 * q) & 3 }

// Initial implements explore.Model: one state for each way to choose the inputs,
// that of process p being bit p.
func (b *Binary) Initial(s *explore.Steps) {
	for inputs := range 1 << b.N {
		s.Add(0, b.Begin(inputs))
	}
}

// Begin returns the initial state of these inputs; bit p is that of process p.
func (b *Binary) Begin(inputs int) []byte {
	state := make([]byte, b.sent(b.phases()))
	for p := range b.N {
		x := byte(inputs >> p & 1)
		state[b.at(p)+1] = x
		b.send(state, p, 0, x+1)
	}
	return state
}

func (b *Binary) send(state []byte, p, phase int, content byte) {
	state[b.sent(phase)] |= content << (2 * p)
	state[b.heard(phase, p)] |= 1 << p
}

// Next implements explore.Model.
func (b *Binary) Next(state []byte, s *explore.Steps) {
	for p := range b.N {
		now := int(state[b.at(p)])
		for phase := now; phase < b.phases(); phase++ {
			for q := range b.N {
				if b.content(state, phase, q) != 0 && state[b.heard(phase, p)]>>q&1 == 0 {
					b.receive(state, s, p, q, phase)
				}
			}
		}
		if b.patient(state, p) {
			b.advance(state, s, p, tick, 0)
		}
	}
}

// patient reports whether a tick would end p's waiting.
func (b *Binary) patient(state []byte, p int) bool {
	now := int(state[b.at(p)])
	return now < b.phases() && b.Rule != WaitAll && b.free(now) &&
		bits.OnesCount8(state[b.heard(now, p)]) >= b.N-1
}

// free reports whether there is a phase after this one.
func (b *Binary) free(phase int) bool {
	return !b.Endless || b.Rule < Coordinator || phase+1 < b.phases()
}

// receive adds the delivery of q's message of a phase to p.
func (b *Binary) receive(state []byte, s *explore.Steps, p, q, phase int) {
	b.came = append(b.came[:0], state...)
	heard := &b.came[b.heard(phase, p)]
	*heard |= 1 << q
	arg := uint64(b.message(state, phase, q, p)) << 8
	if phase == int(state[b.at(p)]) && *heard == 1<<b.N-1 && b.free(phase) {
		b.advance(b.came, s, p, deliver, arg)
		return
	}
	s.Add(explore.NewAction(deliver, arg|uint64(p)<<4), b.came)
}

// advance adds what comes of p's phase being over: with a coin, one state for
// each side.
func (b *Binary) advance(state []byte, s *explore.Steps, p int, kind uint8, arg uint64) {
	phase := int(state[b.at(p)])
	var count [4]int
	for q := range b.N {
		if state[b.heard(phase, p)]>>q&1 == 1 {
			count[b.content(state, phase, q)]++
		}
	}
	arg |= uint64(p) << 4
	if b.Rule == Coin && phase%2 == 1 && count[1]+count[2] == 0 {
		for side := range byte(2) {
			b.move(state, p, phase, side, 0, side+1)
			s.Add(explore.NewAction(kind, arg|1<<3|uint64(side)), b.buf)
		}
		return
	}
	x, decided := state[b.at(p)+1]&1, byte(0)
	content, majority := byte(noProposal), false
	for v := range byte(2) {
		switch n := count[v+1]; {
		case b.Rule < Coordinator:
			if 2*n > count[1]+count[2] || v == 0 && 2*n == count[1]+count[2] {
				decided = v + 1
			}
		case phase%2 == 0 && 2*n > b.N:
			content, majority = v+1, true
		case phase%2 == 1 && n > 0:
			x = v
			if n >= 2 {
				decided = v + 1
			}
		}
	}
	if phase%2 == 1 {
		content = x + 1
	}
	if c := (b.Left(state) + phase/2) % 2; b.Rule == Coordinator && phase%2 == 0 && !majority &&
		state[b.heard(phase, p)]>>c&1 == 1 {
		x = b.content(state, phase, c) - 1
	}
	b.move(state, p, phase, x, decided, content)
	s.Add(explore.NewAction(kind, arg), b.buf)
}

// move makes b.buf the state in which p has left a phase, with the value x, and
// sent content in the next one.
func (b *Binary) move(state []byte, p, phase int, x, decided, content byte) {
	b.buf = append(b.buf[:0], state...)
	next := b.buf
	next[b.at(p)] = byte(phase + 1)
	next[b.at(p)+1] = next[b.at(p)+1]&^1 | x | decided<<1
	next[b.heard(phase, p)] = 0
	if phase+1 < b.phases() {
		b.send(next, p, phase+1, content)
	}
	last := b.phases()
	for q := range b.N {
		last = min(last, int(next[b.at(q)]))
	}
	for old := range last {
		next[b.sent(old)] = 0
	}
	if b.Endless && b.Rule >= Coordinator && last >= 2 {
		b.shift(next)
	}
}

// shift takes out the first round, which everybody has left.
func (b *Binary) shift(state []byte) {
	round := uint16(state[0])<<8 | uint16(state[1]) + 1
	state[0], state[1] = byte(round>>8), byte(round)
	for p := range b.N {
		state[b.at(p)] -= 2
	}
	n := copy(state[b.sent(0):], state[b.sent(2):])
	clear(state[b.sent(0)+n:])
}

// Left returns how many rounds everybody has left.
func (*Binary) Left(state []byte) int { return int(state[0])<<8 | int(state[1]) }

// Canonical implements explore.Symmetric: the number of a round is a name, but for
// who coordinates it.
func (b *Binary) Canonical(state []byte) {
	state[0] = 0
	if state[1] &= 1; b.Rule != Coordinator {
		state[1] = 0
	}
}

// message names the message of q to p in a phase, over all rounds.
func (b *Binary) message(state []byte, phase, q, p int) int {
	return ((2*b.Left(state)+phase)*b.N+q)*b.N + p
}

// Messages appends the names of all messages on their way.
func (b *Binary) Messages(state []byte, names []uint64) []uint64 {
	for phase := range b.phases() {
		for q := range b.N {
			for p := range b.N {
				if b.content(state, phase, q) != 0 && state[b.heard(phase, p)]>>q&1 == 0 &&
					int(state[b.at(p)]) <= phase {
					names = append(names, uint64(b.message(state, phase, q, p)))
				}
			}
		}
	}
	return names
}

// Event returns who takes the step, from 0, and which message it receives, of whom.
func (b *Binary) Event(a explore.Action) valence.Event {
	name := a.Arg() >> 8
	return valence.Event{Process: int(a.Arg() >> 4 & 15), Receives: a.Kind() == deliver,
		From: int(name) / b.N % b.N, Message: name}
}

// Tossed reports whether a is one side of a coin that is tossed.
func (b *Binary) Tossed(a explore.Action) bool { return a.Arg()>>3&1 == 1 }

// Decided returns the set of the values that are decided.
func (b *Binary) Decided(state []byte) (set uint64) {
	for p := range b.N {
		set |= uint64(state[b.at(p)+1] >> 1 & 3)
	}
	return set
}

// Finished returns how many processes have come to the end of their rounds.
func (b *Binary) Finished(state []byte) (n int) {
	for p := range b.N {
		if int(state[b.at(p)]) == b.phases() {
			n++
		}
	}
	return n
}

// Properties implements explore.Model.
func (b *Binary) Properties() []explore.Property {
	return []explore.Property{
		{Name: "one value", Mode: explore.Always, Holds: func(s []byte) bool { return b.Decided(s) != 3 }},
		{Name: "decided", Mode: explore.Sometimes, Holds: func(s []byte) bool { return b.Decided(s) != 0 }},
	}
}

// Describe implements explore.Model.
func (b *Binary) Describe(state []byte, a explore.Action) string {
	e := b.event(state, a)
	text := fmt.Sprintf("%d waits no longer", e.Node)
	if e.Kind == "deliver" {
		text = fmt.Sprintf("%d→%d %s %s", e.From, e.Node, e.Msg, e.Fields)
	}
	if b.Tossed(a) {
		text += fmt.Sprintf(", and its coin shows %d", a.Arg()&1)
	}
	return text
}

// Show implements explore.Model.
func (b *Binary) Show(state []byte) string {
	text := ""
	for p := range b.N {
		if p > 0 {
			text += "; "
		}
		x := state[b.at(p)+1]
		text += fmt.Sprintf("%d has %d in round %d", p+1, x&1, b.Left(state)+int(state[b.at(p)])/2+1)
		if x>>1 != 0 {
			text += fmt.Sprintf(", decided %d", x>>1-1)
		}
	}
	return text
}

// event says what a is, as a trace does.
func (b *Binary) event(state []byte, a explore.Action) trace.Event {
	v := b.Event(a)
	e := trace.Event{Kind: "timeout", Node: process.ID(v.Process + 1), Timer: 1}
	if v.Receives {
		return b.arrival(state, v.Message)
	}
	return e
}

// arrival is the event that a message arrives.
func (b *Binary) arrival(state []byte, name uint64) trace.Event {
	q, p, phase := int(name)/b.N%b.N, int(name)%b.N, int(name)/(b.N*b.N)
	kind := "Input"
	if b.Rule >= Coordinator {
		kind = [2]string{"Report", "Proposal"}[phase%2]
	}
	value := [4]string{"", "0", "1", "none"}[b.content(state, phase-2*b.Left(state), q)]
	return trace.Event{Kind: "deliver", Node: process.ID(p + 1), From: process.ID(q + 1), Msg: kind,
		Fields: fmt.Sprintf("Round=%d Value=%s", phase/2+1, value)}
}

// A teller tells a run as a trace does.
type teller struct {
	b      *Binary
	sent   map[uint64]uint64 // in which event a message left
	events []trace.Event
}

// tell adds an event between two states.
func (t *teller) tell(e trace.Event, before, state []byte) {
	e.Seq = uint64(len(t.events) + 1)
	at := t.b.at(int(e.Node) - 1)
	x := state[at+1]
	e.Role, e.Epoch = fmt.Sprint("has ", x&1), uint64(t.b.Left(state))+uint64(state[at])/2+1
	if x>>1 != 0 && before[at+1]>>1 == 0 {
		e.Effects = append(e.Effects, trace.Effect{Kind: "Commit", Entries: []string{fmt.Sprint(x>>1 - 1)}})
	}
	for _, name := range t.b.Messages(state, nil) {
		if t.sent[name] == 0 {
			t.sent[name] = e.Seq
		}
	}
	t.events = append(t.events, e)
}

// Events tells a run as a trace does. A message that came to nothing, because its
// receiver had left that phase, comes as soon as it did.
func (b *Binary) Events(way []explore.Step) []trace.Event {
	t := &teller{b: b, sent: map[uint64]uint64{}}
	for p := range b.N {
		first := way[0].State
		t.tell(trace.Event{Kind: "start", Node: process.ID(p + 1),
			Note: fmt.Sprint("input ", first[b.at(p)+1]&1)}, first, first)
	}
	for i := 1; i < len(way); i++ {
		before, after := way[i-1].State, way[i].State
		e, v := b.event(before, way[i].Action), b.Event(way[i].Action)
		if v.Receives {
			e.Sent = t.sent[v.Message]
		}
		t.tell(e, before, after)
		left := b.Messages(after, nil)
		for _, name := range b.Messages(before, nil) {
			if !slices.Contains(left, name) && !(v.Receives && name == v.Message) {
				late := b.arrival(before, name)
				late.Sent, late.Note = t.sent[name], "too late"
				t.tell(late, after, after)
			}
		}
	}
	return t.events
}
