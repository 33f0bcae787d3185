package quorum

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxText is the longest expression that is read, in bytes: MaxNodes leaves
// with names of a hundred.
const maxText = 1 << 20

// Parse reads an expression:
//
//	a * b + c * d                all of one pair, or all of the other
//	(a + b) * (c + d)            one of each pair
//	choose(2, a, b, c * d)       two of three
//	weigh(3, a:2, b, c)          parts that weigh 3 together; 1 if not said
//
// * binds before +. Spaces and line breaks mean nothing. An error names line,
// column and reason.
func Parse(text string) (*Expr, error) {
	if len(text) > maxText {
		return nil, fmt.Errorf("quorum: the expression has %d bytes, of %d at most",
			len(text), maxText)
	}
	p := parser{text: text}
	e, err := p.sum(1)
	if err == nil && p.peek() != 0 {
		err = p.fail("%q is left over: want +, * or the end", p.peek())
	}
	if err != nil {
		return nil, err
	}
	if err := e.Check(); err != nil {
		return nil, err
	}
	return e, nil
}

// A parser reads text by recursive descent.
type parser struct {
	text string
	at   int
}

// peek skips space and returns the next rune, or 0 at the end.
func (p *parser) peek() rune {
	for p.at < len(p.text) && strings.IndexByte(" \t\r\n", p.text[p.at]) >= 0 {
		p.at++
	}
	if p.at == len(p.text) {
		return 0
	}
	r, _ := utf8.DecodeRuneInString(p.text[p.at:])
	if r == 0 {
		return utf8.RuneError // a zero byte is not the end
	}
	return r
}

// take skips the wanted rune, an ASCII one, if it is next.
func (p *parser) take(want rune) bool {
	if p.peek() != want {
		return false
	}
	p.at++
	return true
}

func (p *parser) fail(format string, args ...any) error {
	before := p.text[:p.at]
	line := 1 + strings.Count(before, "\n")
	column := 1 + utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:])
	return fmt.Errorf("quorum: line %d, column %d: %s", line, column, fmt.Sprintf(format, args...))
}

// sum reads products with + between them.
func (p *parser) sum(depth int) (*Expr, error) {
	if depth > MaxDepth {
		return nil, p.fail("nested deeper than %d", MaxDepth)
	}
	parts, err := p.list('+', func() (*Expr, error) {
		factors, err := p.list('*', func() (*Expr, error) { return p.factor(depth) })
		return And(factors...), err
	})
	return Or(parts...), err
}

// list reads one or more items with a separator between them.
func (p *parser) list(separator rune, item func() (*Expr, error)) ([]*Expr, error) {
	var es []*Expr
	for {
		e, err := item()
		if err != nil {
			return nil, err
		}
		if es = append(es, e); !p.take(separator) {
			return es, nil
		}
	}
}

// factor reads a node, a gate with a name, or a sum in parentheses.
func (p *parser) factor(depth int) (*Expr, error) {
	if p.take('(') {
		e, err := p.sum(depth + 1)
		if err == nil && !p.take(')') {
			err = p.fail("want )")
		}
		return e, err
	}
	switch word := p.word(); word {
	case "":
		if r := p.peek(); r != 0 {
			return nil, p.fail("%q: want a node, choose, weigh or (", r)
		}
		return nil, p.fail("the end: want a node, choose, weigh or (")
	case "choose", "weigh":
		return p.call(word, depth)
	default:
		return Node(word), nil
	}
}

func (p *parser) word() string {
	p.peek()
	from := p.at
	for i, r := range p.text[from:] {
		if !nameRune(r, i == 0) {
			break
		}
		p.at++ // all runes of a name are ASCII
	}
	return p.text[from:p.at]
}

// call reads what follows choose or weigh: (k, part, …).
func (p *parser) call(word string, depth int) (*Expr, error) {
	if !p.take('(') {
		return nil, p.fail("want ( after %s", word)
	}
	need, err := p.number()
	if err != nil {
		return nil, err
	}
	if !p.take(',') {
		return nil, p.fail("want , and the parts of %s", word)
	}
	var weights []int
	total := 0
	parts, err := p.list(',', func() (*Expr, error) {
		e, err := p.sum(depth + 1)
		w := 1
		if err == nil && word == "weigh" && p.take(':') {
			w, err = p.number()
		}
		weights = append(weights, w)
		total += w
		return e, err
	})
	switch {
	case err != nil:
		return nil, err
	case !p.take(')'):
		return nil, p.fail("want , or )")
	case need > total:
		return nil, p.fail("%s needs %d, but its parts are %d together: lower it, or add parts",
			word, need, total)
	}
	return Weigh(need, weights, parts...), nil
}

// number reads a number of 1 to MaxWeight.
func (p *parser) number() (int, error) {
	p.peek()
	from := p.at
	for p.at < len(p.text) && '0' <= p.text[p.at] && p.text[p.at] <= '9' {
		p.at++
	}
	digits := p.text[from:p.at]
	n, err := strconv.Atoi(digits)
	if err != nil || n < 1 || n > MaxWeight {
		p.at = from
		return 0, p.fail("number %q: want 1 to %d", digits, MaxWeight)
	}
	return n, nil
}
