package vr

import (
	"fmt"
	"slices"

	"althing/process"
	"althing/trace/refine/steps"
)

// An Action is a step of the specification: an action of the module with its
// parameters. Those that the action does not have are zero.
type Action struct {
	Name    string
	Replica process.ID
	View    uint64
	Prev, N uint64
	Op      string
	Message *Message
}

// actions are those of the module, with the names of their parameters after the
// replica. Each returns the guard that does not hold, or changes the state.
var actions = map[string]struct {
	do     func(*Model, *Replica, *Action) string
	params string
}{
	"Sync":             {(*Model).sync, ""},
	"Flush":            {(*Model).flush, ""},
	"Crash":            {(*Model).crash, "n"},
	"Enter":            {(*Model).enter, "v"},
	"DoViewChange":     {(*Model).doViewChange, ""},
	"Fetch":            {(*Model).fetch, "m"},
	"StartView":        {(*Model).startView, ""},
	"Follow":           {(*Model).follow, ""},
	"StepDown":         {(*Model).stepDown, ""},
	"Request":          {(*Model).request, "o"},
	"Prepare":          {(*Model).prepare, "p n"},
	"SendState":        {(*Model).sendState, "p n"},
	"AcceptPrepare":    {(*Model).acceptPrepare, "m"},
	"PrepareOk":        {(*Model).prepareOk, "n"},
	"Commit":           {(*Model).commit, "n"},
	"SendCommit":       {(*Model).sendCommit, ""},
	"Learn":            {(*Model).learn, "n"},
	"SendImage":        {(*Model).sendImage, ""},
	"TakeImage":        {(*Model).takeImage, "m"},
	"Recovery":         {(*Model).recovery, ""},
	"RecoveryResponse": {(*Model).recoveryResponse, "m"},
	"Recognize":        {(*Model).recognize, "m"},
	"Recover":          {(*Model).recover, ""},
}

// Do takes the step, or returns a *steps.Refusal and changes nothing.
func (m *Model) Do(a *Action) error {
	x, ok := actions[a.Name]
	if !ok {
		return fmt.Errorf("there is no action %q", a.Name)
	}
	guard := ""
	switch r := m.replicas[a.Replica]; {
	case r == nil:
		return fmt.Errorf("there is no replica %d", a.Replica)
	case a.Message != nil && !m.sent(a.Message):
		guard = "nobody sent that message"
	default:
		guard = x.do(m, r, a)
	}
	if guard != "" {
		return &steps.Refusal{Action: a.Name, By: a.Replica, Guard: guard}
	}
	return nil
}

func (m *Model) sync(r *Replica, _ *Action) string {
	if len(r.Disk) < 2 {
		return "a record is not durable"
	}
	r.Disk = r.Disk[1:]
	return ""
}

func (m *Model) flush(r *Replica, _ *Action) string {
	n := r.last().Commit
	if n <= uint64(len(r.durable().Kept)) {
		return "the application is ahead of what it has made durable"
	}
	for i := range r.Disk {
		if x := &r.Disk[i]; n > uint64(len(x.Kept)) {
			x.Kept = r.last().Log[:n:n]
		}
	}
	return ""
}

func (m *Model) crash(r *Replica, a *Action) string {
	if a.N < 1 || a.N > uint64(len(r.Disk)) {
		return "it has that record"
	}
	x := r.Disk[a.N-1]
	if m.diskless || !has(x.Log, uint64(len(x.Kept)), lastView(x.Kept)) {
		x.Log = x.Kept
	}
	x.Log = slices.Clip(x.Log)
	x.Commit, x.Part, x.View = uint64(len(x.Kept)), None, max(x.View, lastView(x.Log))
	r.Disk, r.Role = m.lives(x), Backup
	if x.Life > 0 {
		r.Role = Recovering
	}
	return ""
}

func (m *Model) enter(r *Replica, a *Action) string {
	x := *r.last()
	switch {
	case r.Role == Recovering:
		return "it remembers what it promised"
	case a.View <= x.View:
		return "the view is later than its own"
	}
	x.View, x.Part = a.View, Change
	r.save(x)
	r.Role = ViewChange
	return ""
}

func (m *Model) doViewChange(r *Replica, a *Action) string {
	d := r.durable()
	if d.Part != Change || r.Role == Recovering {
		return "its change to that view is durable"
	}
	m.send(&Message{Type: "DoViewChange", View: d.View, From: a.Replica,
		N: uint64(len(d.Log)), LastView: lastView(d.Log)})
	return ""
}

// best reports whether somebody says of a log which is the best of a majority, r's
// among them, and which is as wanted.
func (m *Model) best(id process.ID, view uint64, wanted func(*Message) bool) bool {
	all := m.all("DoViewChange", view)
	return m.primary(view) == id && some(all, func(b *Message) bool {
		if !wanted(b) {
			return false
		}
		by, is := m.quorum(all, func(x *Message) bool {
			return x.LastView < b.LastView || x.LastView == b.LastView && x.N <= b.N
		})
		return is && by[id]
	})
}

func (m *Model) fetch(r *Replica, a *Action) string {
	x, s := a.Message, *r.last()
	switch {
	case x.Type != "NewState" || x.View != s.View || r.Role != ViewChange:
		return "a log is sent to it in this change of views"
	case !m.best(a.Replica, s.View, func(b *Message) bool { return b.From == x.From }):
		return "that log is the best of a majority"
	case !has(s.Log, x.Prev, x.PrevView):
		return "its log has what the fetched entries follow"
	}
	l, changes := merge(s.Log, x)
	if !changes {
		return "the fetched entries are not there yet"
	}
	s.Log = l
	r.save(s)
	return ""
}

func (m *Model) startView(r *Replica, a *Action) string {
	s := *r.last()
	switch {
	case r.Role != ViewChange:
		return "it changes to a view"
	case !m.best(a.Replica, s.View, func(b *Message) bool {
		return b.N == uint64(len(s.Log)) && b.LastView == lastView(s.Log)
	}):
		return "its log is the best of a majority"
	}
	s.Part, s.Log = Primary, append(s.Log, Entry{s.View, noOp})
	r.save(s)
	r.Role = Leading
	return ""
}

func (m *Model) follow(r *Replica, _ *Action) string {
	view := r.last().View
	by := func(x *Message) bool { return x.From == m.primary(view) }
	switch {
	case r.Role != ViewChange:
		return "it is changing views"
	case !some(m.all("Prepare", view), by) && !some(m.all("Commit", view), by) &&
		!some(m.all("Image", view), by):
		return "the primary of its view said something"
	}
	r.Role = Backup
	return ""
}

func (m *Model) stepDown(r *Replica, _ *Action) string {
	if r.Role != Leading {
		return "it is primary, and gives up"
	}
	r.Role = Backup
	return ""
}

func (m *Model) request(r *Replica, a *Action) string {
	if r.Role != Leading {
		return "it is primary, and takes requests"
	}
	s := *r.last()
	s.Log = append(s.Log, Entry{s.View, a.Op})
	r.save(s)
	return ""
}

// part sends n entries of the replica's log after the first so many.
func (m *Model) part(kind string, r *Replica, a *Action) string {
	s := r.last()
	if a.Prev+a.N > uint64(len(s.Log)) {
		return "its log has those entries"
	}
	m.send(&Message{Type: kind, View: s.View, From: a.Replica, Prev: a.Prev, PrevView: viewAt(s.Log, a.Prev),
		Entries: s.Log[a.Prev : a.Prev+a.N : a.Prev+a.N], Commit: s.Commit})
	return ""
}

func (m *Model) prepare(r *Replica, a *Action) string {
	if r.Role != Leading {
		return "it is primary, and sends its log"
	}
	return m.part("Prepare", r, a)
}

func (m *Model) sendState(r *Replica, a *Action) string {
	if r.Role != ViewChange {
		return "it changes views, and sends its log"
	}
	return m.part("NewState", r, a)
}

func (m *Model) acceptPrepare(r *Replica, a *Action) string {
	x, s := a.Message, *r.last()
	switch {
	case x.Type != "Prepare" || x.View != s.View || r.Role != Backup && r.Role != Recovering:
		return "the primary that it follows sent it"
	case !has(s.Log, x.Prev, x.PrevView):
		return "its log has what the entries follow"
	}
	l, changes := merge(s.Log, x)
	if !changes {
		return "the entries are not there yet"
	}
	s.Log = l
	r.save(s)
	return ""
}

// isPrimarys reports whether up to n at least, and in an entry that a message ends
// with, log l is surely that of the primary of a view.
func (m *Model) isPrimarys(l []Entry, view, n, to uint64) bool {
	return some(m.all("Prepare", view), func(x *Message) bool {
		return x.end() >= n && x.end() <= to && agrees(l, x)
	})
}

func (m *Model) prepareOk(r *Replica, a *Action) string {
	d := r.durable()
	switch {
	case r.Role == Recovering:
		return "it has recovered"
	case a.N > uint64(len(d.Log)):
		return "its disk has so many entries"
	case d.Part != Primary && a.N > d.Commit && !m.isPrimarys(d.Log, d.View, a.N, a.N):
		return "its log is surely the primary's"
	}
	m.send(&Message{Type: "PrepareOk", View: d.View, From: a.Replica, N: a.N})
	return ""
}

func (m *Model) commit(r *Replica, a *Action) string {
	s := r.last()
	switch {
	case r.Role != Leading:
		return "it is primary, and commits"
	case a.N <= s.Commit || a.N > uint64(len(s.Log)):
		return "it commits what is in its log, and was not committed"
	case viewAt(s.Log, a.N) != s.View:
		return "the last of it is of this view"
	}
	if _, is := m.quorum(m.all("PrepareOk", s.View), func(x *Message) bool { return x.N >= a.N }); !is {
		return "a majority says that it has so many entries"
	}
	s.Commit = a.N
	return ""
}

func (m *Model) sendCommit(r *Replica, a *Action) string {
	if r.Role != Leading {
		return "it is primary, and says so"
	}
	m.send(&Message{Type: "Commit", View: r.last().View, From: a.Replica, Commit: r.last().Commit})
	return ""
}

func (m *Model) learn(r *Replica, a *Action) string {
	s := r.last()
	if a.N <= s.Commit || a.N > uint64(len(s.Log)) {
		return "it learns of what is in its log, and was not committed"
	}
	for _, kind := range []string{"Prepare", "NewState"} {
		if some(m.all(kind, s.View), func(x *Message) bool {
			return x.end() >= a.N && m.told(x.From, s.View, a.N) && agrees(s.Log, x)
		}) {
			s.Commit = a.N
			return ""
		}
	}
	return "who has the same log said that it is committed"
}

// told reports whether somebody said in a view that so much is committed.
func (m *Model) told(from process.ID, view, n uint64) bool {
	so := func(x *Message) bool { return x.From == from && x.Commit >= n }
	return some(m.all("Commit", view), so) || some(m.all("Prepare", view), so) || some(m.all("NewState", view), so)
}

func (m *Model) sendImage(r *Replica, a *Action) string {
	d, s := r.durable(), r.last()
	if d.Part == None || s.Commit == 0 {
		return "it began a view, or changes to one, and knows what is committed"
	}
	m.send(&Message{Type: "Image", View: d.View, From: a.Replica, Entries: s.Log[:s.Commit:s.Commit]})
	return ""
}

func (m *Model) takeImage(r *Replica, a *Action) string {
	x, s := a.Message, *r.last()
	n := uint64(len(x.Entries))
	follows := r.Role != Leading && r.Role != ViewChange && x.From == m.primary(x.View)
	switch {
	case x.Type != "Image" || x.View != s.View || !follows && (r.Role != ViewChange || a.Replica != m.primary(x.View)):
		return "an application's state is sent to it in this view"
	case n <= s.Commit:
		return "it is ahead of its own"
	}
	if !has(s.Log, n, lastView(x.Entries)) {
		s.Log = slices.Clip(x.Entries)
	}
	s.Commit, s.Kept = n, x.Entries
	r.save(s)
	return ""
}

func (m *Model) recovery(r *Replica, a *Action) string {
	if r.durable().Life < 2 || r.durable().Life != r.last().Life {
		return "that it lives again is durable"
	}
	m.send(&Message{Type: "Recovery", From: a.Replica, Nonce: r.durable().Life})
	return ""
}

func (m *Model) recoveryResponse(r *Replica, a *Action) string {
	d, x := r.durable(), a.Message
	if d.Part != Primary || r.Role == Recovering || x.Type != "Recovery" || x.From == a.Replica {
		return "a primary is asked by one that recovers"
	}
	m.send(&Message{Type: "RecoveryResponse", View: d.View, To: x.From, Nonce: x.Nonce, N: uint64(len(d.Log))})
	return ""
}

func (m *Model) recognize(r *Replica, a *Action) string {
	x, s := a.Message, *r.last()
	switch {
	case r.Role != Recovering || x.Type != "RecoveryResponse" || x.To != a.Replica || x.Nonce != s.Life:
		return "a primary answers this recovery"
	case x.View <= s.View:
		return "the primary's view is later than its own"
	}
	s.View = x.View
	r.save(s)
	return ""
}

func (m *Model) recover(r *Replica, a *Action) string {
	s := r.last()
	switch {
	case r.Role != Recovering:
		return "it recovers"
	case !some(m.all("RecoveryResponse", s.View), func(x *Message) bool {
		return x.To == a.Replica && x.Nonce == s.Life &&
			(x.N <= s.Commit || m.isPrimarys(s.Log, s.View, x.N, uint64(len(s.Log))))
	}):
		return "it has all that the primary's log had"
	}
	r.Role = Backup
	return ""
}
