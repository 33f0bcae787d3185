package vr

import (
	"fmt"
	"slices"
	"strings"

	"althing/process"
	"althing/trace"
	"althing/trace/refine/steps"
)

// A message is one of the protocol, or a record.
type message struct {
	view, prev, prevView, commit, n, lastView, nonce, life, base, baseView uint64
	entries                                                                []Entry
}

func parse(kind, text string) (*message, error) {
	x, err := steps.ParseFields(text)
	if err != nil {
		return nil, err
	}
	n, err := x.Numbers("View", "Prev", "PrevView", "Commit", "N", "LastView", "Nonce", "Life", "Base", "BaseView")
	if err != nil {
		return nil, err
	}
	m := &message{n[0], n[1], n[2], n[3], n[4], n[5], n[6], n[7], n[8], n[9], nil}
	for i := range x.Entries {
		e := &x.Entries[i]
		if e.Index != m.prev+m.base+uint64(i)+1 {
			return nil, fmt.Errorf("%w: entry %d of %s follows %d others after %d",
				trace.ErrForm, e.Index, kind, i, m.prev+m.base)
		}
		m.entries = append(m.entries, Entry{e.Epoch, e.Text})
	}
	return m, nil
}

// message is the specification's form of a message; nil if it speaks of none such: of
// what binds nobody, of rounds of reads, of questions for a log.
func (f *mapping) message(kind, text string, from, to process.ID) (*Message, error) {
	if !slices.Contains([]string{"Prepare", "StartView", "NewState", "Commit", "PrepareOk", "DoViewChange",
		"Recovery", "RecoveryResponse"}, kind) {
		return nil, nil
	}
	m, err := parse(kind, text)
	if err != nil {
		return nil, err
	}
	switch kind {
	case "Commit":
		return &Message{Type: kind, View: m.view, From: from, Commit: m.commit}, nil
	case "PrepareOk", "DoViewChange":
		return &Message{Type: kind, View: m.view, From: from, N: m.n, LastView: m.lastView}, nil
	case "Recovery":
		return &Message{Type: kind, From: from, Nonce: m.nonce}, nil
	case "RecoveryResponse":
		return &Message{Type: kind, View: m.view, To: to, Nonce: m.nonce, N: m.n}, nil
	}
	x := &Message{Type: "Prepare", View: m.view, From: from, Prev: m.prev, PrevView: m.prevView,
		Entries: m.entries, Commit: m.commit}
	if from != f.model.primary(m.view) {
		x.Type = "NewState"
	}
	return x, nil
}

// received is the specification's message that an event delivers; nil if it delivers
// none, or one of which the specification does not speak.
func (f *mapping) received(e *trace.Event) (*Message, error) {
	if e.Kind != "deliver" {
		return nil, nil
	}
	if m := f.images[departure{e.Sent, e.From, e.Node}]; m != nil && e.Msg == "NewState" {
		return m, nil
	}
	return f.message(e.Msg, e.Fields, e.From, e.Node)
}

// special reports whether a request, in the words of a trace, is no entry of a log.
func special(text string) bool {
	head, rest, _ := strings.Cut(text, " ")
	if len(head) > 1 && head[0] == 'c' && strings.Trim(head[1:], "0123456789.") == "" { // who asks
		head, rest, _ = strings.Cut(rest, " ")
	}
	return head == "read" || head == "transfer" && strings.HasPrefix(rest, "to ")
}
