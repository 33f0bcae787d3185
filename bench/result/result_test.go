package result

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestMedians(t *testing.T) {
	rows := Medians([]Row{
		{Part: "p", System: "b", Load: "1", PerSecond: 3, Errors: 1},
		{Part: "p", System: "a", Load: "1", PerSecond: 9, P50: 1},
		{Part: "p", System: "b", Load: "1", PerSecond: 1, Errors: 2},
		{Part: "p", System: "b", Load: "1", PerSecond: 2},
		{Part: "p", System: "a", Load: "1", PerSecond: 7, P50: 2},
		{Part: "p", System: "b", Load: "2", PerSecond: 8},
	})
	want := []Row{
		{Part: "p", System: "b", Load: "1", PerSecond: 2, Errors: 3},
		{Part: "p", System: "a", Load: "1", PerSecond: 7, P50: 1},
		{Part: "p", System: "b", Load: "2", PerSecond: 8},
	}
	if len(rows) != len(want) {
		t.Fatalf("%d rows, want %d", len(rows), len(want))
	}
	for i := range want {
		if rows[i] != want[i] {
			t.Errorf("row %d: %+v, want %+v", i, rows[i], want[i])
		}
	}
}

func TestVerdicts(t *testing.T) {
	for _, c := range []struct {
		v   Verdict
		met bool
	}{
		{AtLeast("", 3, 3), true},
		{AtLeast("", 2.99, 3), false},
		{AtMost("", 8, 8), true},
		{AtMost("", 8.01, 8), false},
		{AtMost("", 0, 8), false}, // not measured is not met
	} {
		if c.v.Met != c.met {
			t.Errorf("%+v: met is not %v", c.v, c.met)
		}
	}
}

func TestNumber(t *testing.T) {
	for v, want := range map[float64]string{
		0: "", 0.016: "0.02", 0.16: "0.16", 2.094: "2.09", 10.44: "10.4", 99.96: "100.0", 100: "100", 123456.7: "123457",
	} {
		if got := Number(v); got != want {
			t.Errorf("%g is written %q, want %q", v, got, want)
		}
	}
}

// What is written for people is a table of Markdown: each line of it has as
// many cells as its head.
func TestWriteText(t *testing.T) {
	r := Report{
		Rows:     []Row{{Part: "one", System: "a", Load: "x"}, {Part: "two", System: "a", Load: "x", CPU: 1}},
		Verdicts: []Verdict{AtLeast("g", 1, 2)},
	}
	var b strings.Builder
	if err := r.WriteText(&b); err != nil {
		t.Fatal(err)
	}
	cells := 0
	for line := range strings.Lines(b.String()) {
		n := strings.Count(line, "|")
		switch {
		case n == 0:
			cells = 0
		case cells == 0:
			cells = n
		case n != cells:
			t.Errorf("%q has %d bars, and its head %d", line, n, cells)
		}
	}
	for _, part := range []string{"**one**", "**two**", "**goals**"} {
		if !strings.Contains(b.String(), part) {
			t.Errorf("%s is not there", part)
		}
	}
}

func TestReplace(t *testing.T) {
	doc := filepath.Join(t.TempDir(), "doc.md")
	write := func(text string) {
		if err := os.WriteFile(doc, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	read := func() string {
		b, err := os.ReadFile(doc)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	write("before\n<!-- begin a -->\nold\n<!-- end a -->\nafter\n")
	for range 2 { // again and again it stays the same
		if err := Replace(doc, "a", "\n\nnew\n"); err != nil {
			t.Fatal(err)
		}
		if got, want := read(), "before\n<!-- begin a -->\n\nnew\n\n<!-- end a -->\nafter\n"; got != want {
			t.Fatalf("the document is %q, want %q", got, want)
		}
	}
	for _, text := range []string{"", "<!-- begin a -->\n", "<!-- end a -->\n<!-- begin a -->\n", "<!-- begin b -->\n<!-- end b -->\n"} {
		write(text)
		if err := Replace(doc, "a", "new"); err == nil || read() != text {
			t.Errorf("%q: error %v, and now it is %q", text, err, read())
		}
	}
	if Replace(filepath.Join(t.TempDir(), "none"), "a", "") == nil {
		t.Error("a document that is not there was written")
	}
}
