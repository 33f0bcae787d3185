// Package schedule is what was done to a World, thing by thing, and a hand that does
// it to another: so that a run can be cut short, and what is left played again.
package schedule

import (
	"encoding/binary"
	"errors"
	"hash/fnv"
	"time"

	"althing/history"
	"althing/process"
	"althing/world"
)

// An Action is one thing that was done to a World: what a schedule is made of.
type Action struct {
	Kind  Kind
	Timer process.Timer
	Node  process.ID
	Peer  process.ID // the sender of a message; the far end of a link
	N     int        // records; parts per million
	At    time.Duration
	Jump  time.Duration
	Reqs  []process.Request

	Flight world.FlightID // the message, in the World where it was done
	Msg    string         // its kind, and
	Key    uint64         // a condensate of its bytes: which it is in another World
	Calls  []Call         // who asks: Calls[i] made Reqs[i]
}

// A Call is a request on its way, or what a client wants by it.
type Call struct {
	Client int // NoClient: the operator
	Op     history.Op
	Req    process.Request
	To     process.ID
}

// NoClient makes a call that is no client's.
const NoClient = -1

// Kind is what was done: a method of World.
type Kind uint8

// The kinds. The first three are of messages.
const (
	Deliver Kind = iota
	Drop
	Duplicate
	Timeout
	Submit
	Sync
	Crash
	FailFlush
	Restart
	Join
	LoseDisk
	Corrupt
	Flush
	Compact
	Pause
	Resume
	Cut
	Mend
	Heal
	Clock
)

// Do does a to w. It returns the violation that this showed, and whether it was
// possible.
func Do(w *world.World, a *Action) (done bool, v *world.Violation) { return judge(do(w, a)) }

func do(w *world.World, a *Action) error {
	switch a.Kind {
	case Deliver:
		return w.Deliver(a.Flight)
	case Drop:
		return w.Drop(a.Flight)
	case Duplicate:
		return w.Duplicate(a.Flight)
	case Timeout:
		return w.Timeout(a.Node, a.Timer)
	case Submit:
		return w.Submit(a.Node, a.Reqs)
	case Sync:
		return w.Sync(a.Node, a.N)
	case Crash:
		return w.Crash(a.Node, a.N)
	case FailFlush:
		return w.FailFlush(a.Node, a.N)
	case Restart:
		return w.Restart(a.Node)
	case Join:
		_, err := w.Join()
		return err
	case LoseDisk:
		return w.LoseDisk(a.Node)
	case Corrupt:
		return w.Corrupt(a.Node)
	case Flush:
		return w.Flush(a.Node)
	case Compact:
		return w.Compact(a.Node)
	case Pause:
		return w.Pause(a.Node)
	case Resume:
		return w.Resume(a.Node)
	case Cut:
		return w.Cut(a.Peer, a.Node)
	case Mend:
		return w.Mend(a.Peer, a.Node)
	case Heal:
		return w.Heal()
	}
	return w.SetClock(a.Node, int64(a.N), a.Jump)
}

func judge(err error) (done bool, v *world.Violation) {
	if err == nil {
		return true, nil
	}
	if errors.As(err, &v) {
		return true, v
	}
	return false, nil
}

// Condense identifies a message by its bytes.
func Condense(m process.Msg) uint64 {
	b, _ := m.AppendBinary(nil) // never fails, by its contract
	h := fnv.New64a()
	h.Write(b)
	return h.Sum64()
}

// SessionOf reads the number of a session that was opened.
func SessionOf(result []byte) uint64 {
	id, _ := binary.Uvarint(result)
	return id
}
