package group

import (
	"bytes"
	"encoding/binary"
	"errors"
	"slices"
	"strings"

	"althing/process"
	"althing/trace"
	"althing/world"
)

// A Historian is a Monitor whose memory can be part of a state: two with equal
// bytes find the same fault in whatever follows. A Monitor that is none cannot
// be explored, for a state would not tell what it remembers.
type Historian interface {
	process.Monitor
	Clone() process.Monitor
	AppendState(b []byte) []byte
}

// A past is what must be remembered of a group to judge what comes. It never
// changes.
type past struct {
	chosen   []process.Entry   // if the order is one: the first commit of each index, from 1
	own      [][]process.Entry // else: what each replica committed, by ID-1
	answered uint64            // the highest index that a client was told of
	reads    []began           // under way
	monitor  Historian         // nil: none
}

// began is a read, where it was asked, and what it must see.
type began struct {
	seq, index uint64
	at         process.ID
}

// A verdict is a past after an outcome, or what was broken.
type verdict struct {
	past uint32
	err  error
}

// judge returns the past after o at replica id; asked is the number of a read
// that began with it, or 0.
func (g *Model) judge(before uint32, id process.ID, o *outcome, asked uint64) verdict {
	if len(o.calls) == 0 && len(o.commits) == 0 && len(o.served) == 0 && len(o.refused) == 0 && !o.crashed &&
		asked == 0 {
		return verdict{past: before}
	}
	key := trial{before, o}
	if v, ok := g.judged[key]; ok {
		return v
	}
	p := *g.pasts.at(before)
	v := verdict{err: p.extend(id, o, asked, &g.protocol.Facts)}
	if v.err == nil {
		g.buf = p.appendState(g.buf[:0])
		from := o.from
		from.past, from.at, from.asked = before, id, uint32(asked)
		v.past = g.pasts.number(g.buf, &p, from)
	}
	g.judged[key] = v
	return v
}

// extend adds an outcome to p, which is a copy that shares its slices.
func (p *past) extend(id process.ID, o *outcome, asked uint64, f *process.Facts) error {
	one := f.Order.One()
	p.chosen, p.reads = slices.Clip(p.chosen), slices.Clone(p.reads)
	if o.crashed {
		p.reads = slices.DeleteFunc(p.reads, func(r began) bool { return r.at == id })
	}
	if asked != 0 {
		p.reads = append(p.reads, began{asked, p.answered, id})
	}
	if err := p.told(id, o); err != nil {
		return err
	}
	commit := p.commit
	switch {
	case !one:
		p.own, commit = slices.Clone(p.own), p.deliver
	case f.Loses:
		one, commit = false, p.undo // and its reads rest on clocks, which stand still here
	}
	for i := range o.commits {
		if err := commit(id, &o.commits[i]); err != nil {
			return err
		}
	}
	for _, index := range o.replies {
		p.answered = max(p.answered, index)
	}
	for _, s := range o.served {
		i := slices.IndexFunc(p.reads, func(r began) bool { return r.seq == s.seq })
		if i < 0 {
			return violation("Contract", "replica %d serves read %d, for which nobody waits", id, s.seq)
		}
		if need := p.reads[i].index; one && s.index < need {
			return violation("Linearizability", "replica %d answers read %d as of entry %d, but a client had been "+
				"told of entry %d before it was asked", id, s.seq, s.index, need)
		}
		p.reads = slices.Delete(p.reads, i, i+1)
	}
	p.reads = slices.DeleteFunc(p.reads, func(r began) bool { return slices.Contains(o.refused, r.seq) })
	return nil
}

// told lets the monitor know.
func (p *past) told(id process.ID, o *outcome) error {
	if p.monitor == nil {
		return nil
	}
	p.monitor = p.monitor.Clone().(Historian)
	if o.crashed {
		p.monitor.Crashed(id)
	}
	for i := range o.calls {
		c := &o.calls[i]
		if err := p.monitor.Stepped(id, c.proc, &c.in, c.effects); err != nil {
			return named(err)
		}
	}
	return nil
}

// named makes a Violation of a monitor's error: its text begins with the name
// of the property and a colon.
func named(err error) error {
	var v *world.Violation
	if errors.As(err, &v) {
		return v
	}
	name, detail, _ := strings.Cut(err.Error(), ":")
	return &world.Violation{Name: name, Detail: strings.TrimSpace(detail)}
}

// commit checks Agreement.
func (p *past) commit(id process.ID, e *process.Entry) error {
	n := uint64(len(p.chosen))
	switch {
	case e.Index > n+1:
		return violation("Order", "replica %d commits %d, but nobody committed what is before it", id, e.Index)
	case e.Index == n+1:
		p.chosen = append(p.chosen, *e)
		return nil
	}
	if f := &p.chosen[e.Index-1]; !alike(f, e) {
		return violation("Agreement", "replica %d commits %s, but %s was committed before",
			id, trace.Entry(e), trace.Entry(f))
	}
	return nil
}

// undo checks Agreement within an epoch, for a later one may undo what was
// committed: as the World does it.
func (p *past) undo(id process.ID, e *process.Entry) error {
	n := uint64(len(p.chosen))
	at := min(e.Index, n)
	switch {
	case at > 0 && e.Epoch < p.chosen[at-1].Epoch:
		return nil
	case e.Index > n+1:
		return violation("Order", "replica %d commits %d, but nobody committed what is before it", id, e.Index)
	case e.Index > n || e.Epoch > p.chosen[at-1].Epoch:
		p.chosen = append(slices.Clip(p.chosen[:e.Index-1]), *e)
		return nil
	}
	return p.commit(id, e)
}

func alike(a, b *process.Entry) bool {
	return a.Req.Kind == b.Req.Kind && bytes.Equal(a.Req.Cmd, b.Req.Cmd)
}

// deliver checks that a replica with an order of its own commits nothing twice,
// and after a crash what it did before.
func (p *past) deliver(id process.ID, e *process.Entry) error {
	for len(p.own) < int(id) {
		p.own = append(p.own, nil)
	}
	own := p.own[id-1]
	if e.Index <= uint64(len(own)) {
		if f := &own[e.Index-1]; !alike(f, e) {
			return violation("Order", "replica %d commits %s, but before the crash that was %s",
				id, trace.Entry(e), trace.Entry(f))
		}
		return nil
	}
	if slices.ContainsFunc(own, func(f process.Entry) bool { return alike(&f, e) }) {
		return violation("Integrity", "replica %d commits %s twice", id, trace.Entry(e))
	}
	p.own[id-1] = append(slices.Clip(own), *e)
	return nil
}

func (p *past) appendState(b []byte) []byte {
	b = appendEntries(b, p.chosen)
	b = binary.AppendUvarint(b, uint64(len(p.own)))
	for _, es := range p.own {
		b = appendEntries(b, es)
	}
	b = binary.AppendUvarint(b, p.answered)
	b = binary.AppendUvarint(b, uint64(len(p.reads)))
	for _, r := range p.reads {
		b = binary.AppendUvarint(b, r.seq)
		b = binary.AppendUvarint(b, r.index)
		b = binary.AppendUvarint(b, uint64(r.at))
	}
	if p.monitor != nil {
		b = p.monitor.AppendState(b)
	}
	return b
}

func appendEntries(b []byte, es []process.Entry) []byte {
	b = binary.AppendUvarint(b, uint64(len(es)))
	for i := range es {
		q := &es[i].Req
		b = append(b, byte(q.Kind))
		b = binary.AppendUvarint(b, uint64(len(q.Cmd)))
		b = append(b, q.Cmd...)
	}
	return b
}
