package diagram

import (
	"fmt"
	"slices"
	"strings"

	"althing/process"
	"althing/trace"
)

// lane is how many columns a replica's line has in text.
const lane = 8

// textual draws events for a terminal: a lane for each replica, an arrow for each
// message, an o for what happens at one replica, and words beside it.
func (d *drawing) textual(h trace.Header, events []trace.Event) {
	ids := nodes(events)
	fmt.Fprintf(d.w, "%s\n\n", h.Protocol)
	var heads strings.Builder
	for _, id := range ids {
		fmt.Fprintf(&heads, "%*d", lane, id)
	}
	fmt.Fprintln(d.w, heads.String())
	for i := range events {
		e := &events[i]
		words := e.String()
		for j := range e.Effects {
			if f := &e.Effects[j]; f.Kind == "Commit" {
				words += ", commits " + strings.Join(f.Entries, "; ")
			}
		}
		from, to := e.Node, e.Node
		head := 'o'
		switch e.Kind {
		case "sync", "clock": // not what anybody tells another
			continue
		case "deliver":
			if from = e.From; from == to {
				continue
			}
			_, words, _ = strings.Cut(words, " ")
		case "drop", "cut", "mend":
			from, to, head = e.From, e.To, 'x'
		}
		fmt.Fprintf(d.w, "%s   %s\n", lanes(ids, from, to, head), strings.Join(strings.Fields(words), " "))
	}
}

// lanes draws one line: an arrow between two lanes, or a mark in one.
func lanes(ids []process.ID, from, to process.ID, mark rune) string {
	line := []rune(strings.Repeat(" ", lane*len(ids)))
	at := func(id process.ID) int { return lane*(slices.Index(ids, id)+1) - 1 }
	for _, id := range ids {
		line[at(id)] = '|'
	}
	if slices.Index(ids, to) < 0 {
		return string(line)
	}
	if a, b := at(from), at(to); a != b {
		for i := min(a, b) + 1; i < max(a, b); i++ {
			line[i] = '-'
		}
		switch {
		case mark == 'x':
			line[(a+b)/2] = 'x'
		case a < b:
			line[b-1] = '>'
		default:
			line[b+1] = '<'
		}
	} else {
		line[a] = mark
	}
	return string(line)
}
