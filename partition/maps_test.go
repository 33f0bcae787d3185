package partition

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// built returns the ranges a-g, g-m, m-t, t- on four nodes.
func built(t testing.TB) *Ranges {
	r := must[*Ranges](t)(NewRanges("n1"))
	for i, at := range []string{"g", "m", "t"} {
		r = must[*Ranges](t)(r.Split(at))
		r = must[*Ranges](t)(r.Move(at, fmt.Sprint("n", i+2)))
	}
	return r
}

// whole fails unless the ranges have each key once, with an epoch of theirs.
func whole(t *testing.T, r *Ranges) {
	t.Helper()
	all := r.All()
	if all[0].Start != "" || all[len(all)-1].End != "" {
		t.Fatalf("ends: %v", all)
	}
	for i, x := range all {
		if i > 0 && (all[i-1].End != x.Start || x.Start == "") || x.End != "" && x.End <= x.Start {
			t.Fatalf("%v: gap or overlap at %d", all, i)
		}
		if x.Epoch < 1 || x.Epoch > r.Version() {
			t.Fatalf("%v: epoch %d of version %d", all, x.Epoch, r.Version())
		}
	}
}

// TestRangesOverALongLife: random splits, merges and moves, beside a naive twin: a
// node for each of 64 keys. Ranges stay whole; of each key the epoch grows where
// anything about it changes, never recurs, and else stays.
func TestRangesOverALongLife(t *testing.T) {
	r := rand.New(rand.NewPCG(8, 8))
	key := func(i int) string { return string([]byte{byte(i)}) }
	m := must[*Ranges](t)(NewRanges("n0"))
	var twin [64]string
	for i := range twin {
		twin[i] = "n0"
	}
	for step := range 2000 {
		before := m
		i := r.IntN(64)
		var next *Ranges
		var err error
		switch r.IntN(3) {
		case 0:
			next, err = m.Split(key(i))
		case 1:
			left := m.Find("").Node
			if i > 0 {
				left = m.Find(key(i - 1)).Node
			}
			old := m.Find(key(i))
			if next, err = m.Merge(key(i)); err == nil {
				for j := range twin {
					if old.Contains(key(j)) {
						twin[j] = left
					}
				}
			}
		case 2:
			old := m.Find(key(i))
			node := fmt.Sprint("n", r.IntN(5))
			if next, err = m.Move(key(i), node); err == nil {
				for j := range twin {
					if old.Contains(key(j)) {
						twin[j] = node
					}
				}
			}
		}
		if err != nil {
			continue
		}
		m = next
		whole(t, m)
		if m.Version() != before.Version()+1 {
			t.Fatalf("version %d after %d", m.Version(), before.Version())
		}
		for j := range twin {
			was, is := before.Find(key(j)), m.Find(key(j))
			if is.Node != twin[j] || !is.Contains(key(j)) {
				t.Fatalf("step %d: key %d in %v, want on %s", step, j, is, twin[j])
			}
			if same := was == is; same != (was.Epoch == is.Epoch) || is.Epoch < was.Epoch {
				t.Fatalf("step %d: key %d was in %v and is in %v", step, j, was, is)
			}
		}
		var read Ranges
		if err := read.UnmarshalText([]byte(m.String())); err != nil || !slices.Equal(read.ranges, m.ranges) {
			t.Fatalf("%v: %s", err, m)
		}
	}
	if len(m.All()) < 2 {
		t.Error("nothing happened")
	}
}

func TestBadRangeChangesAreErrorsThatSayWhatToChange(t *testing.T) {
	r := built(t)
	text := r.String()
	for _, c := range []struct {
		err  func() (*Ranges, error)
		says string
	}{
		{func() (*Ranges, error) { return NewRanges("") }, "give it a name"},
		{func() (*Ranges, error) { return r.Split("") }, "a range starts there already"},
		{func() (*Ranges, error) { return r.Split("m") }, "a range starts there already"},
		{func() (*Ranges, error) { return r.Split(strings.Repeat("x", MaxKey+1)) }, "at most 4096"},
		{func() (*Ranges, error) { return r.Merge("") }, "no range ends there"},
		{func() (*Ranges, error) { return r.Merge("n") }, "no range ends there"},
		{func() (*Ranges, error) { return r.Move("n", "n1") }, `that key is in the one from "m"`},
		{func() (*Ranges, error) { return r.Move("m", "n3") }, "it is there"},
		{func() (*Ranges, error) { return r.Move("m", "n 3") }, "without blanks"},
		{func() (*Ranges, error) { return (&Ranges{math.MaxUint64, r.ranges}).Split("n") }, "used up"},
		{func() (*Ranges, error) { return (&Ranges{1, make([]Range, MaxRanges)}).Split("n") }, "merge some"},
	} {
		m, err := c.err()
		if m != nil {
			t.Errorf("%s: a map with an error", c.says)
		}
		says(t, err, c.says)
	}
	if r.String() != text {
		t.Error("a change that failed, changed")
	}
}

// TestRangePlans: a split moves nothing, a move its range, a merge what is on
// another node; by counts over the common pieces of both maps. No key moves
// between nodes other than those.
func TestRangePlans(t *testing.T) {
	r := built(t)
	count := func(start, end string) uint64 { // a key for each letter
		last := "{"
		if end != "" {
			last = end
		}
		return uint64(last[0] - max(start, "a")[0])
	}
	if p := r.Moves(must[*Ranges](t)(r.Split("p")), count); p.Moved() != 0 || p.Keys != 26 {
		t.Errorf("split: %v", p)
	}
	if p := r.Moves(must[*Ranges](t)(r.Move("m", "new")), count); len(p.Moves) != 1 || p.Needless != 0 ||
		p.Moves[0] != (Move{"n3", "new", 7}) {
		t.Errorf("move: %v", p)
	}
	none := func(string, string) uint64 { return 0 }
	if p := r.Moves(must[*Ranges](t)(r.Move("m", "new")), none); len(p.Moves) != 0 {
		t.Errorf("a move of no keys: %v", p)
	}
	p := r.Moves(must[*Ranges](t)(r.Merge("m")), count)
	if len(p.Moves) != 1 || p.Moves[0] != (Move{"n3", "n2", 7}) || p.Needless != 0 {
		t.Errorf("merge: %v", p) // n3 has nothing left: it does not stay
	}
	split := must[*Ranges](t)(r.Split("p"))
	if p := split.Moves(must[*Ranges](t)(split.Move("p", "n1")), count); p.Needless != 4 || p.Moved() != 4 {
		t.Errorf("a move between two nodes that stay is not seen: %v", p)
	}
	tail := must[*Ranges](t)(must[*Ranges](t)(r.Split("x")).Move("x", "new"))
	if p := r.Moves(tail, count); len(p.Moves) != 1 || p.Moves[0] != (Move{"n4", "new", 3}) || p.Keys != 26 {
		t.Errorf("a part of the last range: %v", p)
	}
	if p := tail.Moves(r, count); len(p.Moves) != 1 || p.Moves[0] != (Move{"new", "n4", 3}) || p.Keys != 26 {
		t.Errorf("and back: %v", p)
	}
	back := must[*Ranges](t)(split.Merge("p"))
	if p := r.Moves(back, count); p.Moved() != 0 {
		t.Errorf("there and back: %v", p)
	}
}

var rangeTexts = []string{
	"ranges version=1\n\"\" n1 1\n",
	"ranges version=18446744073709551615\n\"\" n1 1\n\"a\\\"b\" n2 18446744073709551615\n",
	"ranges version=3\n\"\" a 1\n\"\\x00\" b 2\n\"\\n\" b 2\n\"\\u00e4\" a 3\n\"\\xff\" a 3\n",
}

func TestRangesThereAndBack(t *testing.T) {
	for _, text := range append(rangeTexts, built(t).String()) {
		var r Ranges
		if err := r.UnmarshalText([]byte(text)); err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		whole(t, &r)
		if got := string(must[[]byte](t)(r.MarshalText())); got != text {
			t.Errorf("%q became %q", text, got)
		}
	}
	_, err := (&Ranges{}).MarshalText()
	says(t, err, "begin with New")
	b := must[[]byte](t)(json.Marshal(built(t)))
	var r Ranges
	if err := json.Unmarshal(b, &r); err != nil || r.String() != built(t).String() {
		t.Errorf("JSON: %v: %s", err, b)
	}
}

func TestRangesRefused(t *testing.T) {
	for text, words := range map[string]string{
		"":                                                   "first line",
		"ranges version=1\n":                                 "no range",
		"ranges version=0\n":                                 "first line",
		"ranges version=x\n":                                 "first line",
		"ranges version=01\n":                                "no range",
		"ranges  version=1\n":                                "first line",
		"directory version=1":                                "first line",
		"ranges version=1\n\n":                               "begin with a quoted key",
		"ranges version=1\n\"a\" n 1\n":                      "not with the empty key",
		"ranges version=1\n\"\" n 2\n":                       "epoch 2 in a map of version 1",
		"ranges version=1\n\"\" n 0\n":                       "epoch 0",
		"ranges version=1\n\"\" n\n":                         "epoch",
		"ranges version=1\n\"\"  1\n":                        "give it a name",
		"ranges version=1\n\"\" n 1":                         "another way",
		"ranges version=1\n\"\" n 01\n":                      "another way",
		"ranges version=1\n\"\"n 1\n":                        "another way",
		"ranges version=1\n`` n 1\n":                         "another way",
		"ranges version=01\n\"\" n 1\n":                      "another way",
		"ranges version=1\n\"\" n 1\n\"b\" n 1\n\"a\" n 1\n": "after one from",
		"ranges version=1\n\"\" n 1\n\"b\" n 1\n\"b\" n 1\n": "after one from",
		"ranges version=1\n\"\" n 1\n\"\\x62\" n 1\n":        "another way",
		"ranges version=1\n\"\" n 1\n\"" + strings.Repeat("b", 4097) + "\" n":     "epoch",
		"ranges version=1\n\"\" n 1\n\"" + strings.Repeat("b", 4097) + "\" n 1\n": "of 4096 at most",
		"ranges version=1\n\"\" n 1\n'b' n 1\n":                                   "another way",
		"ranges version=1\n\"\" n 1\n\"\\q\" n 1\n":                               "begin with a quoted key",
	} {
		r := Ranges{version: 77}
		err := r.UnmarshalText([]byte(text))
		says(t, err, words)
		if !errors.Is(err, ErrMalformed) || r.version != 77 {
			t.Errorf("%.60q: %v, %d", text, err, r.version)
		}
	}
}

// FuzzRanges: whatever is read is whole, and written back the same.
func FuzzRanges(f *testing.F) {
	for _, text := range rangeTexts {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var r Ranges
		if r.UnmarshalText(text) != nil {
			return
		}
		whole(t, &r)
		if again := must[[]byte](t)(r.MarshalText()); string(again) != string(text) {
			t.Fatalf("%q became %q", text, again)
		}
	})
}

// Fixed partitions on three nodes: 64 become 22, 21 and 21.
func TestKnownAnswerFixedPartitions(t *testing.T) {
	d := fixed(t, 64, "n1", "n2", "n3")
	counts := map[string]int{}
	for _, e := range d.All() {
		counts[e.Node]++
	}
	if counts["n1"] != 22 || counts["n2"] != 21 || counts["n3"] != 21 {
		t.Error(counts)
	}
}

// fixed returns a directory of so many partitions on these nodes.
func fixed(t testing.TB, partitions int, nodes ...string) *Directory {
	var names []string
	for i := range partitions {
		names = append(names, fmt.Sprintf("p%03d", i))
	}
	d := must[*Directory](t)(NewDirectory().Assign(nodes[0], names...))
	return must[*Directory](t)(d.Spread(nodes...))
}

func one(string) uint64 { return 1 }

// TestSpreadMovesOnlyWhatItMust: a node that comes or goes moves its share and
// nothing between the others; and after any change numbers differ by one at most.
func TestSpreadMovesOnlyWhatItMust(t *testing.T) {
	nodes := []string{"n1"}
	d := fixed(t, 100, nodes...)
	r := rand.New(rand.NewPCG(9, 9))
	for i := range 200 {
		before, n := d, len(nodes)
		if n > 1 && r.IntN(2) == 0 {
			nodes = slices.Delete(slices.Clone(nodes), 0, 1)
		} else {
			nodes = append(slices.Clone(nodes), fmt.Sprint("new", i))
		}
		d = must[*Directory](t)(d.Spread(nodes...))
		plan := before.Moves(d, one)
		if plan.Needless != 0 || plan.Keys != 100 || plan.Moved() > uint64(100/min(n, len(nodes))+1) {
			t.Fatalf("%d nodes became %d: %v", n, len(nodes), plan)
		}
		if more := len(nodes) - n; more == 1 && plan.Moved() != uint64(100/len(nodes)) {
			t.Fatalf("one came to %d: %v", n, plan)
		}
		counts := map[string]int{}
		for _, e := range d.All() {
			counts[e.Node]++
		}
		for _, id := range nodes {
			if c := counts[id]; c < 100/len(nodes) || c > (99+len(nodes))/len(nodes) {
				t.Fatalf("%s has %d of 100 among %d", id, c, len(nodes))
			}
		}
		if len(counts) > len(nodes) {
			t.Fatalf("a node that is gone has some: %v", counts)
		}
	}
	same := must[*Directory](t)(d.Spread(nodes...))
	if plan := d.Moves(same, one); plan.Moved() != 0 {
		t.Errorf("nothing to do: %v", plan)
	}
}

// A partition that is made again must not have an epoch that an old client knows.
func TestAPartitionMadeAgainHasANewEpoch(t *testing.T) {
	d := must[*Directory](t)(NewDirectory().Assign("n1", "orders"))
	old, _ := d.Locate("orders")
	d = must[*Directory](t)(d.Remove("orders"))
	if _, ok := d.Locate("orders"); ok || d.Version() != 3 {
		t.Errorf("removed, and there: %v; version %d", ok, d.Version())
	}
	d = must[*Directory](t)(d.Assign("n1", "orders"))
	if again, _ := d.Locate("orders"); again.Epoch <= old.Epoch {
		t.Errorf("epoch %d, and before %d", again.Epoch, old.Epoch)
	}
}

func TestDirectoryEpochs(t *testing.T) {
	d := must[*Directory](t)(NewDirectory().Assign("n1", "a", "b", "a"))
	e := must[*Directory](t)(d.Assign("n2", "b", "c"))
	if e.String() != "directory version=3\na n1 2\nb n2 3\nc n2 3\n" {
		t.Error(e)
	}
	f := must[*Directory](t)(e.Assign("n2", "a", "b"))
	if f.String() != "directory version=4\na n2 4\nb n2 3\nc n2 3\n" {
		t.Errorf("what does not move keeps its epoch: %s", f)
	}
	if d.String() != "directory version=2\na n1 2\nb n1 2\n" {
		t.Errorf("a change changed what it began with: %s", d)
	}
	plan := d.Moves(must[*Directory](t)(e.Remove("a")), func(string) uint64 { return 10 })
	want := []Move{{"", "n2", 10}, {"n1", "", 10}, {"n1", "n2", 10}}
	if !slices.Equal(plan.Moves, want) || plan.Keys != 30 {
		t.Error(plan)
	}
}

func TestBadDirectoryChangesAreErrorsThatSayWhatToChange(t *testing.T) {
	d := must[*Directory](t)(NewDirectory().Assign("n1", "a"))
	full := &Directory{1, nil}
	for i := range MaxPartitions {
		full.entries = append(full.entries, Entry{fmt.Sprintf("%08d", i), Place{"n", 1}})
	}
	for _, c := range []struct {
		err  func() (*Directory, error)
		says string
	}{
		{func() (*Directory, error) { return d.Assign("n1") }, "name at least one"},
		{func() (*Directory, error) { return d.Assign("", "a") }, "give it a name"},
		{func() (*Directory, error) { return d.Assign("n1", "a b") }, "without blanks"},
		{func() (*Directory, error) { return d.Remove("x") }, "there is none"},
		{func() (*Directory, error) { return d.Spread() }, "give at least one"},
		{func() (*Directory, error) { return d.Spread("n", "n") }, "two nodes are called n"},
		{func() (*Directory, error) { return full.Assign("n", "x") }, "make them larger"},
		{func() (*Directory, error) { return (&Directory{math.MaxUint64, d.entries}).Remove("a") }, "used up"},
		{func() (*Directory, error) { return (&Directory{math.MaxUint64, nil}).Assign("n", "a") }, "used up"},
	} {
		m, err := c.err()
		if m != nil {
			t.Errorf("%s: a directory with an error", c.says)
		}
		says(t, err, c.says)
	}
}

var directoryTexts = []string{
	"directory version=1\n",
	"directory version=3\norders n1 1\nusers n2 3\n",
}

func TestDirectoryRefused(t *testing.T) {
	for text, words := range map[string]string{
		"directory version=1":                      "another way",
		"directory version=0\n":                    "first line",
		"ranges version=1\n":                       "first line",
		"directory version=1\n\n":                  "give it a name",
		"directory version=1\na n 2\n":             "epoch 2 in a map of version 1",
		"directory version=1\na n 1\na n 1\n":      "partition a after a",
		"directory version=1\nb n 1\na n 1\n":      "partition a after b",
		"directory version=1\na n 1 \n":            "epoch",
		"directory version=1\na  1\n":              "give it a name",
		"directory version=1\na n +1\n":            "epoch",
		"directory version=1\na n 01\n":            "another way",
		"directory version=1\na n 1\r\n":           "epoch",
		"directory version=1\na\u00a0b n 1\n":      "without blanks",
		"directory version=1\n\xff n 1\n":          "use UTF-8",
		"directory version=99999999999999999999\n": "first line",
	} {
		d := Directory{version: 77}
		err := d.UnmarshalText([]byte(text))
		says(t, err, words)
		if !errors.Is(err, ErrMalformed) || d.version != 77 {
			t.Errorf("%.60q: %v, %d", text, err, d.version)
		}
	}
	_, err := (&Directory{}).MarshalText()
	says(t, err, "begin with New")
	large := make([]byte, maxMap+1) // never touched, so no memory
	_, err = writeMap("directory", 1, large)
	says(t, err, "use shorter keys or names")
	says(t, new(Directory).UnmarshalText(large), "at most")
	says(t, new(Ranges).UnmarshalText(large), "at most")
}

// FuzzDirectory: whatever is read is in order, and written back the same.
func FuzzDirectory(f *testing.F) {
	for _, text := range directoryTexts {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var d Directory
		if d.UnmarshalText(text) != nil {
			return
		}
		if again := must[[]byte](t)(d.MarshalText()); string(again) != string(text) {
			t.Fatalf("%q became %q", text, again)
		}
		for _, e := range d.All() {
			if place, ok := d.Locate(e.Name); !ok || place != e.Place || place.Epoch > d.Version() {
				t.Fatalf("%q: %v", text, e)
			}
		}
	})
}
