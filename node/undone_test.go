package node_test

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"althing/node"
	"althing/process"
	"althing/protocol/primarybackup"
)

// Touches implements process.Toucher: a command is its own name.
func (a *appender) Touches(cmd []byte) []string { return []string{string(cmd)} }

// A notebook keeps what a log says of names, by whether it is certain.
type notebook struct {
	slog.Handler
	mu    sync.Mutex
	names map[bool]map[string]bool
	count map[bool]int64
	hooks [2]int
}

func (b *notebook) Handle(_ context.Context, r slog.Record) error {
	attrs := make(map[string]slog.Value)
	r.Attrs(func(a slog.Attr) bool { attrs[a.Key] = a.Value; return true })
	b.mu.Lock()
	defer b.mu.Unlock()
	if certain, ok := attrs["certain"]; ok {
		if count, ok := attrs["count"]; ok {
			b.count[certain.Bool()] += count.Int64()
		}
		if b.names[certain.Bool()] == nil {
			b.names[certain.Bool()] = make(map[string]bool)
		}
		if names, ok := attrs["names"]; ok {
			for _, name := range strings.Fields(names.String()) {
				b.names[certain.Bool()][name] = true
			}
		}
	}
	return nil
}

func (b *notebook) undone(_ uint32, certain, possible int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.hooks[0] += certain
	b.hooks[1] += possible
}

// await waits until n have been counted.
func (b *notebook) await(t *testing.T, n int) {
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); <-time.After(10 * time.Millisecond) {
		b.mu.Lock()
		done := b.hooks[0]+b.hooks[1] >= n
		b.mu.Unlock()
		if done {
			return
		}
	}
	t.Errorf("%v of %d are counted", b.hooks, n)
}

// primary waits until a majority of n knows one, and returns it.
func (c *cluster) primary(n int) process.ID {
	c.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); {
		votes := make(map[process.ID]int)
		for id := range c.nodes {
			s, _ := c.group(id).Status()
			votes[s.Leader]++
		}
		for id, k := range votes {
			if id != 0 && k > n/2 && c.nodes[id] != nil {
				return id
			}
		}
		<-time.After(10 * time.Millisecond)
	}
	c.t.Fatal("no primary")
	return 0
}

// alone lets the primary write without backups, as long as its lease holds, and
// returns what it answered and all that it was asked.
func (c *cluster) alone(id process.ID) (answered, asked map[string]bool) {
	for other := range c.nodes {
		if other != id {
			c.close(other)
		}
	}
	answered, asked = make(map[string]bool), make(map[string]bool)
	ctx, cancel := context.WithTimeout(c.t.Context(), 10*time.Second)
	defer cancel()
	for i := 0; ; i++ {
		cmd := fmt.Sprintf("<alone%d>", i)
		if s, _ := c.group(id).Status(); s.Leader != id {
			return answered, asked
		}
		asked[cmd] = true
		one, end := context.WithTimeout(ctx, 300*time.Millisecond)
		_, err := c.group(id).Do(one, process.Command, []byte(cmd))
		end()
		if err != nil {
			return answered, asked
		}
		answered[cmd] = true
		if len(answered) == 250 {
			return answered, asked
		}
	}
}

// TestWhatWasUndoneIsNamed: an asynchronous primary goes on alone, and stops; another
// is promoted; and the first, when it is back, names what it had answered and is
// gone, and nothing else.
func TestWhatWasUndoneIsNamed(t *testing.T) {
	book := &notebook{Handler: slog.DiscardHandler, names: map[bool]map[string]bool{}, count: map[bool]int64{}}
	c := newCluster(t, 3, func(o *node.Options) {
		o.Protocol = primarybackup.Async
		o.Config.Election = process.Span{Min: time.Second, Max: 2 * time.Second}
		o.Log, o.Hooks.Undone = slog.New(enabled{book}), book.undone
	})
	var gone map[string]bool
	var old process.ID
	var asked map[string]bool
	for len(gone) == 0 { // its lease may be over before it has written anything
		old = c.primary(3)
		c.do(old, "<all>")
		c.same() // all have it: it is not among what may go
		gone, asked = c.alone(old)
		others := slices.DeleteFunc(slices.Clone(c.founder.Voters), func(id process.ID) bool { return id == old })
		if len(gone) == 0 {
			for _, id := range others {
				c.open(id, c.founder)
			}
			continue
		}
		c.close(old)
		for _, id := range others {
			c.open(id, c.founder)
		}
	}
	c.do(c.primary(2), "<later>")
	c.open(old, c.founder)
	text := c.same()
	for cmd := range asked {
		if strings.Contains(text, cmd) {
			t.Errorf("%s is not gone", cmd)
		}
	}
	book.await(t, len(gone))
	book.mu.Lock()
	defer book.mu.Unlock()
	named := maps.Clone(book.names[true])
	maps.Copy(named, book.names[false])
	for cmd := range gone {
		if !named[cmd] {
			t.Errorf("%s was answered and is gone, and is not named", cmd)
		}
	}
	for cmd := range named {
		if !asked[cmd] {
			t.Errorf("%s is named, and nobody asked for it after the others were gone", cmd)
		}
	}
	for cmd := range book.names[true] {
		if !gone[cmd] {
			t.Errorf("%s is named as certain, but was not answered", cmd)
		}
	}
	if len(book.names[true]) < len(gone)-1 {
		t.Errorf("of %d only %d are certain, though written one after the other", len(gone), len(book.names[true]))
	}
	if int64(book.hooks[0]) != book.count[true] || int64(book.hooks[1]) != book.count[false] ||
		len(book.names[true]) != book.hooks[0] || len(book.names[false]) != book.hooks[1] {
		t.Errorf("the hook counts %v, lines %v, names %d and %d", book.hooks, book.count,
			len(book.names[true]), len(book.names[false]))
	}
	t.Logf("%d answered and gone; %d named as certain, %d as possible", len(gone), book.hooks[0], book.hooks[1])
}

// enabled lets a notebook have all that is logged.
type enabled struct{ *notebook }

func (enabled) Enabled(context.Context, slog.Level) bool { return true }
func (e enabled) WithAttrs([]slog.Attr) slog.Handler     { return e }
func (e enabled) WithGroup(string) slog.Handler          { return e }
