package steps

import (
	"fmt"
	"strconv"
	"strings"

	"althing/process"
	"althing/trace"
)

// Fields are those of a message, as trace.Fields writes them: Name=value, or Name
// for what is true. What is not there is zero.
type Fields struct {
	values map[string]string
	// Entries is the list of that name, or Decided: no message has both.
	Entries []Entry
	Votes   []Vote
}

// An Entry is one of a log: text is what it asks for, in the words of a trace.
type Entry struct {
	Index, Epoch uint64
	Text         string
}

// A Vote is an entry and the ballot in which somebody voted for it.
type Vote struct {
	Ballot uint64
	Entry
}

// ParseFields reads the fields of a message. Lists come last.
func ParseFields(text string) (f Fields, err error) {
	f.values = map[string]string{}
	if i := strings.Index(text, "Votes=["); i >= 0 && (i == 0 || text[i-1] == ' ') {
		list, ok := strings.CutSuffix(text[i+len("Votes=["):], "]")
		if !ok {
			return f, fmt.Errorf("%w: the votes do not end: %q", trace.ErrForm, text)
		}
		if f.Votes, err = parseVotes(list); err != nil {
			return f, err
		}
		text = strings.TrimSuffix(text[:i], " ")
	}
	for _, name := range []string{"Entries=[", "Decided=["} {
		i := strings.Index(text, name)
		if i < 0 {
			continue
		}
		list, ok := strings.CutSuffix(text[i+len(name):], "]")
		if !ok {
			return f, fmt.Errorf("%w: the entries do not end: %q", trace.ErrForm, text)
		}
		if f.Entries, err = parseEntries(list); err != nil {
			return f, err
		}
		text = text[:i]
		break
	}
	for _, word := range strings.Fields(text) {
		if name, value, _ := strings.Cut(word, "="); name != "" {
			f.values[name] = value
		}
	}
	return f, nil
}

// Is reports whether a field is there.
func (f *Fields) Is(name string) bool { _, ok := f.values[name]; return ok }

// Number reads a field; 0 if it is not there. The error wraps trace.ErrForm.
func (f *Fields) Number(name string) (uint64, error) {
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

// Numbers reads several fields; the first that is no number is the error.
func (f *Fields) Numbers(names ...string) ([]uint64, error) {
	all := make([]uint64, len(names))
	for i, name := range names {
		n, err := f.Number(name)
		if err != nil {
			return nil, err
		}
		all[i] = n
	}
	return all, nil
}

// parseEntries takes a list of entries apart. A request may contain commas: the
// next entry begins where a later index and an epoch stand.
func parseEntries(list string) (entries []Entry, err error) {
	for {
		text, rest := list, ""
		if i := nextEntry(list); i >= 0 {
			text, rest = list[:i], list[i+2:]
		}
		e, err := ParseEntry(text)
		if err != nil {
			return nil, err
		}
		if n := len(entries); n > 0 && e.Index <= entries[n-1].Index {
			return nil, fmt.Errorf("%w: entry %d follows %d", trace.ErrForm, e.Index, entries[n-1].Index)
		}
		entries = append(entries, e)
		if rest == "" {
			return entries, nil
		}
		list = rest
	}
}

// nextEntry returns where in a list ", 17@3 " stands first, or -1.
func nextEntry(list string) int {
	for from := 0; ; {
		i := strings.Index(list[from:], ", ")
		if i < 0 {
			return -1
		}
		head, _, ok := strings.Cut(list[from+i+2:], " ")
		if index, epoch, isPair := strings.Cut(head, "@"); ok && isPair && isNumber(index) && isNumber(epoch) {
			return from + i
		}
		from += i + 2
	}
}

func isNumber(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

// ParseEntry reads "5@2 put k v". The error wraps trace.ErrForm.
func ParseEntry(text string) (e Entry, err error) {
	head, rest, ok := strings.Cut(text, " ")
	at, epoch, isPair := strings.Cut(head, "@")
	e.Text = rest
	if e.Epoch, err = strconv.ParseUint(epoch, 10, 64); err == nil {
		e.Index, err = strconv.ParseUint(at, 10, 64)
	}
	if !ok || !isPair || err != nil || e.Index == 0 {
		return e, fmt.Errorf("%w: %q is no entry", trace.ErrForm, text)
	}
	return e, nil
}

// parseVotes takes "{Ballot=3 Entry=5@2 put k v}, {…}" apart.
func parseVotes(list string) (votes []Vote, err error) {
	list, begins := strings.CutPrefix(list, "{")
	list, ends := strings.CutSuffix(list, "}")
	if !begins || !ends {
		return nil, fmt.Errorf("%w: %q are no votes", trace.ErrForm, list)
	}
	for _, text := range strings.Split(list, "}, {") {
		_, ballot, ok := strings.Cut(text, "=")
		ballot, entry, isVote := strings.Cut(ballot, " Entry=")
		v := Vote{}
		if v.Ballot, err = strconv.ParseUint(ballot, 10, 64); err != nil || !ok || !isVote {
			return nil, fmt.Errorf("%w: %q is no vote", trace.ErrForm, text)
		}
		if v.Entry, err = ParseEntry(entry); err != nil {
			return nil, err
		}
		votes = append(votes, v)
	}
	return votes, nil
}

// Members reads the group that a request to change it names: its voters, and those
// of the group before, if it is joint. Of another request voters are nil. The error
// wraps trace.ErrForm.
func Members(request string) (voters, old []process.ID, err error) {
	if words := strings.SplitN(request, " ", 3); len(words) > 1 && isClient(words[0]) {
		request = strings.Join(words[1:], " ")
	}
	members, ok := strings.CutPrefix(request, "members ")
	if !ok {
		return nil, nil, nil
	}
	if voters, members, err = parseIDs(members); err != nil {
		return nil, nil, err
	}
	if rest, ok := strings.CutPrefix(members, " outgoing "); ok {
		old, _, err = parseIDs(rest)
	}
	return voters, old, err
}

// isClient reports whether a word says who asks: c7.3
func isClient(word string) bool {
	number, ok := strings.CutPrefix(word, "c")
	client, seq, isPair := strings.Cut(number, ".")
	return ok && isPair && isNumber(client) && isNumber(seq)
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
