package process

// An Output records effects in the order a process asks for them. A host
// reuses it: over one Step to study it, over a batch of Steps to share one
// fsync and one write per peer.
type Output struct {
	Effects []Effect
	Chooser func(n int) int // the host's; see Choose
}

// Save makes m durable, after everything saved before it.
func (o *Output) Save(m Msg) { e := o.next(Save); e.Msg = m }

// Checkpoint saves m in the stead of everything saved before it.
func (o *Output) Checkpoint(m Msg) { e := o.next(Checkpoint); e.Msg = m }

// Send sends m once all earlier saves are durable. To oneself, it is how to
// learn that they are.
func (o *Output) Send(to ID, m Msg) { e := o.next(Send); e.To, e.Msg = to, m }

// SendNow sends m without waiting for the disk. Say why that is safe.
func (o *Output) SendNow(to ID, m Msg) { e := o.next(SendNow); e.To, e.Msg = to, m }

// SendState sends m like Send, with the application's newest state.
func (o *Output) SendState(to ID, m Msg) { e := o.next(SendState); e.To, e.Msg = to, m }

// LoadState makes the application take the state that came with this input,
// in place of its own.
func (o *Output) LoadState() { o.next(LoadState) }

// SetTimer arms t to fire once, after a duration within s.
func (o *Output) SetTimer(t Timer, s Span) { e := o.next(SetTimer); e.Timer, e.Span = t, s }

// StopTimer disarms t.
func (o *Output) StopTimer(t Timer) { e := o.next(StopTimer); e.Timer = t }

// Commit hands decided entries to the application. It does not wait for this
// disk: a decision is a fact about a quorum.
func (o *Output) Commit(es []Entry) {
	if len(es) > 0 {
		e := o.next(Commit)
		e.Entries = es
	}
}

// Serve lets the application answer the reads rs once it has applied index.
func (o *Output) Serve(rs []Request, index uint64) {
	if len(rs) > 0 {
		e := o.next(Serve)
		e.Reqs, e.Index = rs, index
	}
}

// Reply answers r with data.
func (o *Output) Reply(r Request, data []byte) {
	e := o.next(Reply)
	e.Reqs, e.Data = []Request{r}, data
}

// Refuse answers that nothing was done for rs, why, and who may know better.
// A process refuses only what it has not recorded anywhere.
func (o *Output) Refuse(rs []Request, why Reason, leader ID) {
	if len(rs) > 0 {
		e := o.next(Refuse)
		e.Reqs, e.Why, e.To = rs, why, leader
	}
}

// Undone says that es, which follow one another, are not in the group's history
// and never will be, although this replica had handed them to its application, in
// this life or an earlier one: those up to index sure certainly, those after it
// perhaps, for it has been restarted. Only a protocol that Loses does so. It comes
// before the Save that forgets it: a crash may have it said again, not swallow it.
// Hosts let whoever runs the group know.
func (o *Output) Undone(es []Entry, sure uint64) {
	if len(es) > 0 {
		e := o.next(Undone)
		e.Entries, e.Index = es, sure
	}
}

// Choose returns a number in [0, n). It is the only randomness there is: the
// node draws it, the simulator draws it from its seed, the checker tries all.
func (o *Output) Choose(n int) int { return o.Chooser(n) }

// Reset empties o for reuse.
func (o *Output) Reset() { clear(o.Effects); o.Effects = o.Effects[:0] }

// next appends a cleared effect in place, so that none is copied.
func (o *Output) next(k EffectKind) *Effect {
	n := len(o.Effects)
	if n < cap(o.Effects) {
		o.Effects = o.Effects[:n+1]
	} else {
		o.Effects = append(o.Effects, Effect{})
	}
	e := &o.Effects[n]
	e.Kind = k
	return e
}
