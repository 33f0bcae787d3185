package partition

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

var descriptions = []string{
	"ring points=100\nnode-1 1 rack-a\nnode-2 2\n",
	"rendezvous\na 7\nb 4294967295 r\n",
	"jump\nb 1\na 1\n",
	"anchor capacity=8 removed=2,5,1\nx 1\na 1\nb 1\n",
	"anchor capacity=3\nx 1\na 1\nb 1\n",
	"anchor capacity=2\nknoten-ä 1 größe\n",
}

func TestDescriptionsThereAndBack(t *testing.T) {
	for _, text := range descriptions {
		var d Description
		if err := d.UnmarshalText([]byte(text)); err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		p := must[Placement](t)(d.Place())
		if got := string(must[[]byte](t)(p.Describe().MarshalText())); got != text {
			t.Errorf("%q became %q", text, got)
		}
	}
	// Where the order has no meaning, it is not written.
	d := Description{Scheme: "ring", Points: 1, Nodes: []Node{{"b", 1, ""}, {"a", 1, ""}}}
	if got := string(must[[]byte](t)(d.MarshalText())); got != "ring points=1\na 1\nb 1\n" || d.Nodes[0].ID != "b" {
		t.Errorf("%q", got)
	}
}

func TestDescriptionsRefused(t *testing.T) {
	for text, words := range map[string]string{
		"":                                          "give at least one",
		"ring points=100":                           "give at least one",
		"circle\na 1\n":                             "choose ring, rendezvous, jump or anchor",
		"ring\na 1\n":                               "choose 1 to 65536",
		"ring points=0100\na 1\n":                   "in another way",
		"ring points=100\na 1":                      "in another way",
		"ring points=100\n\na 1\n":                  "write an ID, a weight",
		"ring points=100\na +1\n":                   "weight of node a",
		"ring points=100\na 01\n":                   "in another way",
		"ring points=100\na 1 \n":                   "in another way",
		"ring points=100\na  1\n":                   "weight of node a",
		"ring points=100\na 4294967296\n":           "weight of node a",
		"ring points=100\nb 1\na 1\n":               "in another way",
		"ring points=100\na 1\na 1\n":               "two nodes are called a",
		"ring points=100\na 0\n":                    "weight 0",
		"ring points=100 capacity=4\na 1\n":         "only an anchor",
		"ring points=100 points=100\na 1\n":         "in another way",
		"ring seed=1\na 1\n":                        "choose points, capacity or removed",
		"jump points=3\na 1\n":                      "only a ring",
		"jump\na 2\n":                               "cannot weigh",
		"jump\r\na 1\r\n":                           "weight of node a",
		"anchor capacity=1\na 1\nb 1\n":             "give it 2 to",
		"anchor capacity=9999999\na 1\n":            "give it 1 to",
		"anchor capacity=3 removed=1,1,1\na 1\n":    "more than it has",
		"anchor capacity=4 removed=1,1\na 1\nb 1\n": "each of 0 to 3 once at most",
		"anchor capacity=4 removed=1,4\na 1\nb 1\n": "each of 0 to 3 once at most",
		"anchor capacity=4 removed=-1\na 1\nb 1\n":  "each of 0 to 2 once at most",
		"anchor capacity=4 removed=2\na 1\nb 1\n":   "leave it out",
		"anchor capacity=4 removed=\na 1\nb 1\n":    "removed=",
		"anchor capacity=4 removed=1,x\na 1\nb 1\n": "removed=1,x",
		strings.Repeat("a", maxText+1):              "at most",
		"jump\n" + strings.Repeat("a 1\n", 1<<16+1): "more than 65536 nodes",
	} {
		d := Description{Scheme: "as it was"}
		err := d.UnmarshalText([]byte(text))
		says(t, err, words)
		if !errors.Is(err, ErrMalformed) || d.Scheme != "as it was" {
			t.Errorf("%.40q: %v, %v", text, err, d.Scheme)
		}
	}
}

// FuzzDescription: whatever is read is written back the same, and can be built.
func FuzzDescription(f *testing.F) {
	for _, text := range descriptions {
		f.Add([]byte(text))
	}
	f.Add([]byte("anchor capacity=4 removed=1,1\na 1\nb 1\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		var d Description
		if d.UnmarshalText(text) != nil {
			return
		}
		if again := must[[]byte](t)(d.MarshalText()); string(again) != string(text) {
			t.Fatalf("%q became %q", text, again)
		}
		if d.Points > 100 || d.Capacity > 100 || len(d.Nodes) > 10 {
			return // large, and slow to build
		}
		for _, n := range d.Nodes {
			if n.Weight > 100 {
				return
			}
		}
		p := must[Placement](t)(d.Place())
		if got := p.Describe().String(); got != string(text) {
			t.Fatalf("%q placed and described is %q", text, got)
		}
		for key := range Sample(20) {
			if ids := walk(p, key); len(ids) != len(d.Nodes) || ids[0] != p.Owner(key).ID {
				t.Fatalf("%q: walk %v", text, ids)
			}
		}
	})
}

// TestPlanText is what an operator reads before a change.
func TestPlanText(t *testing.T) {
	p := Plan{Keys: 300, Needless: 1, Moves: []Move{
		{"a", "new", 100}, {"a", "node-with-a-long-name", 1}, {"b", "", 5},
	}}
	want := "106 of 300 keys move (35.33 %), 1 of them between nodes that stay\n" +
		"  a                     -> new                          100\n" +
		"  a                     -> node-with-a-long-name          1\n" +
		"  b                     -> (nowhere)                      5\n"
	if p.String() != want {
		t.Errorf("%s", p)
	}
	if s := (Plan{}).String(); s != "0 of 0 keys move (0.00 %), 0 of them between nodes that stay\n" {
		t.Error(s)
	}
}

// TestPlanIsWhatHappens: applied key by key, the plan's moves are all there are.
func TestPlanIsWhatHappens(t *testing.T) {
	before, after := place(t, "ring", named(4)...), place(t, "ring", named(5)...)
	keys := func(yield func(string) bool) {
		for i := range 1000 {
			if !yield(fmt.Sprint("user:", i)) {
				return
			}
		}
	}
	where := map[way]uint64{}
	for key := range keys {
		w := way{before.Owner(HashString(key)).ID, after.Owner(HashString(key)).ID}
		if w.from != w.to {
			where[w]++
		}
	}
	plan := Moves(before, after, Points(keys))
	for _, m := range plan.Moves {
		if where[way{m.From, m.To}] != m.Keys {
			t.Errorf("%v, counted %d", m, where[way{m.From, m.To}])
		}
		delete(where, way{m.From, m.To})
	}
	if len(where) != 0 || plan.Keys != 1000 {
		t.Errorf("not in the plan: %v", where)
	}
}
