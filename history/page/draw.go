package page

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"althing/history"
)

// A drawing is what the template fills in.
type drawing struct {
	Title, Word, Class string
	Why                []string
	Shown, All         int
	Of                 string // the object that alone is shown, if others are left out
	Rows               []row
	Bars               []bar
	Marks              []mark
	Width, Height      int
	HasOrder, HasCore  bool
}

type row struct {
	Client, Y int
}

type bar struct {
	ID             int
	X, Y, W, H     int
	Class          string
	Label, Text    string
	TextX, TextY   int
	HasPoint       bool
	PointX, PointY int
	Number         int // in the order, from 1
}

type mark struct {
	X, Y int
	Text string
	At   string
}

// Sizes in pixels.
const (
	rowHeight = 30
	barHeight = 20
	top       = 44 // room for the faults' names
	margin    = 12
	letter    = 7 // the width of one, nearly
)

func (p *Page) draw() *drawing {
	shown, of := p.choose()
	d := &drawing{Title: p.Title, Why: p.Why, Shown: len(shown), All: len(p.Bars), Of: of,
		HasOrder: p.Order != nil, HasCore: len(p.Core) > 0}
	switch p.Verdict {
	case history.OK:
		d.Word, d.Class = "holds", "holds"
	case history.Illegal:
		d.Word, d.Class = "violated", "violated"
	default:
		d.Word, d.Class = "unknown", "unknown"
	}
	a := p.axis(shown)
	d.Width = 2*margin + a.step*len(a.times)
	ys := map[int]int{}
	for _, i := range shown {
		ys[p.Bars[i].Client] = 0
	}
	for _, c := range slices.Sorted(maps.Keys(ys)) {
		ys[c] = top + len(d.Rows)*rowHeight
		d.Rows = append(d.Rows, row{c, ys[c]})
	}
	d.Height = top + len(d.Rows)*rowHeight + margin
	for _, i := range shown {
		d.Bars = append(d.Bars, p.bar(i, ys[p.Bars[i].Client], a, d.Width))
	}
	p.points(d.Bars, shown)
	p.mark(d, a)
	return d
}

// choose returns the bars to show, by call, and the object that they are
// limited to, if they are.
func (p *Page) choose() (shown []int32, of string) {
	for i := range p.Bars {
		shown = append(shown, int32(i))
	}
	byCall := func(a, b int32) int { return cmp.Compare(p.Bars[a].Call, p.Bars[b].Call) }
	slices.SortStableFunc(shown, byCall)
	if len(shown) <= MaxBars {
		return shown, ""
	}
	if len(p.Core) == 0 {
		return shown[:MaxBars], ""
	}
	of = p.Bars[p.Core[0]].Object
	from, to := p.Bars[p.Core[0]].Call, time.Duration(0)
	inCore := map[int32]bool{}
	for _, i := range p.Core {
		b := &p.Bars[i]
		inCore[i] = true
		if from, to = min(from, b.Call), max(to, b.end(b.Call)); b.Object != of {
			of = ""
		}
	}
	if of != "" {
		shown = slices.DeleteFunc(shown, func(i int32) bool { return p.Bars[i].Object != of })
	}
	distance := func(i int32) time.Duration {
		b := &p.Bars[i]
		if inCore[i] {
			return -1
		}
		return max(0, from-b.end(b.Call), b.Call-to)
	}
	slices.SortStableFunc(shown, func(a, b int32) int { return cmp.Compare(distance(a), distance(b)) })
	shown = shown[:min(len(shown), MaxBars)]
	slices.SortStableFunc(shown, byCall)
	return shown, of
}

// end is when the bar ends, or else if it does not.
func (b *Bar) end(otherwise time.Duration) time.Duration {
	if b.Open {
		return otherwise
	}
	return b.Return
}

// An axis has a step for each time at which something is.
type axis struct {
	times []time.Duration
	step  int
}

func (p *Page) axis(shown []int32) *axis {
	a := &axis{step: 18}
	switch n := len(shown); {
	case n <= 60:
		a.step = 44
	case n <= 300:
		a.step = 30
	}
	for _, i := range shown {
		b := &p.Bars[i]
		a.times = append(a.times, b.Call, b.end(b.Call))
	}
	if len(a.times) == 0 {
		return a
	}
	first, last := slices.Min(a.times), slices.Max(a.times)
	for _, m := range p.Marks {
		if first <= m.Time && m.Time <= last || len(shown) == len(p.Bars) {
			a.times = append(a.times, m.Time)
		}
	}
	slices.Sort(a.times)
	a.times = slices.Compact(a.times)
	return a
}

// x is where a time is; false if it is not on the axis.
func (a *axis) x(t time.Duration) (int, bool) {
	at, ok := slices.BinarySearch(a.times, t)
	return margin + at*a.step, ok
}

func (p *Page) bar(i int32, y int, a *axis, width int) bar {
	b := &p.Bars[i]
	x, _ := a.x(b.Call)
	end, _ := a.x(b.end(b.Call))
	if b.Open {
		end = width - margin
	}
	r := bar{ID: int(i), X: x, Y: y, W: max(end-x, 6), H: barHeight, Class: "write", Text: b.Text,
		TextX: x + 5, TextY: y + barHeight - 6, Label: b.Label}
	if b.Reads {
		r.Class = "read"
	}
	if b.Open { // others of its client may come after it
		r.Class += " open"
		r.H, r.TextY = barHeight/2, y+barHeight/2-1
	}
	if slices.Contains(p.Core, i) {
		r.Class += " core"
	}
	if room := (r.W - 8) / letter; len([]rune(r.Label)) > room {
		r.Label = string([]rune(r.Label)[:max(0, min(room, len([]rune(r.Label))))])
	}
	return r
}

// points sets where operations may have taken effect: for each object as early
// as its order lets them.
func (p *Page) points(bars []bar, shown []int32) {
	at := make(map[int32]int, len(shown))
	for n, i := range shown {
		at[i] = n
	}
	last, count := map[string]int{}, map[string]int{}
	for _, i := range p.Order {
		object := p.Bars[i].Object
		count[object]++
		n, ok := at[i]
		if !ok {
			continue
		}
		b := &bars[n]
		b.HasPoint, b.Number = true, count[object]
		b.PointX = min(max(b.X+3, last[object]+1), b.X+b.W-3)
		b.PointY = b.Y + b.H
		last[object] = b.PointX
	}
}

func (p *Page) mark(d *drawing, a *axis) {
	free := [2]int{} // where each of two lines of names is free
	for _, m := range p.Marks {
		x, ok := a.x(m.Time)
		if !ok {
			continue
		}
		line := 0
		if free[0] > x {
			line = 1
		}
		free[line] = x + letter*len([]rune(m.Text))
		d.Marks = append(d.Marks, mark{x, 14 + 16*line, m.Text, fmt.Sprint(m.Time)})
	}
}
