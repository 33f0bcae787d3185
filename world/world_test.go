package world

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"althing/process"
	"althing/trace"
)

// A probe is a process that does what its tests tell it: an input's message is
// the list of effects to ask for.
type probe struct{ got []string }

type order struct {
	text    string
	effects []process.Effect
}

func (o *order) Kind() string                          { return o.text }
func (o *order) AppendBinary(b []byte) ([]byte, error) { return append(b, o.text...), nil }

func note(text string) process.Msg { return &order{text: text} }

func (p *probe) Step(in process.Input, out *process.Output) {
	switch {
	case in.Msg != nil:
		p.got = append(p.got, fmt.Sprintf("%v %s", in.Kind, in.Msg.Kind()))
		out.Effects = append(out.Effects, in.Msg.(*order).effects...)
	case in.State != nil:
		p.got = append(p.got, fmt.Sprintf("%v %d", in.Kind, in.State.Index))
	default:
		p.got = append(p.got, fmt.Sprint(in.Kind))
	}
	for i := range in.Reqs {
		if string(in.Reqs[i].Cmd) == "refuse" {
			out.Refuse(in.Reqs[i:i+1], process.Busy, 2)
		}
	}
}

func (p *probe) Status() process.Status {
	return process.Status{Role: "probe", Commit: commits[p]}
}
func (p *probe) Progress(b []process.Progress) []process.Progress { return b }
func (p *probe) Clone() process.Process                           { return &probe{slices.Clone(p.got)} }
func (p *probe) AppendState(b []byte) []byte                      { return fmt.Append(b, p.got) }

// commits is what the application of the present test's replica should hold.
var commits = map[*probe]uint64{}

// bench is a World of probes. As a rule of the tests every message is sent by
// tell, which makes a replica ask for effects.
type bench struct {
	*testing.T
	*World
}

func newBench(t *testing.T) *bench {
	decode := func(b []byte) (process.Msg, error) { return note(string(b)), nil }
	p := process.Protocol{Name: "probe", Decode: decode,
		New: func(process.Config) process.Process { return &probe{} }}
	b := &bench{t, New(p, Config{Replicas: 3})}
	for id := range 3 {
		b.must(b.Restart(process.ID(id + 1)))
	}
	return b
}

func (b *bench) must(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

func (b *bench) cannot(want Cannot, err error) {
	b.Helper()
	if err != want {
		b.Errorf("%v, want %v", err, want)
	}
}

func (b *bench) violates(name string, err error) {
	b.Helper()
	var v *Violation
	if !errors.As(err, &v) || v.Name != name {
		b.Errorf("%v, want a violation of %s", err, name)
	}
}

// tell makes replica id ask for effects.
func (b *bench) tell(id process.ID, effects ...process.Effect) error {
	b.post(b.replica(id), id, &order{"tell", effects}, false)
	f := b.News.Sent[len(b.News.Sent)-1]
	b.News.Sent = b.News.Sent[:len(b.News.Sent)-1]
	for i := range effects {
		if effects[i].Kind == process.Commit {
			commits[b.replica(id).proc.(*probe)] += uint64(len(effects[i].Entries))
		}
	}
	return b.Deliver(f)
}

func save(text string) process.Effect { return process.Effect{Kind: process.Save, Msg: note(text)} }
func send(to process.ID, text string) process.Effect {
	return process.Effect{Kind: process.Send, To: to, Msg: note(text)}
}
func sendNow(to process.ID, text string) process.Effect {
	return process.Effect{Kind: process.SendNow, To: to, Msg: note(text)}
}
func commit(index uint64, cmd string) process.Effect {
	e := process.Entry{Epoch: 1, Index: index, Req: process.Request{Cmd: []byte(cmd)}}
	return process.Effect{Kind: process.Commit, Entries: []process.Entry{e}}
}

// of commits an entry of a kind that has no place in a log, or not so.
func of(k process.Kind) process.Effect {
	e := commit(1, "x")
	e.Entries[0].Req.Kind = k
	return e
}

// flying lists the messages in flight.
func (b *bench) flying() (s []string) {
	for _, f := range b.Flights() {
		s = append(s, f.Msg.Kind())
	}
	return s
}

func (b *bench) equal(got, want any) {
	b.Helper()
	if !reflect.DeepEqual(got, want) {
		b.Errorf("got %v, want %v", got, want)
	}
}

func (b *bench) got(id process.ID) []string { return b.Process(id).(*probe).got }

func TestASendWaitsForAllSavesBeforeIt(t *testing.T) {
	b := newBench(t)
	b.must(b.tell(1, send(2, "free"), save("a"), send(2, "after a"), sendNow(2, "now"),
		save("b"), send(3, "after b")))
	b.equal(b.flying(), []string{"free", "now"})
	b.must(b.tell(1, send(2, "later step")))
	b.must(b.Sync(1, 1))
	b.equal(b.flying(), []string{"free", "now", "after a"})
	b.must(b.Sync(1, 1))
	b.equal(b.flying(), []string{"free", "now", "after a", "after b", "later step"})
	b.cannot(errRecords, b.Sync(1, 1))
}

func TestACrashKeepsAPrefix(t *testing.T) {
	for keep, want := range [][]string{
		{"Recover a", "Start 0"},
		{"Recover a", "Recover b", "Start 0"},
		{"Recover a", "Recover b", "Recover c", "Start 0"},
	} {
		b := newBench(t)
		b.must(b.tell(1, save("a"), save("b"), send(2, "after b"), save("c"), send(1, "to myself")))
		b.must(b.Sync(1, 1))
		b.cannot(errRecords, b.Crash(1, 3))
		b.must(b.Crash(1, keep))
		b.cannot(errDown, b.Crash(1, 0))
		b.must(b.Restart(1))
		b.cannot(errUp, b.Restart(1))
		b.equal(b.got(1), want)
		b.equal(len(b.flying()), 0) // what waited is lost, even if the records were kept
		b.equal(b.Unsynced(1), 0)
	}
}

func TestACheckpointTakesThePlaceOfWhatIsBefore(t *testing.T) {
	checkpoint := process.Effect{Kind: process.Checkpoint, Msg: note("cp")}
	for synced, want := range [][]string{
		{"Start 0"}, {"Recover a", "Start 0"}, {"Recover cp", "Start 0"}, {"Recover cp", "Recover b", "Start 0"},
	} {
		b := newBench(t)
		b.must(b.tell(1, save("a"), checkpoint, save("b")))
		for range synced {
			b.must(b.Sync(1, 1))
		}
		b.must(b.Crash(1, 0))
		b.must(b.Restart(1))
		b.equal(b.got(1), want)
	}
}

func TestARecordAfterACheckpointHasItsPosition(t *testing.T) {
	b := newBench(t)
	checkpoint := process.Effect{Kind: process.Checkpoint, Msg: note("cp")}
	b.must(b.tell(1, save("a"), checkpoint))
	b.must(b.Sync(1, 2))
	b.must(b.tell(1, save("b"), save("c"), send(2, "after c")))
	b.must(b.Sync(1, 1))
	b.equal(len(b.flying()), 0)
	b.must(b.Sync(1, 1))
	b.equal(b.flying(), []string{"after c"})
	b.must(b.Crash(1, 0))
	b.must(b.Restart(1))
	b.equal(b.got(1), []string{"Recover cp", "Recover b", "Recover c", "Start 0"})
}

func TestAMessageToOneselfIsNotOnTheNetwork(t *testing.T) {
	b := newBench(t)
	b.must(b.tell(1, sendNow(1, "own"), sendNow(2, "other")))
	own := b.Flights()[0].ID
	b.cannot(errOwn, b.Drop(own))
	b.cannot(errOwn, b.Duplicate(own))
	b.must(b.Crash(1, 0))
	b.equal(b.flying(), []string{"other"}) // what is under way to others survives its sender
	b.must(b.Restart(1))
	b.cannot(errNoFlight, b.Deliver(own))
}

func TestACutLosesInOneDirection(t *testing.T) {
	b := newBench(t)
	b.must(b.Cut(1, 2))
	b.cannot(errLink, b.Cut(1, 2))
	b.must(b.tell(1, sendNow(2, "lost")))
	b.must(b.tell(2, sendNow(1, "arrives")))
	for _, f := range b.Flights() {
		b.must(b.Deliver(f.ID))
	}
	b.equal(b.got(2), []string{"Start 0", "Receive tell"})
	b.equal(b.got(1), []string{"Start 0", "Receive tell", "Receive arrives"})
	b.must(b.Mend(1, 2))
	b.cannot(errLink, b.Mend(1, 2))
	b.must(b.Cut(3, 1))
	b.must(b.Heal())
	b.cannot(errLink, b.Mend(3, 1))
}

func TestADuplicateArrivesTwice(t *testing.T) {
	b := newBench(t)
	b.must(b.tell(1, sendNow(2, "twice")))
	b.must(b.Duplicate(b.Flights()[0].ID))
	for _, f := range b.Flights() {
		b.must(b.Deliver(f.ID))
		b.cannot(errNoFlight, b.Deliver(f.ID))
	}
	b.equal(b.got(2), []string{"Start 0", "Receive twice", "Receive twice"})
}

func TestAPausedReplicaGetsNothing(t *testing.T) {
	b := newBench(t)
	b.must(b.tell(1, sendNow(2, "m"), save("a")))
	b.must(b.tell(2, process.Effect{Kind: process.SetTimer, Timer: 1}, save("a")))
	b.must(b.Pause(2))
	b.cannot(errPaused, b.Deliver(b.Flights()[0].ID))
	b.cannot(errPaused, b.Timeout(2, 1))
	b.cannot(errPaused, b.Sync(2, 1))
	b.cannot(errPaused, b.Submit(2, nil))
	b.must(b.Resume(2))
	b.must(b.Deliver(b.Flights()[0].ID))
	b.must(b.Timeout(2, 1))
	b.cannot(errTimer, b.Timeout(2, 1)) // it fires once
}

func TestAClockRunsAtItsRateAndNeverBack(t *testing.T) {
	b := newBench(t)
	b.must(b.SetClock(1, 100_000, time.Hour))
	b.Advance(10 * time.Second)
	r := b.replica(1)
	b.equal(r.clock.read(b.Now()), time.Hour+11*time.Second)
	b.must(b.SetClock(1, -500_000, 0))
	b.Advance(12 * time.Second)
	b.equal(r.clock.read(b.Now()), time.Hour+12*time.Second)
	b.Advance(time.Second)
	b.equal(b.Now(), 12*time.Second)
	b.cannot(errNobody, b.SetClock(1, 0, -1))
	for _, d := range []time.Duration{1, 7, 150 * time.Millisecond, time.Hour + 1} {
		for _, ppm := range []int64{-500_000, 1, 100_000, 200_000} {
			b.must(b.SetClock(1, ppm, 0))
			before := r.clock.read(b.Now())
			if past := r.clock.read(b.Now()+b.TrueTime(1, d)) - before; past < d || past > d+2 {
				t.Errorf("at %d ppm %v of true time, meant to be %v, is %v", ppm, b.TrueTime(1, d), d, past)
			}
		}
	}
}

func TestALoadStateIsDurableInItsTurn(t *testing.T) {
	for synced, want := range []uint64{0, 0, 2, 2} {
		b := newBench(t)
		b.submitted("x", "y")
		load := []process.Effect{save("before"), {Kind: process.LoadState}, save("after")}
		state := process.Effect{Kind: process.SendState, To: 2, Msg: &order{"state", load}}
		b.must(b.tell(1, commit(1, "x"), commit(2, "y"), state))
		commits[b.Process(2).(*probe)] = 2
		b.must(b.Deliver(b.Flights()[0].ID))
		b.equal(b.App(2).State().Index, uint64(2))
		for range synced {
			b.must(b.Sync(2, 1))
		}
		b.must(b.Crash(2, 0))
		commits = map[*probe]uint64{}
		if err := b.Restart(2); want != 0 { // the probe does not know what it holds
			b.violates("Status", err)
		} else {
			b.must(err)
		}
		b.equal(b.App(2).State().Index, want)
	}
}

func TestTheApplicationMayBeAheadOfTheLog(t *testing.T) {
	b := newBench(t)
	b.submitted("put k v")
	b.must(b.tell(1, save("entry"), commit(1, "put k v")))
	b.cannot(errNone, b.Flush(2))
	b.must(b.Flush(1))
	b.must(b.Compact(1))
	b.must(b.Crash(1, 0))
	b.violates("Status", b.Restart(1)) // the probe does not know what it holds
	b.equal(b.got(1), []string{"Start 1"})
	b.equal(b.App(1).Registers(), []string{"k=v"})
}

func TestALostDiskIsNeverGivenBack(t *testing.T) {
	b := newBench(t)
	b.must(b.LoseDisk(1))
	b.cannot(errGone, b.Restart(1))
	b.must(b.Corrupt(2))
	b.equal([]bool{b.Gone(1), b.Gone(2), b.Up(2)}, []bool{true, false, true})
	b.must(b.FailFlush(2, 0))
	b.cannot(errCorrupt, b.Restart(2))
	id, err := b.Join()
	b.must(err)
	b.equal(id, process.ID(4))
	b.equal(b.got(4), []string{"Start 0"})
	b.equal(len(b.App(4).State().Group.Voters), 0)
}

func (b *bench) submitted(cmds ...string) {
	for _, c := range cmds {
		b.check.submit(&process.Request{Cmd: []byte(c)})
	}
}

func TestWhatMustHold(t *testing.T) {
	wait := process.Effect{Kind: process.SetTimer, Timer: process.MaxTimer + 1}
	for name, c := range map[string]struct {
		want string
		do   func(b *bench) error
	}{
		"two requests at one index": {"Agreement", func(b *bench) error {
			b.must(b.tell(1, commit(1, "x")))
			return b.tell(2, commit(1, "y"))
		}},
		"an index twice":        {"Order", func(b *bench) error { return b.tell(1, commit(1, "x"), commit(1, "x")) }},
		"a gap":                 {"Order", func(b *bench) error { return b.tell(1, commit(1, "x"), commit(3, "y")) }},
		"what nobody asked for": {"Validity", func(b *bench) error { return b.tell(1, commit(1, "z")) }},
		"a read in the log":     {"Validity", func(b *bench) error { return b.tell(1, of(process.Read)) }},
		"members that are no group": {"Validity", func(b *bench) error {
			e := commit(1, "x")
			e.Entries[0].Req.Kind = process.Members
			return b.tell(1, e)
		}},
		"a timer that is none": {"Contract", func(b *bench) error { return b.tell(1, wait) }},
		"a message to nobody":  {"Contract", func(b *bench) error { return b.tell(1, sendNow(0, "m")) }},
		"nothing saved": {"Contract", func(b *bench) error {
			return b.tell(1, process.Effect{Kind: process.Save})
		}},
		"a state that is not there": {"Contract", func(b *bench) error {
			return b.tell(1, process.Effect{Kind: process.LoadState})
		}},
		"a commit not counted": {"Status", func(b *bench) error {
			err := b.tell(1, commit(1, "x"))
			b.must(err)
			commits[b.Process(1).(*probe)] = 0
			return b.tell(1)
		}},
		"an older state": {"Staleness", func(b *bench) error {
			load := &order{"old", []process.Effect{{Kind: process.LoadState}}}
			b.must(b.tell(2, process.Effect{Kind: process.SendState, To: 1, Msg: load}))
			b.must(b.tell(1, commit(1, "x")))
			return b.Deliver(b.Flights()[0].ID)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.submitted("x", "y")
			b.violates(c.want, c.do(b))
		})
	}
}

func TestClientsAreAnswered(t *testing.T) {
	b := newBench(t)
	req := func(seq uint64, k process.Kind, cmd string) process.Request {
		return process.Request{Kind: k, Client: 1, Seq: seq, Cmd: []byte(cmd)}
	}
	apply := func(es ...process.Entry) {
		t.Helper()
		b.News.Reset()
		b.must(b.tell(1, process.Effect{Kind: process.Commit, Entries: es}))
	}
	open := process.Request{Kind: process.Session, Cmd: []byte("me")}
	b.must(b.Submit(1, []process.Request{open}))
	apply(process.Entry{Index: 1, Req: open})
	b.equal(len(b.News.Answers), 1)
	add := req(1, process.Command, "append k v")
	b.must(b.Submit(1, []process.Request{add}))
	apply(process.Entry{Index: 2, Req: add})
	b.equal(string(b.News.Answers[0].Result), "v")
	b.must(b.Submit(1, []process.Request{add})) // a retry: not done again, answered again
	apply(process.Entry{Index: 3, Req: add})
	b.equal(string(b.News.Answers[0].Result), "v")
	read := req(2, process.Read, "get k")
	b.must(b.Submit(1, []process.Request{read}))
	b.News.Reset()
	b.must(b.tell(1, process.Effect{Kind: process.Serve, Index: 4, Reqs: []process.Request{read}}))
	b.equal(len(b.News.Answers), 0) // not before the application is there
	cas := req(3, process.Command, "cas k v w")
	apply(process.Entry{Index: 4, Req: process.Request{Kind: process.NoOp}})
	b.equal(string(b.News.Answers[0].Result), "v")
	b.check.submit(&cas)
	apply(process.Entry{Index: 5, Req: cas})
	b.equal(len(b.News.Answers), 0) // nobody waits for it here
	b.equal(b.App(1).Registers(), []string{"k=w"})
	b.News.Reset()
	b.must(b.Submit(1, []process.Request{req(4, process.Command, "refuse")}))
	b.equal([]any{b.News.Answers[0].Outcome, b.News.Answers[0].Leader}, []any{Refused, process.ID(2)})
	stranger := process.Request{Client: 77, Seq: 1, Cmd: []byte("put k x")}
	b.must(b.Submit(1, []process.Request{stranger}))
	apply(process.Entry{Index: 6, Req: stranger})
	b.equal(b.News.Answers[0].Outcome, Expired)
	b.equal(b.App(1).Registers(), []string{"k=w"})
}

// TestACloneIsIndependent lets a World and its clone live on at random, and
// compares with a clone that nothing happened to.
func TestACloneIsIndependent(t *testing.T) {
	b := newBench(t)
	rng := rand.New(rand.NewPCG(1, 1))
	b.wander(rng, 200)
	same, other := b.Clone(), &bench{t, b.Clone()}
	other.wander(rng, 200)
	for id := process.ID(1); id <= 3; id++ {
		x, y := b.replica(id), same.replica(id)
		if x.disk.last() != y.disk.last() || x.disk.durable != y.disk.durable ||
			len(x.disk.held) != len(y.disk.held)+x.disk.next ||
			x.proc != nil && !bytes.Equal(x.proc.AppendState(nil), y.proc.AppendState(nil)) {
			t.Errorf("replica %d: %+v\nclone %+v", id, x, y)
		}
	}
	b.equal(b.Flights(), same.Flights())
	b.equal(b.Digest(), same.Digest())
}

func (b *bench) wander(rng *rand.Rand, steps int) {
	for range steps {
		id := process.ID(1 + rng.IntN(3))
		switch fs := b.Flights(); rng.IntN(8) {
		case 0, 1:
			if b.Up(id) {
				to := process.ID(1 + rng.IntN(3))
				b.must(b.tell(id, save("s"), send(to, "m"), sendNow(to, "n")))
			}
		case 2:
			if b.Up(id) && b.Unsynced(id) > 0 {
				b.must(b.Sync(id, 1+rng.IntN(b.Unsynced(id))))
			}
		case 3:
			if b.Up(id) {
				b.must(b.Crash(id, rng.IntN(b.Unsynced(id)+1)))
			} else {
				b.must(b.Restart(id))
			}
		default:
			if len(fs) > 0 {
				b.must(b.Deliver(fs[rng.IntN(len(fs))].ID))
			}
		}
	}
}

func TestTheObserverSeesEachEventInTurn(t *testing.T) {
	b := newBench(t)
	var seen []string
	var seq uint64
	b.Observe = func(e *trace.Event) {
		if seq != 0 && e.Seq != seq+1 {
			t.Errorf("event %d after %d", e.Seq, seq)
		}
		seq = e.Seq
		seen = append(seen, e.Lines()...)
	}
	b.must(b.tell(1, save("a"), send(2, "m")))
	b.must(b.Sync(1, 1))
	b.must(b.Deliver(b.Flights()[0].ID))
	b.must(b.Crash(2, 0))
	b.equal(seen, []string{
		"1→1 tell", "  save a", "  1⇢2 m", "  1 is probe@0 leader=0 last=0 commit=0",
		"sync 1 (1 records)", "  1→2 m",
		"1→2 m", "  2 is probe@0 leader=0 last=0 commit=0",
		"crash 2 (0 records)",
	})
}

// TestOrdersOfTheirOwn: without a total order each replica may commit in its own,
// but nothing twice and nothing that nobody asked for; and they have converged
// when they committed the same.
func TestOrdersOfTheirOwn(t *testing.T) {
	own := func() *bench {
		b := newBench(t)
		b.check.total = false
		b.submitted("x", "y")
		return b
	}
	b := own()
	b.must(b.tell(1, commit(1, "x"), commit(2, "y")))
	b.must(b.tell(2, commit(1, "y")))
	b.equal(b.Converged([]process.ID{1, 2}), false)
	b.must(b.tell(2, commit(2, "x")))
	b.equal(b.Converged([]process.ID{1, 2}), true)
	b.equal(len(b.Chosen()), 2)
	b.violates("Integrity", b.tell(2, commit(3, "y")))

	b = own()
	b.violates("Validity", b.tell(1, commit(1, "z")))
	b = own()
	b.must(b.tell(1, commit(1, "x")))
	b.violates("Order", b.tell(1, commit(3, "y")))
}
