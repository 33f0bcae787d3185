package maelstrom_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"althing/history"
)

// TestLinKV: whatever is lost, repeated, late or cut off, some order of all
// operations explains every answer; and once all is healed, every node answers.
func TestLinKV(t *testing.T) {
	for _, c := range []struct {
		protocol string
		loss     float64
		cuts     bool
	}{
		{"raft", 0.1, true},
		{"total", 0.05, false}, // it waits for every member
	} {
		t.Run(c.protocol, func(t *testing.T) {
			t.Parallel()
			b := start(t, 3, c.loss, "--protocol", c.protocol)
			ops, answered := load(b, c.cuts)
			b.isolate("")
			for i := range 3 {
				b.until(name(i), fields{"type": "write", "key": "end", "value": i},
					func(r fields) bool { return r["type"] == "write_ok" })
			}
			if least := len(ops) / 4; answered < least {
				t.Errorf("%d of %d operations were answered, too few to judge by", answered, len(ops))
			}
			r := history.Check(ops, 10*time.Second)
			if r.Verdict != history.OK {
				t.Errorf("key %s is %v: %s", r.Key, r.Verdict, r.Reason)
				for _, i := range r.Core {
					t.Log(&ops[i])
				}
			}
			t.Logf("%d operations, %d answered", len(ops), answered)
		})
	}
}

// load lets clients loose, and returns what they saw. With cuts, one node after
// the other is cut off, as the clients get on.
func load(b *bench, cuts bool) (ops []history.Op, answered int) {
	const clients, each, turn = 6, 60, 60
	var mu sync.Mutex
	var all sync.WaitGroup
	begin := time.Now()
	for c := range clients {
		all.Go(func() {
			for i := range each {
				if time.Since(begin) > patience/3 {
					return
				}
				op := operate(b, fmt.Sprint(c*each+i+1), begin)
				op.Client = c*each + i // what is open may run beside its client's next
				mu.Lock()
				if op.Kind != 0 {
					ops = append(ops, op)
				}
				if op.Kind != 0 && !op.Open {
					answered++
				}
				if n := c*each + i; cuts && n%turn == turn/2 {
					b.isolate([]string{"n1", "", "n2", "", "n3", ""}[n/turn%6])
				}
				mu.Unlock()
			}
		})
	}
	all.Wait()
	return ops, answered
}

// operate asks one thing of one node. What was not done for sure has no kind.
func operate(b *bench, value string, begin time.Time) history.Op {
	op := history.Op{Key: fmt.Sprint("k", rand.IntN(3)), Call: time.Since(begin)}
	v, _ := strconv.Atoi(value)
	body := fields{"key": op.Key}
	switch rand.IntN(3) {
	case 0:
		op.Kind, body["type"] = history.Get, "read"
	case 1:
		op.Kind, op.Arg = history.Put, value
		body["type"], body["value"] = "write", v
	case 2:
		old := max(1, v-rand.IntN(8))
		op.Kind, op.Old, op.Arg = history.CAS, fmt.Sprint(old), value
		body["type"], body["from"], body["to"] = "cas", old, v
	}
	r := b.call(name(rand.IntN(3)), body, patience/30)
	op.Return = time.Since(begin)
	code, _ := r["code"].(float64)
	switch r["type"] {
	case nil:
		op.Open = true
	case "read_ok":
		op.Result = fmt.Sprint(r["value"])
	case "cas_ok":
		op.Result = "1"
	case "write_ok":
	case "error":
		switch {
		case code == 20 && op.Kind == history.Get: // nothing
		case (code == 20 || code == 22) && op.Kind == history.CAS:
			op.Result = "0"
		case code == 0:
			op.Open = true
		case code == 11:
			op.Kind = 0
		default:
			b.t.Errorf("%v is answered with %v", body, r)
		}
	default:
		b.t.Errorf("%v is answered with %v", body, r)
	}
	return op
}

// TestSpread: what was acknowledged is read from every node in the end, whatever
// was lost, and nothing else is.
func TestSpread(t *testing.T) {
	const n = 60
	for _, c := range []struct {
		workload string
		request  func(i int) fields
		done     string
		good     func(r fields) bool
	}{
		{"broadcast", func(i int) fields { return fields{"type": "broadcast", "message": i} }, "broadcast_ok",
			func(r fields) bool { return numbers(r["messages"], n) }},
		{"g-set", func(i int) fields { return fields{"type": "add", "element": i} }, "add_ok",
			func(r fields) bool { return numbers(r["value"], n) }},
		{"g-counter", func(i int) fields { return fields{"type": "add", "delta": i} }, "add_ok",
			func(r fields) bool { return r["value"] == float64(n*(n-1)/2) }},
		{"pn-counter", func(i int) fields { return fields{"type": "add", "delta": i - n} }, "add_ok",
			func(r fields) bool { return r["value"] == float64(n*(n-1)/2-n*n) }},
	} {
		t.Run(c.workload, func(t *testing.T) {
			t.Parallel()
			b := start(t, 3, 0.2, "--workload", c.workload)
			for i := range n {
				if i%10 == 0 {
					b.isolate([]string{"n1", "", "n2", "", "n3", ""}[i/10])
				}
				node := name(i % 3)
				if r := b.call(node, c.request(i), patience); r["type"] != c.done {
					t.Fatalf("%s answers %v with %v", node, c.request(i), r)
				}
			}
			b.isolate("")
			for i := range 3 {
				b.until(name(i), fields{"type": "read"}, c.good)
			}
		})
	}
}

// numbers reports whether v is the numbers below n, each once.
func numbers(v any, n int) bool {
	list, _ := v.([]any)
	var got []int
	for _, x := range list {
		f, ok := x.(float64)
		if !ok {
			return false
		}
		got = append(got, int(f))
	}
	slices.Sort(got)
	for i, x := range got {
		if i != x {
			return false
		}
	}
	return len(got) == n
}
