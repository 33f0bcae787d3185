package node

import (
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"althing/process"
)

const (
	// maxNames bounds the names in one line of the log, and maxName the bytes of
	// one: lines that can be read, and that a collector of logs takes.
	maxNames = 100
	maxName  = 200
)

// undone lets whoever runs the group know which requests were done here, or may
// have been, and have no effect any more. It waits for the log's lines: the
// process goes on to forget it.
func (g *Group) undone(es []process.Entry, sure uint64) {
	n := 0
	for n < len(es) && es[n].Index <= sure {
		n++
	}
	certain, possible := g.report(es[:n], true), g.report(es[n:], false)
	if hook := g.n.o.Hooks.Undone; hook != nil {
		hook(g.id, certain, possible)
	}
}

// report writes lines of the log about es, and returns how many commands they
// hold; the rest is a protocol's own. The first line counts, those after it name.
func (g *Group) report(es []process.Entry, certain bool) (count int) {
	es = slices.DeleteFunc(slices.Clone(es), func(e process.Entry) bool { return e.Req.Kind != process.Command })
	if len(es) == 0 {
		return 0
	}
	toucher, _ := g.machine.(process.Toucher)
	var names []string
	known := make(map[string]bool)
	for i := range es {
		if toucher == nil {
			break
		}
		for _, name := range toucher.Touches(es[i].Req.Cmd) {
			if name = printed(name); !known[name] {
				known[name], names = true, append(names, name)
			}
		}
	}
	text := "writes that were done here are undone"
	if !certain {
		text = "writes are undone that may have been done here, before a restart"
	}
	log, last := g.n.o.Log, &es[len(es)-1]
	log.Warn(text, "group", g.id, "certain", certain, "count", len(es), "keys", len(names),
		"first", es[0].Index, "last", last.Index, "epoch", last.Epoch)
	for some := range slices.Chunk(names, maxNames) {
		log.Warn("undone: keys", "group", g.id, "certain", certain, "names", strings.Join(some, " "))
	}
	return len(es)
}

// printed is a name as a line has it: quoted unless it is a plain word.
func printed(name string) string {
	tail := ""
	if len(name) > maxName {
		name, tail = name[:maxName], "…"
	}
	odd := func(r rune) bool { return !unicode.IsGraphic(r) || unicode.IsSpace(r) || r == '"' }
	if name == "" || !utf8.ValidString(name) || strings.ContainsFunc(name, odd) {
		name = strconv.Quote(name)
	}
	return name + tail
}
