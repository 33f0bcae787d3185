package quorum

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

const (
	// MaxNodes is the most leaves an expression may have: the closed forms
	// take up to the square of it, here a tenth of a second.
	MaxNodes = 10_000
	// MaxWeight is the most that the parts of one weighted gate may weigh
	// together: its dynamic programs have a cell for each unit and part.
	MaxWeight = 100_000
	// maxCells is the most cells of such a program, a second's work.
	maxCells = 1 << 27
	// MaxDepth is how deep an expression may nest; nobody draws deeper ones,
	// and recursion stays off hostile depths.
	MaxDepth = 64
)

// An Expr says which sets of nodes are quorums: a node alone, all parts
// (And), any part (Or), k parts (Choose), or parts of enough weight (Weigh). It
// never changes. Expressions are built freely and checked as a whole, by Check,
// Parse and New.
type Expr struct {
	node    string  // of a leaf
	need    int     // of a gate: the weight of parts that have to hold
	weights []int   // of a gate, by part; nil when each weighs 1
	parts   []*Expr // of a gate
}

// Node is the expression that holds for sets with the named node in them. A
// name is a letter or _, then letters, digits, _, - and dots; choose and weigh
// are taken.
func Node(name string) *Expr { return &Expr{node: name} }

// Nodes returns a Node for each name.
func Nodes(names ...string) []*Expr {
	es := make([]*Expr, len(names))
	for i, name := range names {
		es[i] = Node(name)
	}
	return es
}

// And holds when all parts do.
func And(parts ...*Expr) *Expr { return gate(len(parts), nil, parts) }

// Or holds when at least one part does.
func Or(parts ...*Expr) *Expr { return gate(1, nil, parts) }

// Choose holds when at least k of the parts do.
func Choose(k int, parts ...*Expr) *Expr { return gate(k, nil, parts) }

// Weigh holds when parts that weigh at least need together do (Gifford 1979).
// There is one weight for each part, of at least 1.
func Weigh(need int, weights []int, parts ...*Expr) *Expr {
	return gate(need, slices.Clone(weights), parts)
}

func gate(need int, weights []int, parts []*Expr) *Expr {
	other := func(w int) bool { return w != 1 }
	if len(weights) == len(parts) && !slices.ContainsFunc(weights, other) {
		weights = nil
	}
	if len(parts) == 1 && need >= 1 && (weights == nil && need == 1 || len(weights) == 1 &&
		need <= weights[0]) {
		return parts[0] // or what is printed could not be read back as the same
	}
	return &Expr{need: need, weights: weights, parts: slices.Clone(parts)}
}

// weight returns the weight of part i.
func (e *Expr) weight(i int) int {
	if e.weights == nil {
		return 1
	}
	return e.weights[i]
}

// total returns the weight of all parts together.
func (e *Expr) total() int {
	if e.weights == nil {
		return len(e.parts)
	}
	sum := 0
	for _, w := range e.weights {
		sum += w
	}
	return sum
}

// Check returns nil when the expression means something, else an error that
// names the part that does not.
func (e *Expr) Check() error {
	leaves := 0
	return e.check(1, &leaves)
}

func (e *Expr) check(depth int, leaves *int) error {
	switch {
	case e == nil:
		return fmt.Errorf("quorum: a part is nil")
	case depth > MaxDepth:
		return fmt.Errorf("quorum: the expression is nested deeper than %d", MaxDepth)
	case len(e.parts) == 0 && e.need == 0:
		if *leaves++; *leaves > MaxNodes {
			return fmt.Errorf("quorum: the expression has more than %d leaves", MaxNodes)
		}
		return checkName(e.node)
	case len(e.parts) == 0:
		return fmt.Errorf("quorum: a gate that needs %d has no parts", e.need)
	case e.weights != nil && len(e.weights) != len(e.parts):
		return fmt.Errorf("quorum: %d weights for %d parts: want one for each",
			len(e.weights), len(e.parts))
	}
	total := 0
	for i := range e.parts {
		w := e.weight(i)
		if w < 1 || w > MaxWeight || total+w > MaxWeight {
			return fmt.Errorf("quorum: weight %d of part %d: want at least 1, and %d in all "+
				"parts at most",
				w, i+1, MaxWeight)
		}
		total += w
	}
	if e.need < 1 || e.need > total {
		return fmt.Errorf("quorum: a gate needs %d of %d: want 1 to %d", e.need, total, total)
	}
	if e.weights != nil && total > maxCells/len(e.parts) {
		return fmt.Errorf("quorum: %d parts with a weight of %d: divide the weights by what "+
			"they have in common",
			len(e.parts), total)
	}
	for _, p := range e.parts {
		if err := p.check(depth+1, leaves); err != nil {
			return err
		}
	}
	return nil
}

func checkName(name string) error {
	if name == "choose" || name == "weigh" {
		return fmt.Errorf("quorum: %q is a word of the language: name the node otherwise", name)
	}
	for i, r := range name {
		if !nameRune(r, i == 0) {
			return fmt.Errorf("quorum: node name %q: want a letter or _, then letters, digits, "+
				"_, - and dots", name)
		}
	}
	if name == "" {
		return fmt.Errorf("quorum: a node has no name, or a gate no parts")
	}
	return nil
}

func nameRune(r rune, first bool) bool {
	switch {
	case r == '_' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z':
		return true
	}
	return !first && (r == '-' || r == '.' || '0' <= r && r <= '9')
}

// Holds tells whether the nodes for which has is true are, or contain, a
// quorum.
func (e *Expr) Holds(has func(node string) bool) bool {
	if e.parts == nil {
		return has(e.node)
	}
	sum := 0
	for i, p := range e.parts {
		if p.Holds(has) {
			if sum += e.weight(i); sum >= e.need {
				return true
			}
		}
	}
	return false
}

// Dual returns the expression of the least sets that meet every quorum of e:
// and becomes or, k of n becomes n-k+1 of n. The dual of the reads is the best
// choice of writes. (Ibaraki and Kameda 1993.)
func (e *Expr) Dual() *Expr {
	if e.parts == nil {
		return e
	}
	d := &Expr{need: e.total() - e.need + 1, weights: e.weights, parts: make([]*Expr, len(e.parts))}
	for i, p := range e.parts {
		d.parts[i] = p.Dual()
	}
	return d
}

// Names returns the nodes of the expression, sorted, each once.
func (e *Expr) Names() []string {
	var names []string
	e.leaves(func(node string) { names = append(names, node) })
	slices.Sort(names)
	return slices.Compact(names)
}

// leaves calls f for each leaf, from left to right.
func (e *Expr) leaves(f func(node string)) {
	if e.parts == nil {
		f(e.node)
	}
	for _, p := range e.parts {
		p.leaves(f)
	}
}

// occurrences counts how often each node occurs.
func (e *Expr) occurrences() map[string]int {
	n := make(map[string]int)
	e.leaves(func(node string) { n[node]++ })
	return n
}

// readOnce tells whether each node occurs once, so that the parts of a gate
// have nothing to do with each other and closed forms exist.
func (e *Expr) readOnce() bool {
	for _, n := range e.occurrences() {
		if n > 1 {
			return false
		}
	}
	return true
}

// weighted tells whether some gate has weights.
func (e *Expr) weighted() bool {
	return e.weights != nil || slices.ContainsFunc(e.parts, (*Expr).weighted)
}

// String prints the expression so that Parse reads it back as it is.
func (e *Expr) String() string {
	var b strings.Builder
	e.print(&b)
	return b.String()
}

func (e *Expr) print(b *strings.Builder) {
	switch n := len(e.parts); {
	case e.parts == nil:
		b.WriteString(e.node)
	case e.weights != nil:
		b.WriteString("weigh(" + strconv.Itoa(e.need))
		for i, p := range e.parts {
			b.WriteString(", ")
			p.print(b)
			if w := e.weights[i]; w != 1 {
				b.WriteString(":" + strconv.Itoa(w))
			}
		}
		b.WriteByte(')')
	case e.need == n && n > 1:
		e.join(b, " * ", func(p *Expr) bool { return p.infix() })
	case e.need == 1 && n > 1:
		e.join(b, " + ", func(p *Expr) bool { return p.infix() && p.need == 1 })
	default:
		b.WriteString("choose(" + strconv.Itoa(e.need) + ", ")
		e.join(b, ", ", func(*Expr) bool { return false })
		b.WriteByte(')')
	}
}

// infix tells whether the expression prints with * or +.
func (e *Expr) infix() bool {
	n := len(e.parts)
	return n > 1 && e.weights == nil && (e.need == 1 || e.need == n)
}

func (e *Expr) join(b *strings.Builder, op string, enclosed func(*Expr) bool) {
	for i, p := range e.parts {
		if i > 0 {
			b.WriteString(op)
		}
		if enclosed(p) {
			b.WriteByte('(')
			p.print(b)
			b.WriteByte(')')
		} else {
			p.print(b)
		}
	}
}

// braces prints a set.
func braces(set []string) string { return "{" + strings.Join(set, " ") + "}" }
