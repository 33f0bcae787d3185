package refine

import (
	"fmt"
	"strconv"
	"strings"

	"althing/process"
	"althing/trace"
)

// fields are those of a message, as trace.Fields writes them: Name=value, or Name
// for what is true. What is not there is zero.
type fields struct {
	values  map[string]string
	entries []Entry
	first   uint64 // index of the first entry
}

// parseFields reads the fields of a message. Entries come last.
func parseFields(text string) (f fields, err error) {
	f.values = map[string]string{}
	if i := strings.Index(text, "Entries=["); i >= 0 {
		list, ok := strings.CutSuffix(text[i+len("Entries=["):], "]")
		if !ok {
			return f, fmt.Errorf("%w: the entries do not end: %q", trace.ErrForm, text)
		}
		if f.entries, f.first, err = parseEntries(list); err != nil {
			return f, err
		}
		text = text[:i]
	}
	for _, word := range strings.Fields(text) {
		if name, value, _ := strings.Cut(word, "="); name != "" {
			f.values[name] = value
		}
	}
	return f, nil
}

func (f *fields) is(name string) bool { _, ok := f.values[name]; return ok }

func (f *fields) number(name string) (uint64, error) {
	text, ok := f.values[name]
	if !ok {
		return 0, nil
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%w: field %s is %q", trace.ErrForm, name, text)
	}
	return n, nil
}

// numbers reads several fields; the first that is no number is the error.
func (f *fields) numbers(names ...string) ([]uint64, error) {
	all := make([]uint64, len(names))
	for i, name := range names {
		n, err := f.number(name)
		if err != nil {
			return nil, err
		}
		all[i] = n
	}
	return all, nil
}

// parseEntries takes a list of entries apart. A request may contain commas: the
// next entry begins where its index stands.
func parseEntries(list string) (entries []Entry, first uint64, err error) {
	for n := uint64(0); ; n++ {
		text, rest := list, ""
		if n == 0 {
			head, _, _ := strings.Cut(list, "@")
			if first, err = strconv.ParseUint(head, 10, 64); err != nil || first == 0 {
				return nil, 0, fmt.Errorf("%w: no entry begins %q", trace.ErrForm, head)
			}
		}
		next := fmt.Sprintf(", %d@", first+n+1)
		if i := strings.Index(list, next); i >= 0 {
			text, rest = list[:i], list[i+2:]
		}
		e, err := parseEntry(text, first+n)
		if err != nil {
			return nil, 0, err
		}
		entries = append(entries, e)
		if rest == "" {
			return entries, first, nil
		}
		list = rest
	}
}

// parseEntry reads "5@2 put k v", which must be entry index.
func parseEntry(text string, index uint64) (e Entry, err error) {
	head, rest, ok := strings.Cut(text, " ")
	at, term, isPair := strings.Cut(head, "@")
	n, err1 := strconv.ParseUint(at, 10, 64)
	e.Term, err = strconv.ParseUint(term, 10, 64)
	if !ok || !isPair || err != nil || err1 != nil || n != index {
		return e, fmt.Errorf("%w: %q is not entry %d", trace.ErrForm, text, index)
	}
	e.Text = rest
	if words := strings.SplitN(rest, " ", 3); len(words) > 1 && isClient(words[0]) {
		rest = strings.Join(words[1:], " ")
	}
	if members, ok := strings.CutPrefix(rest, "members "); ok {
		if e.Voters, members, err = parseIDs(members); err != nil {
			return e, err
		}
		if old, ok := strings.CutPrefix(members, " outgoing "); ok {
			e.Old, _, err = parseIDs(old)
		}
	}
	return e, err
}

// isClient reports whether a word says who asks: c7.3
func isClient(word string) bool {
	number, ok := strings.CutPrefix(word, "c")
	client, seq, isPair := strings.Cut(number, ".")
	_, err := strconv.ParseUint(client, 10, 64)
	_, err1 := strconv.ParseUint(seq, 10, 64)
	return ok && isPair && err == nil && err1 == nil
}

// parseIDs reads "{1,2,3}", and returns what follows.
func parseIDs(text string) (ids []process.ID, rest string, err error) {
	list, rest, ok := strings.Cut(text, "}")
	list, isSet := strings.CutPrefix(list, "{")
	if !ok || !isSet {
		return nil, "", fmt.Errorf("%w: %q begins with no group", trace.ErrForm, text)
	}
	for _, word := range strings.Split(list, ",") {
		id, err := strconv.ParseUint(word, 10, 16)
		if err != nil {
			return nil, "", fmt.Errorf("%w: %q is no replica", trace.ErrForm, word)
		}
		ids = append(ids, process.ID(id))
	}
	return ids, rest, nil
}
