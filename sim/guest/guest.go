// Package guest is a client of a process.Store in a simulation: what it asks,
// what it has seen, and whether it was shown what a store promises.
//
// A guest mostly stays with its replica, for that is where the promise to it
// holds. If it moves, it hands on its token before it does anything else, and goes
// on in its session. One whose replica is gone for good begins anew at another: as
// another session, for nobody may ever have what its token stands for.
package guest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"althing/history"
	"althing/history/weak"
	"althing/process"
	"althing/sim/dice"
)

// MaxKeys bounds the keys of one run.
const MaxKeys = 8

// A Guest is one client.
type Guest struct {
	Plain  bool            // it hands on no tokens
	tokens [MaxKeys]string // of the last answer about each key
	last   string          // of all
	moving bool            // it has not been answered since it moved
	life   int
}

// Move says that from now on it asks another replica.
func (g *Guest) Move() { g.moving = g.last != "" }

// Moving reports whether no answer has come since it moved.
func (g *Guest) Moving() bool { return g.moving }

// Begin begins another session.
func (g *Guest) Begin() { *g = Guest{Plain: g.Plain, life: g.life + 1} }

// Ask makes up the seq-th operation of client i of n: a read of the key, or a
// write over all that is there, or sometimes over what the guest last saw.
func (g *Guest) Ask(i, n, key int, seq uint64, read bool, d *dice.Dice) (history.Op, process.Request) {
	name := "k" + strconv.Itoa(key)
	o := history.Op{Client: g.life*n + i, Key: name, Kind: history.Put, Arg: fmt.Sprintf("%d.%d", i, seq)}
	kind, cmd := process.Command, "put "+name+" "+o.Arg
	switch token := g.tokens[key]; {
	case read || g.moving:
		o.Kind, o.Arg = history.Get, ""
		if kind, cmd = process.Read, "get "+name; g.moving {
			cmd += " " + g.last
		}
	case token != "" && !g.Plain && d.Chance(300_000):
		cmd = "set " + name + " " + token + " " + o.Arg
	}
	return o, process.Request{Kind: kind, Client: uint64(i + 1), Seq: seq, Cmd: []byte(cmd)}
}

// Learn takes in an answer, and makes it the result of o. A read of several
// values is of no register, so no history of registers has it.
func (g *Guest) Learn(o *history.Op, answer []byte) {
	token, rest, _ := strings.Cut(string(answer), " ")
	g.tokens[o.Key[1]-'0'], g.last, g.moving = token, token, false
	for n := 0; rest != ""; n++ {
		word, err := strconv.QuotedPrefix(rest)
		if err != nil || n > 0 {
			o.Result, o.Blind = "", true
			return
		}
		o.Result, _ = strconv.Unquote(word)
		rest = strings.TrimPrefix(rest[len(word):], " ")
	}
}

// Judge asks whether the guests saw what a store promises: with what they saw
// all that it may follow from, and one order of all writes that explains which
// of them was shown; and the same in all reads that were asked since all stores
// were the same, of keys of which no write was left open. It returns the promise
// that was broken and why, or "".
func Judge(ops []history.Op, since time.Duration) (promise, why string) {
	const budget = 10 * time.Second
	if r := weak.Check(ops, weak.Convergent, budget); r.Verdict != history.OK {
		return broken(weak.Convergent, r)
	}
	last := slices.DeleteFunc(slices.Clone(ops), func(o history.Op) bool {
		return o.Kind == history.Get && o.Call < since
	})
	if r := weak.Check(last, weak.Eventual, budget); r.Verdict == history.Illegal {
		return broken(weak.Eventual, r)
	}
	return "", ""
}

func broken(p weak.Promise, r weak.Report) (promise, why string) {
	return string(p), fmt.Sprintf("the history is %v: %s", r.Verdict, r.Reason)
}

// Keys returns the keys of lost writes, as stores name them, a key as often as
// there are names: ascending.
func Keys(stores []process.Store) (keys []string) {
	var names []string
	for _, s := range stores {
		names = append(names, s.Lost()...)
	}
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		_, key, _ := strings.Cut(name, " ")
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}
