package format

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"

	"althing/history"
)

// Limits of what is read, so that no input takes more memory than it is long.
const (
	maxText  = 1 << 20 // bytes
	maxItems = 1 << 20 // of a list
	maxDepth = 32      // lists within lists
	maxKnown = 1 << 21 // texts that are kept once for all
)

// A reader reads values, of JSON or EDN: the two differ in what a colon is.
type reader struct {
	in    io.Reader
	json  bool
	itf   bool // then it is json, too
	buf   []byte
	at    int
	end   int
	line  int // from 1
	word  []byte
	known map[string]string // each text once, however often it is read
	late  [4096]string      // some of them

	listed bool // within the brackets of a history that is one list
	ended  bool // after them
	now    history.Event
}

func newReader(in io.Reader, json bool) *reader {
	return &reader{in: in, json: json, buf: make([]byte, 1<<16), line: 1, known: map[string]string{}}
}

// byte returns the next byte.
func (r *reader) byte() (byte, error) {
	for r.at == r.end {
		n, err := r.in.Read(r.buf)
		r.at, r.end = 0, n
		if n == 0 && err != nil {
			return 0, err
		}
	}
	b := r.buf[r.at]
	r.at++
	return b, nil
}

// back gives back the byte that was read last.
func (r *reader) back() { r.at-- }

// token skips white space and comments, and returns the byte after them.
func (r *reader) token() (byte, error) {
	comment := false
	for {
		b, err := r.byte()
		if err != nil {
			return 0, err
		}
		switch {
		case b == '\n':
			r.line++
			comment = false
		case comment || b == ' ' || b == '\t' || b == '\r' || b == ',' || r.json && b == ':':
		case b == ';' && !r.json:
			comment = true
		default:
			return b, nil
		}
	}
}

// value reads the value that begins with b.
func (r *reader) value(b byte, depth int) (history.Value, error) {
	if depth > maxDepth {
		return history.Value{}, fmt.Errorf("more than %d lists within each other", maxDepth)
	}
	switch b {
	case '[', '(', '{':
		return r.list(closing[b], depth)
	case ']', ')', '}':
		return history.Value{}, fmt.Errorf("%q where a value should be", b)
	case '#':
		if r.json {
			break
		}
		return r.tagged(depth)
	}
	if err := r.read(b); err != nil {
		return history.Value{}, err
	}
	if b != '"' && (string(r.word) == "nil" || string(r.word) == "null") {
		return history.Value{}, nil
	}
	return history.Value{Text: r.text(), Some: true}, nil
}

// read reads the word that begins with b: a number, a name, a text in quotes.
func (r *reader) read(b byte) error {
	if b == '"' {
		return r.quoted()
	}
	if b == ':' {
		var err error
		if b, err = r.byte(); err != nil {
			return err
		}
	}
	return r.bare(b)
}

var closing = map[byte]byte{'[': ']', '(': ')', '{': '}'}

// list reads up to the closing bracket. A map is the list of its keys and
// values, in turn.
func (r *reader) list(end byte, depth int) (history.Value, error) {
	v := history.Value{List: []history.Value{}}
	for {
		b, err := r.token()
		if err != nil {
			return v, err
		}
		if b == end {
			if r.itf && b == '}' {
				return plain(v), nil
			}
			return v, nil
		}
		item, err := r.value(b, depth+1)
		if err != nil {
			return v, err
		}
		if v.List = append(v.List, item); len(v.List) > maxItems {
			return v, fmt.Errorf("a list of more than %d", maxItems)
		}
	}
}

// tagged reads what comes after a #: a set, a value to skip, or one with a tag.
func (r *reader) tagged(depth int) (history.Value, error) {
	b, err := r.byte()
	if err != nil {
		return history.Value{}, err
	}
	if b == '{' {
		return r.list('}', depth)
	}
	if r.back(); b != '_' {
		err = r.tag()
	}
	if err != nil {
		return history.Value{}, err
	}
	if b == '_' {
		_, _ = r.byte()
		if b, err = r.token(); err == nil {
			_, err = r.value(b, depth+1)
		}
		if err != nil {
			return history.Value{}, err
		}
	}
	if b, err = r.token(); err != nil {
		return history.Value{}, err
	}
	return r.value(b, depth+1)
}

// tag skips a tag: its name, up to the value that it stands before.
func (r *reader) tag() error {
	b, err := r.byte()
	if err != nil {
		return err
	}
	return r.bare(b)
}

func delimiter(b byte) bool {
	switch b {
	case ' ', '\t', '\r', '\n', ',', '[', ']', '{', '}', '(', ')', '"', ';':
		return true
	}
	return false
}

// bare reads a word without quotes.
func (r *reader) bare(b byte) error {
	r.word = r.word[:0]
	for !delimiter(b) && !(r.json && b == ':') {
		if b == 0 || len(r.word) == maxText {
			return fmt.Errorf("a word with NUL, or of more than %d bytes", maxText)
		}
		r.word = append(r.word, b)
		var err error
		if b, err = r.byte(); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
	}
	if r.back(); len(r.word) == 0 {
		return fmt.Errorf("%q where a value should be", b)
	}
	return nil
}

// text returns the word, kept once. Those met of late are found by a glance.
func (r *reader) text() string {
	n := len(r.word)
	if n == 0 {
		return ""
	}
	glance := n*31 + int(r.word[n-1])*17 + int(r.word[n/2])*257 + int(r.word[(n-1)*3/4])*61 + int(r.word[0])
	late := &r.late[glance%len(r.late)]
	if *late == string(r.word) {
		return *late
	}
	s, ok := r.known[string(r.word)]
	if !ok {
		s = string(r.word)
		if len(r.known) < maxKnown {
			r.known[s] = s
		}
	}
	*late = s
	return s
}

// quoted reads a text up to its closing quote.
func (r *reader) quoted() error {
	r.word = r.word[:0]
	for {
		b, err := r.byte()
		if err != nil {
			return err
		}
		switch b {
		case '"':
			return nil
		case '\\':
			if err := r.escape(); err != nil {
				return err
			}
			continue
		case '\n':
			r.line++
		case 0:
			return errors.New("a text with NUL")
		}
		if r.word = append(r.word, b); len(r.word) > maxText {
			return fmt.Errorf("a text of more than %d bytes", maxText)
		}
	}
}

var escapes = map[byte]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

// escape reads what comes after a backslash.
func (r *reader) escape() error {
	b, err := r.byte()
	if err != nil {
		return err
	}
	if plain, ok := escapes[b]; ok {
		r.word = append(r.word, plain)
		return nil
	}
	if b != 'u' {
		return fmt.Errorf("\\%c in a text", b)
	}
	char, err := r.hex()
	if err != nil {
		return err
	}
	if utf16.IsSurrogate(char) {
		one, err1 := r.byte()
		two, err2 := r.byte()
		if err := errors.Join(err1, err2); err != nil {
			return err
		}
		low, err := r.hex()
		if err != nil {
			return err
		}
		if char = utf16.DecodeRune(char, low); one != '\\' || two != 'u' || char == utf8.RuneError {
			return errors.New("half a surrogate in a text")
		}
	}
	if char == 0 {
		return errors.New("a text with NUL")
	}
	r.word = utf8.AppendRune(r.word, char)
	return nil
}

// hex reads four digits.
func (r *reader) hex() (rune, error) {
	var digits [4]byte
	for i := range digits {
		b, err := r.byte()
		if err != nil {
			return 0, err
		}
		digits[i] = b
	}
	n, err := strconv.ParseUint(string(digits[:]), 16, 16)
	if err != nil {
		return 0, fmt.Errorf("\\u%q in a text", digits)
	}
	return rune(n), nil
}
