// Package session makes a retried request take effect once. It is the part of
// an application's state that knows which requests of which clients are in it
// already: Raft thesis §6.3; Viewstamped Replication Revisited §4, client-table.
//
// A client opens a session through the log and is known from then on by the
// index of that entry, which no other client can have. It numbers its requests
// from 1. It may have many on their way, and they may arrive in any order.
// Everything here is a function of the log, so all replicas agree on it.
package session

import (
	"cmp"
	"encoding/binary"
	"errors"
	"slices"

	"althing/process"
)

const (
	// MaxClients bounds the sessions kept. Beyond it the one longest unused is
	// closed; its client's requests are then refused, never applied twice.
	MaxClients = 4096
	// MaxOpen bounds what is remembered of a client: results, and runs of
	// requests without one. A client must not have more requests on their way.
	MaxOpen = 1 << 14
)

// Verdict says what to do with a request.
type Verdict uint8

const (
	New     Verdict = iota + 1 // apply it, then call Done
	Done                       // it was applied: here is its result
	Expired                    // do not apply: the session is closed, or Seq is too old to tell
)

// A Table is the sessions of one application state. The zero Table is empty.
type Table struct {
	clients map[uint64]*client
	uses    uint64 // counts Open and Done: the clock of client.used
}

type client struct {
	low  uint64   // all numbers up to here are spent
	done []record // above low, ascending
	used uint64
}

// record is one request with its result, or a run of requests without.
type record struct {
	first, last uint64
	result      []byte
}

// Open opens session id, an entry's index. It returns the session that had to
// be closed for it, or 0.
func (t *Table) Open(id uint64) (closed uint64) {
	if t.clients == nil {
		t.clients = make(map[uint64]*client)
	}
	if len(t.clients) >= MaxClients {
		closed = t.longestUnused()
		delete(t.clients, closed)
	}
	t.uses++
	t.clients[id] = &client{used: t.uses}
	return closed
}

func (t *Table) longestUnused() (id uint64) {
	least := ^uint64(0)
	for k, c := range t.clients { // the least is one, whatever the order: used never repeats
		if c.used < least {
			id, least = k, c.used
		}
	}
	return id
}

// Check tells what to do with r, and its result if it was applied. A request
// without a session is always New.
func (t *Table) Check(r *process.Request) (Verdict, []byte) {
	if r.Client == 0 {
		return New, nil
	}
	c := t.clients[r.Client]
	if c == nil || r.Seq <= c.low {
		return Expired, nil
	}
	if i, found := c.find(r.Seq); found {
		return Done, c.done[i].result
	}
	return New, nil
}

// Done records that r was applied, with the result that a retry shall get. An
// application that has no use for results of retries gives nil: then a number
// takes no room once all below it are spent, and a retry of it is Expired.
func (t *Table) Done(r *process.Request, result []byte) {
	c := t.clients[r.Client]
	if c == nil {
		return // no session
	}
	t.uses++
	c.used = t.uses
	if i, found := c.find(r.Seq); !found {
		c.insert(i, record{r.Seq, r.Seq, result})
	}
	for len(c.done) > 0 && (len(c.done) > MaxOpen || c.done[0].first == c.low+1 && c.done[0].result == nil) {
		c.low, c.done = c.done[0].last, c.done[1:]
	}
}

// insert puts r before done[i], and joins runs that it makes one.
func (c *client) insert(i int, r record) {
	if r.result == nil {
		if i < len(c.done) && c.done[i].result == nil && c.done[i].first == r.last+1 {
			r.last = c.done[i].last
			c.done = slices.Delete(c.done, i, i+1)
		}
		if i > 0 && c.done[i-1].result == nil && c.done[i-1].last+1 == r.first {
			c.done[i-1].last = r.last
			return
		}
	}
	c.done = slices.Insert(c.done, i, r)
}

// Forget drops the results of the client's requests up to seq: the client has
// them. Later retries of those are Expired.
func (t *Table) Forget(id, seq uint64) {
	c := t.clients[id]
	if c == nil || seq <= c.low {
		return
	}
	i, found := c.find(seq)
	if found && c.done[i].last > seq {
		seq = c.done[i].last
	}
	if found {
		i++
	}
	c.low, c.done = seq, c.done[i:]
}

// find returns the record that holds seq, or where it would go.
func (c *client) find(seq uint64) (int, bool) {
	if n := len(c.done); n == 0 || c.done[n-1].last < seq { // nearly always
		return n, false
	}
	i, _ := slices.BinarySearchFunc(c.done, seq, func(r record, s uint64) int { return cmp.Compare(r.last, s) })
	return i, c.done[i].first <= seq
}

// Clients returns the open sessions, ascending.
func (t *Table) Clients() []uint64 {
	ids := make([]uint64, 0, len(t.clients))
	for id := range t.clients {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

// Clone returns an independent copy.
func (t *Table) Clone() Table {
	c := Table{uses: t.uses, clients: make(map[uint64]*client, len(t.clients))}
	for id, old := range t.clients {
		c.clients[id] = &client{low: old.low, done: slices.Clone(old.done), used: old.used}
	}
	return c
}

// AppendClient appends session id in canonical form: what LoadClient reads.
func (t *Table) AppendClient(b []byte, id uint64) []byte {
	c := t.clients[id]
	if c == nil {
		return b
	}
	b = binary.AppendUvarint(b, id)
	b = binary.AppendUvarint(b, c.used)
	b = binary.AppendUvarint(b, c.low)
	b = binary.AppendUvarint(b, uint64(len(c.done)))
	for _, r := range c.done {
		b = binary.AppendUvarint(b, r.first)
		b = binary.AppendUvarint(b, r.last-r.first)
		if r.result == nil {
			b = append(b, 0)
			continue
		}
		b = binary.AppendUvarint(b, uint64(len(r.result))+1) // 0 is none, 1 is empty
		b = append(b, r.result...)
	}
	return b
}

// AppendState appends the whole table in canonical form.
func (t *Table) AppendState(b []byte) []byte {
	ids := t.Clients()
	b = binary.AppendUvarint(b, uint64(len(ids)))
	for _, id := range ids {
		b = t.AppendClient(b, id)
	}
	return b
}

var errForm = errors.New("not a session table")

// LoadState replaces the table by what AppendState wrote, and returns what
// follows it in b.
func (t *Table) LoadState(b []byte) (rest []byte, err error) {
	*t = Table{}
	n, w := binary.Uvarint(b)
	if w <= 0 || n > MaxClients {
		return nil, errForm
	}
	b = b[w:]
	for range n {
		if b, err = t.LoadClient(b); err != nil {
			return nil, err
		}
	}
	return b, nil
}

// LoadClient adds the session that AppendClient wrote, and returns what
// follows it in b.
func (t *Table) LoadClient(b []byte) (rest []byte, err error) {
	var head [4]uint64 // id, used, low, records
	if b, err = cut(b, head[:]); err != nil || head[3] > MaxOpen {
		return nil, errForm
	}
	c := &client{used: head[1], low: head[2]}
	last := c.low
	for range head[3] {
		var rec [3]uint64 // first, how many more, bytes of the result + 1
		b, err = cut(b, rec[:])
		end := rec[0] + rec[1]
		if err != nil || rec[0] <= last || end < rec[0] || rec[2] > uint64(len(b))+1 {
			return nil, errForm
		}
		var result []byte
		if n := rec[2]; n > 0 {
			result, b = append([]byte{}, b[:n-1]...), b[n-1:]
		}
		c.done = append(c.done, record{rec[0], end, result})
		last = end
	}
	if t.clients == nil {
		t.clients = make(map[uint64]*client)
	}
	t.clients[head[0]] = c
	t.uses = max(t.uses, c.used)
	return b, nil
}

func cut(b []byte, vs []uint64) ([]byte, error) {
	for i := range vs {
		v, w := binary.Uvarint(b)
		if w <= 0 {
			return nil, errForm
		}
		vs[i], b = v, b[w:]
	}
	return b, nil
}
