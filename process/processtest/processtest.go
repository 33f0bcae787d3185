// Package processtest checks that a protocol keeps the rules of package
// process: Run drives small groups at random through everything that a host
// may do, and fails at the first rule that is broken.
package processtest

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"althing/process"
)

// runs and steps bound the suite to a second or two for a protocol.
const (
	runs  = 150
	steps = 400
)

// Run checks p:
//
//   - a Step is a function of its inputs, and changes neither a clone nor a
//     message that was recorded or received;
//   - every message survives its codec, and equal messages have equal bytes;
//     bytes that are no message give an error;
//   - Recover records no effect that matters, and after a crash that kept any
//     prefix of the saves that includes all durable ones, a replica goes on;
//   - commits have no gaps, and with total order all replicas commit the same,
//     but for what a protocol that loses undoes in a later epoch;
//   - the protocol's own Monitor holds;
//   - requests are refused only when nothing of them was recorded.
func Run(t *testing.T, p process.Protocol) {
	t.Helper()
	if err := Check(p); err != nil {
		t.Fatalf("%s: %v", p.Name, err)
	}
}

// Check is Run without a test: it returns the first rule found broken.
func Check(p process.Protocol) error {
	for seed := range uint64(runs) {
		g := newGroup(p, rand.New(rand.NewPCG(seed, 1)))
		if err := g.run(); err != nil {
			return fmt.Errorf("run %d: %w", seed, err)
		}
	}
	return garbage(p)
}

// Fuzz holds a protocol's decoder against any bytes, beginning with those of some
// messages: what it takes for a message, it can only have been written as.
func Fuzz(f *testing.F, p process.Protocol, ms ...process.Msg) {
	for _, m := range ms {
		b, err := m.AppendBinary(nil)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := p.Decode(b)
		if err != nil {
			return
		}
		if again, err := m.AppendBinary(nil); err != nil || !bytes.Equal(again, b) {
			t.Errorf("% x decodes to %s, which is % x, %v", b, m.Kind(), again, err)
		}
	})
}

// replica is one process with its host's part.
type replica struct {
	id      process.ID
	proc    process.Process
	saved   []saved // all since the last checkpoint that is durable
	durable int     // of saved
	held    []flight
	timers  [process.MaxTimer + 1]bool
	applied process.State // the application
	safe    process.State // what of it is durable
}

type saved struct {
	msg process.Msg
	was []byte
	cut bool // a checkpoint
}

type flight struct {
	from, to process.ID
	msg      process.Msg
	was      []byte
	after    int // held until that many saves are durable
	state    *process.State
}

type group struct {
	p        process.Protocol
	rng      *rand.Rand
	now      time.Duration
	replicas []*replica
	net      []flight
	decided  map[uint64][]byte // by index, and if it Loses by epoch
	recorded map[string]bool   // commands that are in some log
	monitor  process.Monitor
	seq      uint64
}

func newGroup(p process.Protocol, rng *rand.Rand) *group {
	g := &group{p: p, rng: rng, decided: map[uint64][]byte{}, recorded: map[string]bool{}}
	if p.Monitor != nil {
		g.monitor = p.Monitor()
	}
	ids := []process.ID{1, 2, 3}
	for _, id := range ids {
		r := &replica{id: id, proc: p.New(process.Config{Self: id})}
		r.applied.Group.Voters = ids
		r.safe = r.applied
		g.replicas = append(g.replicas, r)
	}
	return g
}

func (g *group) run() error {
	for _, r := range g.replicas {
		if err := g.start(r); err != nil {
			return err
		}
	}
	for range steps {
		g.now += time.Duration(g.rng.Int64N(int64(20 * time.Millisecond)))
		r := g.replicas[g.rng.IntN(len(g.replicas))]
		var err error
		switch k := g.rng.IntN(100); {
		case k < 60:
			err = g.deliver()
		case k < 72:
			g.sync(r, g.rng.IntN(len(r.saved)-r.durable+1))
		case k < 84:
			err = g.submit(r)
		case k < 94:
			err = g.timeout(r)
		case k < 96:
			r.safe = r.applied
			err = g.step(r, process.Input{Kind: process.Compact, State: state(r.safe)})
		default:
			err = g.crash(r)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func state(s process.State) *process.State { return &s }

func (g *group) start(r *replica) error {
	return g.step(r, process.Input{Kind: process.Start, State: state(r.safe)})
}

func (g *group) deliver() error {
	if len(g.net) == 0 {
		return nil
	}
	i := g.rng.IntN(len(g.net))
	f := g.net[i]
	if g.rng.IntN(10) > 0 { // else: delivered again later
		g.net = slices.Delete(g.net, i, i+1)
	}
	if g.rng.IntN(10) == 0 {
		return nil // lost
	}
	if now, _ := f.msg.AppendBinary(nil); !bytes.Equal(now, f.was) {
		return fmt.Errorf("%s changed after it was sent", f.msg.Kind())
	}
	return g.step(g.replicas[f.to-1], process.Input{Kind: process.Receive, From: f.from, Msg: f.msg, State: f.state})
}

func (g *group) submit(r *replica) error {
	kinds := []process.Kind{process.Command, process.Command, process.Command, process.Read, process.Session}
	reqs := make([]process.Request, 1+g.rng.IntN(3))
	for i := range reqs {
		g.seq++
		q := process.Request{
			Kind: kinds[g.rng.IntN(len(kinds))], Client: 7, Seq: g.seq, Cmd: fmt.Appendf(nil, "c%d", g.seq),
		}
		switch key := g.rng.IntN(3); {
		case !g.p.Facts.Stores:
		case q.Kind == process.Read:
			q.Cmd = fmt.Appendf(nil, "get k%d", key)
		default:
			q.Cmd = fmt.Appendf(nil, "put k%d c%d", key, g.seq)
		}
		reqs[i] = q
	}
	return g.step(r, process.Input{Kind: process.Submit, Reqs: reqs})
}

func (g *group) timeout(r *replica) error {
	for range r.timers {
		tm := process.Timer(1 + g.rng.IntN(int(process.MaxTimer)))
		if r.timers[tm] {
			r.timers[tm] = false
			g.now += 300 * time.Millisecond // as if the span had passed
			return g.step(r, process.Input{Kind: process.Timeout, Timer: tm})
		}
	}
	return nil
}

// sync makes n more saves durable and releases what waited for them.
func (g *group) sync(r *replica, n int) {
	r.durable += n
	g.release(r)
	for i := r.durable - 1; i > 0; i-- {
		if r.saved[i].cut {
			for j := range r.held {
				r.held[j].after -= i
			}
			r.saved, r.durable = r.saved[i:], r.durable-i
			break
		}
	}
}

func (g *group) release(r *replica) {
	for len(r.held) > 0 && r.held[0].after <= r.durable {
		g.net = append(g.net, r.held[0])
		r.held = r.held[1:]
	}
}

// crash keeps what is durable and any prefix of the rest, and starts again.
func (g *group) crash(r *replica) error {
	keep := r.durable + g.rng.IntN(len(r.saved)-r.durable+1)
	r.saved, r.durable, r.held = r.saved[:keep], keep, nil
	r.timers = [process.MaxTimer + 1]bool{}
	r.applied = r.safe
	if g.monitor != nil {
		g.monitor.Crashed(r.id)
	}
	twin := g.p.New(process.Config{Self: r.id})
	r.proc = g.p.New(process.Config{Self: r.id})
	for _, s := range r.saved {
		m, err := g.p.Decode(s.was) // as from a disk
		if err != nil {
			return fmt.Errorf("decode %s: %w", s.msg.Kind(), err)
		}
		if err := g.step(r, process.Input{Kind: process.Recover, Msg: m}); err != nil {
			return err
		}
		twin.Step(process.Input{Kind: process.Recover, Msg: s.msg, Now: g.now}, &process.Output{})
	}
	if !bytes.Equal(twin.AppendState(nil), r.proc.AppendState(nil)) {
		return fmt.Errorf("recovering from decoded records differs from recovering from the records")
	}
	return g.start(r)
}

// step steps r and a clone of it, compares, and carries the effects out.
func (g *group) step(r *replica, in process.Input) error {
	in.Now = g.now
	before := r.proc.AppendState(nil)
	twin := r.proc.Clone()
	seed := g.rng.Uint64()
	out := process.Output{Chooser: rand.New(rand.NewPCG(seed, 2)).IntN}
	r.proc.Step(in, &out)
	if !bytes.Equal(twin.AppendState(nil), before) {
		return fmt.Errorf("%v: stepping the original changed its clone", in.Kind)
	}
	again := process.Output{Chooser: rand.New(rand.NewPCG(seed, 2)).IntN}
	twin.Step(in, &again)
	if !bytes.Equal(r.proc.AppendState(nil), twin.AppendState(nil)) {
		return fmt.Errorf("%v: the same input led to two states", in.Kind)
	}
	if !reflect.DeepEqual(out.Effects, again.Effects) {
		return fmt.Errorf("%v: the same input led to two outputs:\n%+v\n%+v", in.Kind, out.Effects, again.Effects)
	}
	if g.monitor != nil {
		if err := g.monitor.Stepped(r.id, r.proc, &in, out.Effects); err != nil {
			return err
		}
	}
	if in.Kind == process.Recover {
		return nil
	}
	for i := range out.Effects {
		if err := g.effect(r, &in, &out.Effects[i]); err != nil {
			return fmt.Errorf("%v at %d: %w", in.Kind, r.id, err)
		}
	}
	g.release(r)
	return nil
}

func (g *group) effect(r *replica, in *process.Input, e *process.Effect) error {
	switch e.Kind {
	case process.Save, process.Checkpoint:
		was, err := g.codec(e.Msg)
		if err != nil {
			return err
		}
		r.saved = append(r.saved, saved{e.Msg, was, e.Kind == process.Checkpoint})
	case process.Send, process.SendNow, process.SendState:
		was, err := g.codec(e.Msg)
		if err != nil {
			return err
		}
		if e.To < 1 || int(e.To) > len(g.replicas) {
			return fmt.Errorf("%s sent to %d, who is nobody", e.Msg.Kind(), e.To)
		}
		f := flight{from: r.id, to: e.To, msg: e.Msg, was: was}
		if e.Kind == process.SendState {
			f.state = state(r.applied)
		}
		if e.Kind == process.SendNow {
			g.net = append(g.net, f)
			break
		}
		f.after = len(r.saved)
		r.held = append(r.held, f)
	case process.LoadState:
		if in.State == nil {
			return fmt.Errorf("LoadState, but no state came")
		}
		r.applied, r.safe = *in.State, *in.State
	case process.SetTimer, process.StopTimer:
		if e.Timer < 1 || e.Timer > process.MaxTimer || e.Span.Min < 0 || e.Span.Max < e.Span.Min {
			return fmt.Errorf("timer %d, span %v: out of range", e.Timer, e.Span)
		}
		r.timers[e.Timer] = e.Kind == process.SetTimer
	case process.Commit:
		return g.commit(r, e.Entries)
	case process.Serve:
		if len(g.decided) > 0 && e.Index > r.proc.Status().Commit {
			return fmt.Errorf("a read is to wait for %d, beyond what is committed", e.Index)
		}
	case process.Undone:
		return g.undone(e)
	case process.Refuse:
		for _, q := range e.Reqs {
			if g.recorded[string(q.Cmd)] && q.Kind != process.Read {
				return fmt.Errorf("%s was refused, and is in a log", q.Cmd)
			}
		}
	}
	return nil
}

// undone checks that what is undone was committed, as far as that is certain.
func (g *group) undone(e *process.Effect) error {
	for i := range e.Entries {
		f := &e.Entries[i]
		was, ok := g.decided[g.at(f)]
		if !g.p.Facts.Loses || f.Index <= e.Index && (!ok || !bytes.Equal(was, f.Req.Cmd)) {
			return fmt.Errorf("entry %d of epoch %d is undone, but was never committed", f.Index, f.Epoch)
		}
	}
	return nil
}

// at is where decided has an entry: a later epoch may undo it.
func (g *group) at(e *process.Entry) uint64 {
	if g.p.Facts.Loses {
		return e.Index | e.Epoch<<32
	}
	return e.Index
}

// commit checks order and agreement, and applies.
func (g *group) commit(r *replica, es []process.Entry) error {
	for i := range es {
		e := &es[i]
		if g.p.Facts.Order.One() {
			if e.Index != r.applied.Index+1 {
				return fmt.Errorf("entry %d committed after %d", e.Index, r.applied.Index)
			}
			at := g.at(e)
			was, ok := g.decided[at]
			if ok && !bytes.Equal(was, e.Req.Cmd) {
				return fmt.Errorf("entry %d committed as %q here, as %q elsewhere", e.Index, e.Req.Cmd, was)
			}
			g.decided[at] = e.Req.Cmd
		}
		g.recorded[string(e.Req.Cmd)] = e.Req.Kind == process.Command || g.recorded[string(e.Req.Cmd)]
		r.applied.Index, r.applied.Epoch = e.Index, e.Epoch
	}
	return nil
}

// codec checks that m and its bytes say the same.
func (g *group) codec(m process.Msg) ([]byte, error) {
	b, err := m.AppendBinary(nil)
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", m.Kind(), err)
	}
	d, err := g.p.Decode(slices.Clone(b))
	if err != nil {
		return nil, fmt.Errorf("decode %s: %w", m.Kind(), err)
	}
	again, _ := d.AppendBinary(nil)
	if !bytes.Equal(b, again) || d.Kind() != m.Kind() || reflect.TypeOf(d) != reflect.TypeOf(m) {
		return nil, fmt.Errorf("%s does not survive its codec:\n%+v\n%+v", m.Kind(), m, d)
	}
	return b, nil
}

// garbage feeds Decode bytes at random.
func garbage(p process.Protocol) error {
	rng := rand.New(rand.NewPCG(3, 3))
	if _, err := p.Decode(nil); err == nil {
		return fmt.Errorf("no bytes decode as a message")
	}
	for range 20_000 {
		b := make([]byte, rng.IntN(40))
		for i := range b {
			b[i] = byte(rng.UintN(256))
			if rng.IntN(2) == 0 {
				b[i] &= 15
			}
		}
		m, err := p.Decode(b)
		if err != nil {
			continue
		}
		if _, err := m.AppendBinary(nil); err != nil {
			return fmt.Errorf("%s from % x does not encode: %w", m.Kind(), b, err)
		}
	}
	return nil
}
