// Package weak judges promises that are weaker than linearizability: those of
// stores that answer before all replicas have heard.
//
// Time between clients does not count here. What counts is the order in which
// each client did its own operations, its session, and which write each read
// returned. So the history must be of registers that are read and written, and
// no two writes of a register may write the same value, nor what it has at
// first; else which write was read is not known, and the verdict is Unknown.
// (Sequential consistency is searched for even then.)
//
// The words. so is the order of operations within each session. dep is so and
// each read after the write that it returned, in any number of steps. An order
// of all writes that keeps so is an arbitration; each session may have its own,
// but for two promises where it says that there is one for all. A read is right
// by an arbitration if it returns the last write of its register among those
// that it sees, or what was there at first if it sees none. It sees the write
// that it returned, and no more than the promise says.
//
// The session guarantees (Terry and others, "Session guarantees for weakly
// consistent replicated data", 1994). Each session has an arbitration by which
// its reads are right, if they see:
//
//	read-your-writes     the writes that their session did before
//	monotonic-reads      all that the reads that their session did before see
//	monotonic-writes     that, and with a write all writes before it in its session
//	writes-follow-reads  that of monotonic-reads, and with a write all that the reads before
//	                     it in its session see, which are before it in every arbitration
//
// Terry's are about servers, and each read may be of another server: so a
// session that does not read monotonically could not tell whether the latter
// two are kept, and here they are asked for with monotonic reads. Viotti and
// Vukolić ("Consistency in non-transactional distributed storage systems", 2016)
// have one arbitration for all sessions; then pram would not imply the first
// three, nor causal-memory the fourth, as here they do.
//
//	pram                 each session has an order of all writes and its own reads that keeps
//	                     so, and in which each read returns the last write before it (Lipton
//	                     and Sandberg, 1988)
//	causal               dep does not go round, and no read returns a write when another of
//	                     its register is between the two in dep; one that returns what was
//	                     there at first depends on no write of its register
//	causal-convergence   dep does not go round, and all reads are right by one arbitration for
//	                     all, which keeps dep, if they see the writes that they depend on
//	causal-memory        each session has an order of all writes and its own reads that keeps
//	                     dep, and in which each read returns the last write before it
//	sequential           all operations have one order that keeps so, and in which each read
//	                     returns the last write before it (Lamport, 1979)
//	convergence          of each register, all sessions that read it after all writes of it
//	                     were answered returned the same in their last such read
//
// The three causal ones are CC, CCv and CM of Bouajjani and others, "On verifying
// causal consistency", POPL 2017, whose bad patterns are looked for; dep is their
// smallest causal order, and what holds of any holds of it.
//
// So monotonic-writes and writes-follow-reads imply monotonic-reads; pram, the
// first three; causal, read-your-writes; causal-convergence, the four and causal;
// causal-memory, the four, pram and causal; sequential, all but convergence. For
// any other two there is a history that keeps one and breaks the other.
//
// A write whose outcome is not known, and that somebody read, was made, but may
// have taken effect after anything that its session did later: it is before
// nothing in so. One that nobody read was not made, nor was a read that was not
// answered. Writes that nobody read count as all others, if they were answered.
// That a session reads what it writes only later is ruled out by all but the
// first three, and convergence.
//
// A core is a part of the history that breaks the promise by itself, as small
// as could be found. Refute checks one by trying every order there is. That a
// promise is kept is proved by the orders that it speaks of, or by what all
// sessions came to see; Verify goes through them once for each session.
package weak

import (
	"fmt"
	"slices"
	"time"

	"althing/history"
)

// A Promise is what a history is held against.
type Promise string

// The promises; the package comment defines each.
const (
	ReadYourWrites    Promise = "read-your-writes"    // Terry 1994
	MonotonicReads    Promise = "monotonic-reads"     // likewise
	MonotonicWrites   Promise = "monotonic-writes"    // likewise, with monotonic reads
	WritesFollowReads Promise = "writes-follow-reads" // likewise, with monotonic reads
	PRAM              Promise = "pram"                // Lipton and Sandberg 1988
	Causal            Promise = "causal"              // CC of Bouajjani 2017
	Convergent        Promise = "causal-convergence"  // CCv
	Memory            Promise = "causal-memory"       // CM
	Sequential        Promise = "sequential"          // Lamport 1979
	Eventual          Promise = "convergence"         // of what is read in the end
)

// Promises are all of them.
var Promises = []Promise{ReadYourWrites, MonotonicReads, MonotonicWrites, WritesFollowReads, PRAM, Causal,
	Convergent, Memory, Sequential, Eventual}

// A Report is a verdict and its reason. Operations are told by their index.
type Report struct {
	Verdict history.Verdict
	Order   []int32 // if OK, and all sessions have one order: of all that happened
	Views   []View  // if OK, and each session that reads has its own: by session
	State   []int32 // if OK, of convergence: of each key that sessions agree on in the end, one read that says so
	Core    []int32 // if Illegal: by call
	Reason  string  // if Unknown, or in words why not
}

// A View is the order of one session: of all writes, and for pram and
// causal-memory of its reads.
type View struct {
	Client int
	Order  []int32 // not to be changed: several views may share it
}

// Check holds a history against a promise, for as long as the budget says; 0 is
// no bound. It takes up to ten seconds longer to find a core.
func Check(ops []history.Op, p Promise, budget time.Duration) Report {
	var deadline time.Time
	if budget > 0 {
		deadline = time.Now().Add(budget)
	}
	r := judge(ops, p, deadline)
	if r.Verdict == history.Illegal {
		r.Core = shrink(ops, p, r.Core)
	}
	return r
}

func judge(ops []history.Op, p Promise, deadline time.Time) Report {
	if !slices.Contains(Promises, p) {
		return unknown("there is no promise %q", p)
	}
	h, r := prepare(ops)
	if r.Verdict == history.Unknown && p == Sequential {
		return searchSequential(ops, deadline)
	}
	if r.Verdict != history.OK {
		return r
	}
	if h.cells() > maxCells {
		return unknown("%d operations of %d sessions are too many", len(h.nodes), len(h.chains))
	}
	switch p {
	case Eventual:
		return h.eventual()
	case PRAM:
		return h.views(false, deadline)
	case Memory:
		return h.views(true, deadline)
	case Causal, Convergent:
		return h.causal(p)
	case Sequential:
		if r := h.views(true, deadline); r.Verdict != history.OK {
			return r // what sequential consistency promises, and is found soon
		}
		return searchSequential(ops, deadline)
	}
	return h.session(p)
}

// maxCells bounds the clocks of a history, to half a gigabyte: one number for
// each operation and session.
const maxCells = 1 << 27

func unknown(why string, args ...any) Report {
	return Report{Verdict: history.Unknown, Reason: fmt.Sprintf(why, args...)}
}

// None of the writes, and not a read.
const (
	initial = -1 // it returned what was there at first
	noRead  = -2
)

// A record is a history prepared: its operations as nodes, in chains, one for
// each session and one for each write that was not answered.
type record struct {
	ops    []history.Op
	nodes  []int32   // by node: the operation
	chain  []int32   // by node
	place  []int32   // by node: in its chain
	chains [][]int32 // nodes
	before []int32   // by chain: the node after which it begins, or -1
	from   []int32   // by node: the write that it returned, initial or noRead
	key    []int32   // by node
	keys   int
}

func (h *record) cells() int { return len(h.nodes) * len(h.chains) }

func (h *record) write(n int32) bool { return h.from[n] == noRead }

// prepare finds sessions, and which write each read returned.
func prepare(ops []history.Op) (*record, Report) {
	type version struct{ key, value string }
	writer, read := map[version]int32{}, map[version]bool{}
	for i := range ops {
		switch o := &ops[i]; {
		case o.Kind == history.Put:
			v := version{o.Key, o.Arg}
			if _, twice := writer[v]; twice || o.Arg == "" {
				return nil, unknown("%q is written twice to key %q, or is what it has at first", o.Arg, o.Key)
			}
			writer[v] = int32(i)
		case o.Kind != history.Get:
			return nil, unknown("there is a %v: this promise is about reads and writes", o.Kind)
		}
	}
	for i := range ops {
		o := &ops[i]
		if o.Kind != history.Get || o.Open || o.Blind {
			continue
		}
		v := version{o.Key, o.Result}
		if _, written := writer[v]; !written && o.Result != "" {
			return nil, Report{Verdict: history.Illegal, Core: []int32{int32(i)},
				Reason: "nobody wrote what was read"}
		}
		read[v] = true
	}
	h := &record{ops: ops}
	node := h.lay(func(o *history.Op) bool {
		return o.Kind == history.Put && (!o.Open || read[version{o.Key, o.Arg}]) ||
			o.Kind == history.Get && !o.Open && !o.Blind
	})
	keys := map[string]int32{}
	for _, i := range h.nodes {
		o := &ops[i]
		if _, ok := keys[o.Key]; !ok {
			keys[o.Key] = int32(len(keys))
		}
		h.key = append(h.key, keys[o.Key])
		from := int32(noRead)
		if o.Kind == history.Get {
			from = initial
			if o.Result != "" {
				from = node[writer[version{o.Key, o.Result}]]
			}
		}
		h.from = append(h.from, from)
	}
	h.keys = len(keys)
	return h, Report{Verdict: history.OK}
}

// lay puts the operations that happened into chains; node is by operation.
func (h *record) lay(happened func(*history.Op) bool) (node []int32) {
	node = make([]int32, len(h.ops))
	var by []int32
	for i := range h.ops {
		if happened(&h.ops[i]) {
			by = append(by, int32(i))
		}
	}
	slices.SortStableFunc(by, func(a, b int32) int {
		x, y := &h.ops[a], &h.ops[b]
		if x.Client != y.Client {
			return x.Client - y.Client
		}
		return int(min(1, max(-1, x.Call-y.Call)))
	})
	last := int32(-1) // chain of the session
	for k, i := range by {
		o := &h.ops[i]
		n := int32(k)
		node[i] = n
		first := k == 0 || h.ops[by[k-1]].Client != o.Client
		if first {
			last = -1
		}
		var at int32
		switch {
		case last >= 0 && !o.Open:
			at = last
		default:
			at = int32(len(h.chains))
			h.chains = append(h.chains, nil)
			h.before = append(h.before, -1)
			if last >= 0 {
				h.before[at] = h.chains[last][len(h.chains[last])-1]
			} else if !o.Open {
				last = at
			}
		}
		h.nodes = append(h.nodes, i)
		h.chain = append(h.chain, at)
		h.place = append(h.place, int32(len(h.chains[at])))
		h.chains[at] = append(h.chains[at], n)
	}
	return node
}
