package page

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"althing/history"
)

// draw returns the page, of which the drawing must be well-formed.
func draw(t *testing.T, p *Page) string {
	t.Helper()
	var b bytes.Buffer
	if err := p.Write(&b); err != nil {
		t.Fatal(err)
	}
	text := b.String()
	svg := text[strings.Index(text, "<svg"):strings.Index(text, "</svg>")]
	d := xml.NewDecoder(strings.NewReader(svg + "</svg>"))
	for {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			return text
		} else if err != nil {
			t.Fatalf("%v in\n%s", err, svg)
		}
	}
}

// linear is a history of a few registers, with the order in which its
// operations took effect.
func linear(rng *rand.Rand, n int) (ops []history.Op, order []int32) {
	const clients = 7
	free, values := [clients]time.Duration{}, map[string]string{}
	for at := time.Duration(10); len(ops) < n; at += 10 {
		c := rng.IntN(clients)
		if free[c] >= at {
			continue
		}
		o := history.Op{Client: c, Kind: history.Get, Key: fmt.Sprint(rng.IntN(3)),
			Call: free[c] + 1 + time.Duration(rng.IntN(int(at-free[c]))), Return: at + time.Duration(rng.IntN(100))}
		if free[c] = o.Return; rng.IntN(2) == 0 {
			o.Kind, o.Arg = history.Put, fmt.Sprint(len(ops))
			values[o.Key] = o.Arg
		} else {
			o.Result = values[o.Key]
		}
		order = append(order, int32(len(ops)))
		ops = append(ops, o)
	}
	return ops, order
}

// TestPoints: the points of one object stand in its order, each within its
// bar.
func TestPoints(t *testing.T) {
	ops, order := linear(rand.New(rand.NewPCG(1, 2)), 400)
	if err := history.VerifyOrder(ops, order); err != nil {
		t.Fatal(err)
	}
	p := Page{Title: "all", Verdict: history.OK, Bars: Ops(ops), Order: order}
	d := p.draw()
	byID := map[int]*bar{}
	for i := range d.Bars {
		byID[d.Bars[i].ID] = &d.Bars[i]
	}
	last := map[string]int{}
	for _, i := range order {
		b := byID[int(i)]
		if b == nil || !b.HasPoint || b.PointX < b.X || b.PointX > b.X+b.W {
			t.Fatalf("%s: %+v", &ops[i], b)
		}
		if b.PointX < last[ops[i].Key] {
			t.Fatalf("%s is at %d, and what took effect before it at %d", &ops[i], b.PointX, last[ops[i].Key])
		}
		last[ops[i].Key] = b.PointX
	}
	for _, a := range d.Bars { // what precedes stands before
		for _, b := range d.Bars {
			if ops[a.ID].Return < ops[b.ID].Call && a.X+a.W > b.X {
				t.Fatalf("%s ends at %d, and %s begins at %d", &ops[a.ID], a.X+a.W, &ops[b.ID], b.X)
			}
		}
	}
	if text := draw(t, &p); strings.Count(text, "<circle") != len(ops) || !strings.Contains(text, "holds") {
		t.Error("not every operation has a point")
	}
}

// TestLargeStaysSmall: a page of a long history shows what matters, and says
// what it leaves out.
func TestLargeStaysSmall(t *testing.T) {
	ops, _ := linear(rand.New(rand.NewPCG(3, 4)), 50_000)
	core := []int32{40_000, 40_100}
	ops[core[1]].Key = ops[core[0]].Key
	p := Page{Title: "large", Verdict: history.Illegal, Bars: Ops(ops), Core: core, Why: []string{"it is so"}}
	text := draw(t, &p)
	if len(text) > 400<<10 {
		t.Errorf("%d bytes", len(text))
	}
	for _, want := range []string{"1000 of 50000 operations", "of " + ops[core[0]].Key + ".", `id="op40000" class=`,
		`id="op40100" class=`, "it is so", "violated"} {
		if !strings.Contains(text, want) {
			t.Errorf("it lacks %q", want)
		}
	}
	if n := strings.Count(text, ` core"`); n != 2 {
		t.Errorf("%d bars stand out, want 2", n)
	}
	p = Page{Title: "large", Bars: Ops(ops)}
	if text := draw(t, &p); !strings.Contains(text, "1000 of 50000 operations are shown: the first") {
		t.Error("it does not say that only the first are shown")
	}
}

// TestHostileTexts: what a history says stays text.
func TestHostileTexts(t *testing.T) {
	const evil = `</title></svg><script>alert("1")</script>`
	ops := []history.Op{
		{Kind: history.Put, Key: evil, Arg: evil, Call: 1, Return: 2},
		{Kind: history.Get, Key: evil, Result: evil, Call: 3, Return: 3},
		{Client: 1, Kind: history.CAS, Key: evil, Old: evil, Arg: "x", Call: 2, Open: true},
	}
	p := Page{Title: evil, Bars: Ops(ops), Why: []string{evil},
		Marks: []history.Mark{{Time: 2, Text: evil}, {Text: "before"}}}
	text := draw(t, &p)
	if strings.Contains(text, evil) || strings.Count(text, "<script>") != 1 {
		t.Errorf("a text of the history is part of the page:\n%s", text)
	}
	if strings.Count(text, `class="fault"`) != 2 || !strings.Contains(text, " open") {
		t.Error("a fault or an open operation is missing")
	}
	draw(t, &Page{Title: "nothing"})
}
