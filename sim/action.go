package sim

import (
	"errors"
	"hash/fnv"
	"time"

	"althing/history"
	"althing/process"
	"althing/world"
)

// An action is one thing that was done to a World: what a schedule is made of.
type action struct {
	kind  actionKind
	timer process.Timer
	node  process.ID
	peer  process.ID // the sender of a message; the far end of a link
	n     int        // records; parts per million
	at    time.Duration
	jump  time.Duration
	reqs  []process.Request

	flight world.FlightID // the message, in the World where it was done
	msg    string         // its kind, and
	key    uint64         // a condensate of its bytes: which it is in another World
	calls  []call         // who asks: calls[i] made reqs[i]
}

// A call is a request on its way, or what a client wants by it.
type call struct {
	client int // noClient: the operator
	op     history.Op
	req    process.Request
	to     process.ID
}

const noClient = -1

type actionKind uint8

const (
	doDeliver actionKind = iota
	doDrop
	doDuplicate
	doTimeout
	doSubmit
	doSync
	doCrash
	doFailFlush
	doRestart
	doJoin
	doLoseDisk
	doCorrupt
	doFlush
	doCompact
	doPause
	doResume
	doCut
	doMend
	doHeal
	doClock
)

// do does a to w.
func do(w *world.World, a *action) error {
	switch a.kind {
	case doDeliver:
		return w.Deliver(a.flight)
	case doDrop:
		return w.Drop(a.flight)
	case doDuplicate:
		return w.Duplicate(a.flight)
	case doTimeout:
		return w.Timeout(a.node, a.timer)
	case doSubmit:
		return w.Submit(a.node, a.reqs)
	case doSync:
		return w.Sync(a.node, a.n)
	case doCrash:
		return w.Crash(a.node, a.n)
	case doFailFlush:
		return w.FailFlush(a.node, a.n)
	case doRestart:
		return w.Restart(a.node)
	case doJoin:
		_, err := w.Join()
		return err
	case doLoseDisk:
		return w.LoseDisk(a.node)
	case doCorrupt:
		return w.Corrupt(a.node)
	case doFlush:
		return w.Flush(a.node)
	case doCompact:
		return w.Compact(a.node)
	case doPause:
		return w.Pause(a.node)
	case doResume:
		return w.Resume(a.node)
	case doCut:
		return w.Cut(a.peer, a.node)
	case doMend:
		return w.Mend(a.peer, a.node)
	case doHeal:
		return w.Heal()
	}
	return w.SetClock(a.node, int64(a.n), a.jump)
}

// judge reports whether the thing was possible, and the violation it showed.
func judge(err error) (done bool, v *world.Violation) {
	if err == nil {
		return true, nil
	}
	if errors.As(err, &v) {
		return true, v
	}
	return false, nil
}

// condense identifies a message by its bytes.
func condense(m process.Msg) uint64 {
	b, _ := m.AppendBinary(nil) // never fails, by its contract
	h := fnv.New64a()
	h.Write(b)
	return h.Sum64()
}
