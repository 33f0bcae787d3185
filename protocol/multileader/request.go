package multileader

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"althing/clock"
	"althing/process"
)

// A command is what a client says; see process.Store.
type command struct {
	verb, key string
	value     []byte
	token     clock.Version
	bound     bool // there is a token
}

// parse reads a command.
func parse(cmd []byte) (c command, ok bool) {
	var rest string
	c.verb, rest, _ = strings.Cut(string(cmd), " ")
	c.key, rest, ok = strings.Cut(rest, " ")
	if c.key == "" || len(c.key) > maxKey {
		return c, false
	}
	token := ""
	switch c.verb {
	case "get":
		token, c.bound = rest, ok
	case "set":
		token, rest, c.bound = strings.Cut(rest, " ")
		if !c.bound {
			return c, false
		}
	case "put":
	default:
		return c, false
	}
	if c.bound && c.token.UnmarshalText([]byte(token)) != nil {
		return c, false
	}
	if c.verb != "get" {
		c.value = []byte(rest)
	}
	return c, len(c.value) <= maxValue
}

// onSubmit takes in what a client asks.
func (r *Replica) onSubmit(q process.Request, now time.Duration, out *process.Output) {
	refuse := func(why process.Reason) { out.Refuse([]process.Request{q}, why, 0) }
	switch {
	case q.Kind != process.Command && q.Kind != process.Read && q.Kind != process.Members:
		refuse(process.Unsupported)
	case !r.member():
		out.Refuse([]process.Request{q}, process.NotLeader, r.other())
	case len(r.answers) >= maxAnswers:
		refuse(process.Busy)
	case q.Kind == process.Members:
		r.onMembers(q, now, out)
	default:
		c, ok := parse(q.Cmd)
		switch {
		case !ok || q.Kind == process.Read && c.verb != "get":
			refuse(process.Invalid)
		case c.bound && !covers(r.seen, c.token):
			refuse(process.Behind)
		case c.verb == "get":
			r.onGet(q, &c, out)
		case r.size > maxSize:
			refuse(process.Busy)
		default:
			r.onPut(q, &c, now, out)
		}
	}
}

// other returns whom one that is no member may name: the first, if it knows any.
func (r *Replica) other() process.ID {
	if len(r.members) == 0 {
		return 0
	}
	return r.members[0]
}

func (r *Replica) onGet(q process.Request, c *command, out *process.Output) {
	b, _ := r.seen.AppendText(nil)
	for _, v := range r.rule.shown(r.keys[c.key]) {
		b = strconv.AppendQuote(append(b, ' '), v)
	}
	r.reply(q, b, out)
}

// onPut writes over what is here, or what the client has seen. What it replaces
// is in the write, by name: so nobody else replaces more.
func (r *Replica) onPut(q process.Request, c *command, now time.Duration, out *process.Output) {
	ctx := r.seen
	if c.bound {
		ctx = c.token
	}
	w := &Write{Key: c.key, Value: c.value}
	w.Over, w.Lost = r.rule.replace(r.keys[c.key], ctx)
	r.issue(q, w, now, out)
}

// onMembers takes replicas in or out. No learner differs from a voter here, for
// nobody votes.
func (r *Replica) onMembers(q process.Request, now time.Duration, out *process.Output) {
	g, _, err := process.CutGroup(q.Cmd)
	want := g.Members()
	w := &Write{Added: without(want, r.members), Removed: without(r.members, want)}
	switch {
	case err != nil || len(want) == 0 || want[0] == 0 || g.Joint(),
		slices.ContainsFunc(want, func(id process.ID) bool { return slices.Contains(r.removed, id) }):
		out.Refuse([]process.Request{q}, process.Invalid, 0)
	case len(w.Added)+len(w.Removed) == 0:
		r.reply(q, nil, out)
	default:
		r.issue(q, w, now, out)
	}
}

// without returns what of a is not in b.
func without(a, b []process.ID) []process.ID {
	return slices.DeleteFunc(slices.Clone(a), func(id process.ID) bool { return slices.Contains(b, id) })
}

// issue gives w its name and its time, takes it in and sends it to all.
func (r *Replica) issue(q process.Request, w *Write, now time.Duration, out *process.Output) {
	self := uint64(r.cfg.Self)
	w.Dot = clock.Dot{Actor: self, Seq: r.seen.At(self) + 1}
	w.After = r.seen
	w.At = max(r.last+1, clock.NewHybrid(uint64(max(0, now.Milliseconds())), 0))
	to := union(r.members, w.Added) // who is taken out hears of it too
	r.take(w, out)
	for _, id := range to {
		if id != r.cfg.Self {
			out.Send(id, w)
		}
	}
	token, _ := r.seen.AppendText(nil)
	r.reply(q, token, out)
}
