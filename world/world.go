package world

import (
	"bytes"
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"althing/process"
	"althing/trace"
)

// MaxReplicas bounds the replicas of a World over its whole life, so that a
// set of them is one word.
const MaxReplicas = 64

// Config describes a World at its beginning.
type Config struct {
	Replicas int            // voters of the first group, IDs 1 to Replicas; 1 to MaxReplicas
	Process  process.Config // for each replica; Self is filled in
	Seed     uint64         // decides what Choose returns
	// Wire makes every message pass through its bytes on delivery: slower, and
	// it shows what a codec forgets.
	Wire bool
}

// A World is a group with its surroundings. The package comment says what may
// happen in it. It is used by one goroutine.
type World struct {
	// News is what happened since the hand last reset it.
	News News
	// Observe, if set, is told of each event when it is over. It must not keep
	// the event. Set it before anything happens or the numbers have a gap.
	Observe func(*trace.Event)
	// Choose, if set, answers the processes' Choose in the place of the seed.
	Choose func(n int) int

	protocol process.Protocol
	config   process.Config
	wire     bool
	seed     uint64
	first    process.Group
	now      time.Duration
	replicas []*replica // by ID-1
	net      network
	check    check

	in       process.Input // of the Step under way: here, so that none is allocated
	out      process.Output
	stepping *replica // whose Step it is
	ev       trace.Event
	events   uint64
	digest   uint64
}

// News is what a hand must know of what it did.
type News struct {
	Sent    []FlightID // now in flight, in the order sent
	Timers  []TimerSet // now set, in order; the last of a timer counts
	Answers []Answer   // what clients were told
}

// Reset empties n for reuse.
func (n *News) Reset() {
	clear(n.Answers)
	n.Sent, n.Timers, n.Answers = n.Sent[:0], n.Timers[:0], n.Answers[:0]
}

// TimerSet says that a replica set a timer.
type TimerSet struct {
	Node  process.ID
	Timer process.Timer
	Span  process.Span // on the replica's clock
}

// Outcome says what became of a request.
type Outcome uint8

const (
	Done    Outcome = iota + 1 // Result
	Refused                    // Why, Leader: this submission did and will do nothing
	Expired                    // the session does not know: nothing was done now
)

// An Answer is what a replica tells a client.
type Answer struct {
	Node    process.ID
	Outcome Outcome
	Why     process.Reason
	Leader  process.ID
	Req     process.Request
	Result  []byte
}

// A Cannot says why something is not possible now. Nothing changed.
type Cannot string

// Error returns the reason.
func (c Cannot) Error() string { return string(c) }

const (
	errDown     Cannot = "the replica is down"
	errUp       Cannot = "the replica is up"
	errGone     Cannot = "the replica's disk is gone"
	errCorrupt  Cannot = "the replica refuses to start: its log is corrupt"
	errPaused   Cannot = "the replica is paused"
	errNobody   Cannot = "there is no such replica"
	errNoFlight Cannot = "there is no such message"
	errOwn      Cannot = "a replica's messages to itself are not on the network"
	errLink     Cannot = "there is no such link, or it is so already"
	errTimer    Cannot = "the timer is not set"
	errRecords  Cannot = "the replica has fewer unsynced records"
	errNone     Cannot = "there is nothing to do"
	errFull     Cannot = "there is no room for another replica"
)

// replica is one process with all that surrounds it.
type replica struct {
	id      process.ID
	proc    process.Process // nil while down
	lived   bool            // it has started before
	paused  bool
	lost    bool
	corrupt bool
	cut     uint64 // set of IDs that its messages do not reach
	timers  [process.MaxTimer + 1]timer
	clock   clock
	disk    disk
	app     *Machine
	waits   []process.Request // whose clients wait for an answer from here
	reads   []read
	dice    *rand.PCG
	status  process.Status // after the last Step

	// Unless the order is total: what this replica committed by index, in any of
	// its lives, and where each is.
	delivered  []submission
	deliveries map[submission]uint64

	// If commits may be undone: what it committed in any of its lives, and of what
	// it said that it is undone.
	did, said map[place]struct{}
}

type timer struct {
	set  bool
	span process.Span
}

// A read waits until the application is at index.
type read struct {
	index uint64
	reqs  []process.Request
}

// A clock runs at 1 + ppm/10⁶ of true time since base, when it showed local.
type clock struct {
	local, base time.Duration
	ppm         int64
}

const million = 1_000_000

func (c *clock) read(now time.Duration) time.Duration {
	d := now - c.base
	return c.local + d + d*time.Duration(c.ppm)/million
}

// New returns a World whose first group has not started yet: Restart starts
// each replica.
func New(p process.Protocol, c Config) *World {
	w := &World{protocol: p, config: c.Process, wire: c.Wire, seed: c.Seed}
	w.check.total, w.check.loses = p.Facts.Order.One(), p.Facts.Loses
	w.check.submitted, w.check.seen = map[submission]struct{}{}, map[submission]struct{}{}
	w.check.committed = map[place]submission{}
	w.out.Chooser = w.choose
	if p.Monitor != nil {
		w.check.monitor = p.Monitor()
	}
	for i := range c.Replicas {
		w.first.Voters = append(w.first.Voters, process.ID(i+1))
	}
	for range c.Replicas {
		w.add(w.first)
	}
	return w
}

func (w *World) add(g process.Group) *replica {
	id := process.ID(len(w.replicas) + 1)
	r := &replica{id: id, dice: rand.NewPCG(w.seed, uint64(id)), deliveries: map[submission]uint64{},
		did: map[place]struct{}{}, said: map[place]struct{}{}}
	r.disk.kept = &Machine{state: process.State{Group: g.Clone()}}
	w.replicas = append(w.replicas, r)
	return r
}

func (w *World) choose(n int) int {
	var answer int
	if w.Choose != nil {
		answer = w.Choose(n)
	} else {
		answer = int(w.stepping.dice.Uint64() % uint64(n)) // n is tiny: the bias is nothing
	}
	if w.Observe != nil {
		w.ev.Chose = append(w.ev.Chose, answer)
	}
	return answer
}

// replica returns nil if there is none of that ID.
func (w *World) replica(id process.ID) *replica {
	if id == 0 || int(id) > len(w.replicas) {
		return nil
	}
	return w.replicas[id-1]
}

// running returns the replica, or why it cannot step.
func (w *World) running(id process.ID) (*replica, error) {
	r := w.replica(id)
	switch {
	case r == nil:
		return nil, errNobody
	case r.proc == nil:
		return nil, errDown
	case r.paused:
		return nil, errPaused
	}
	return r, nil
}

// Replicas returns how many there are and ever were: IDs run from 1 to it.
func (w *World) Replicas() int { return len(w.replicas) }

// Now returns the true time, that of no replica's clock.
func (w *World) Now() time.Duration { return w.now }

// Up reports whether the replica runs; a paused one does.
func (w *World) Up(id process.ID) bool { r := w.replica(id); return r != nil && r.proc != nil }

// Paused reports whether the replica gets nothing for now.
func (w *World) Paused(id process.ID) bool { r := w.replica(id); return r != nil && r.paused }

// Gone reports whether the replica can never start again.
func (w *World) Gone(id process.ID) bool {
	r := w.replica(id)
	return r != nil && r.proc == nil && (r.lost || r.corrupt)
}

// Status returns what the process showed after its last Step.
func (w *World) Status(id process.ID) process.Status { return w.replica(id).status }

// Process returns the process, for looking at only; nil while it is down.
func (w *World) Process(id process.ID) process.Process { return w.replica(id).proc }

// App returns the application of the replica, for looking at only.
func (w *World) App(id process.ID) *Machine { return w.replica(id).app }

// Unsynced returns how many records of the replica are not durable yet.
func (w *World) Unsynced(id process.ID) int { return w.replica(id).disk.unsynced() }

// Armed reports whether the timer is set, and to what.
func (w *World) Armed(id process.ID, t process.Timer) (process.Span, bool) {
	if t > process.MaxTimer {
		return process.Span{}, false
	}
	x := &w.replica(id).timers[t]
	return x.span, x.set
}

// TrueTime converts a duration on the replica's clock to true time, rounded up.
func (w *World) TrueTime(id process.ID, d time.Duration) time.Duration {
	ppm := time.Duration(w.replica(id).clock.ppm)
	if ppm == 0 {
		return d
	}
	return (d/(million+ppm))*million + ((d%(million+ppm))*million+million+ppm-1)/(million+ppm)
}

// Chosen returns all entries committed anywhere so far, in order; unless that is
// total, in the order in which any replica committed them first. It is not to be
// changed.
func (w *World) Chosen() []process.Entry { return w.check.chosen }

// Undone returns the entries that were committed somewhere and then undone by a
// later epoch, which only a protocol that Loses may do. A request among them may
// have been decided again. It is not to be changed.
func (w *World) Undone() []process.Entry { return w.check.undone }

// Harmed returns the registers that an undone entry had changed or read.
func (w *World) Harmed() map[string]bool {
	keys := map[string]bool{}
	for i := range w.check.undone {
		q := &w.check.undone[i].Req
		if f := bytes.Fields(q.Cmd); q.Kind == process.Command && len(f) > 1 {
			keys[string(f[1])] = true
		}
	}
	return keys
}

// Fence holds a protocol that may undo what it answered to this at least: no
// leader answers a request that changes something once one of a later epoch has.
// It looks at the Answers in the News. Such a leader rests on its clock: a hand
// that lets timers fire before their time must not ask for it.
func (w *World) Fence() *Violation {
	for i := range w.News.Answers {
		a := &w.News.Answers[i]
		r := w.replica(a.Node)
		if !w.check.loses || a.Outcome != Done || a.Req.Kind == process.Read || r.proc == nil ||
			r.status.Leader != a.Node {
			continue
		}
		if r.status.Epoch < w.check.wrote {
			return violation("One writer", "replica %d answers as the leader of epoch %d after one of epoch %d did",
				a.Node, r.status.Epoch, w.check.wrote)
		}
		w.check.wrote = r.status.Epoch
	}
	return nil
}

// Members returns the group in force after the last entry chosen; of stores, as
// the one that runs and knows of the most changes knows it.
func (w *World) Members() process.Group {
	if w.protocol.Facts.Stores {
		return w.storeGroup()
	}
	for i := len(w.check.chosen) - 1; i >= 0; i-- {
		if e := &w.check.chosen[i]; e.Req.Kind == process.Members {
			g, _, _ := process.CutGroup(e.Req.Cmd) // it was applied, so it is one
			return g
		}
	}
	return w.first.Clone()
}

// Events returns how many events there were.
func (w *World) Events() uint64 { return w.events }

// Digest condenses all that happened so far: worlds with the same past have
// the same digest.
func (w *World) Digest() uint64 { return w.digest }

// Converged reports whether the applications of all ids are up, have applied
// everything chosen, and are equal. Unless the order is total, they need only
// have applied the same; stores must have equal contents.
func (w *World) Converged(ids []process.ID) bool {
	if w.protocol.Facts.Stores {
		return w.sameContents(ids)
	}
	if !w.check.total {
		return w.sameDelivered(ids)
	}
	var first []byte
	for i, id := range ids {
		r := w.replica(id)
		if r == nil || r.proc == nil || r.app.state.Index != uint64(len(w.check.chosen)) {
			return false
		}
		b := r.app.AppendState(nil)
		if i == 0 {
			first = b
		} else if !bytes.Equal(b, first) {
			return false
		}
	}
	return true
}

func (w *World) sameDelivered(ids []process.ID) bool {
	for _, id := range ids {
		r, first := w.replica(id), w.replica(ids[0])
		if r == nil || r.proc == nil || r.app.state.Index != uint64(len(r.delivered)) ||
			len(r.delivered) != len(first.delivered) {
			return false
		}
		for q := range first.deliveries {
			if _, ok := r.deliveries[q]; !ok {
				return false
			}
		}
	}
	return true
}

// Clone returns an independent copy, without News, Observe and Choose. A Monitor that
// has a method Clone() process.Monitor is copied; without one the copy has
// none.
func (w *World) Clone() *World {
	c := *w
	c.Choose = nil
	c.News, c.Observe, c.in, c.out, c.stepping = News{}, nil, process.Input{}, process.Output{}, nil
	c.out.Chooser = c.choose
	c.net.slots, c.net.free = slices.Clone(w.net.slots), slices.Clone(w.net.free)
	c.replicas = make([]*replica, len(w.replicas))
	for i, r := range w.replicas {
		c.replicas[i] = r.clone()
	}
	c.check.chosen, c.check.undone = slices.Clip(w.check.chosen), slices.Clip(w.check.undone)
	c.check.submitted, c.check.seen = maps.Clone(w.check.submitted), maps.Clone(w.check.seen)
	c.check.committed = maps.Clone(w.check.committed)
	c.check.monitor = nil
	if m, ok := w.check.monitor.(interface{ Clone() process.Monitor }); ok {
		c.check.monitor = m.Clone()
	}
	return &c
}

func (r *replica) clone() *replica {
	c := *r
	dice := *r.dice
	c.dice, c.disk = &dice, r.disk.clone()
	c.waits, c.reads = slices.Clone(r.waits), slices.Clone(r.reads)
	c.delivered, c.deliveries = slices.Clip(r.delivered), maps.Clone(r.deliveries)
	c.did, c.said = maps.Clone(r.did), maps.Clone(r.said)
	if r.proc != nil {
		c.proc = r.proc.Clone()
	}
	if r.app != nil {
		c.app = r.app.clone()
	}
	return &c
}

// Corrupted reports whether the replica will not start again once it stops.
func (w *World) Corrupted(id process.ID) bool { return w.replica(id).corrupt }
