package raft

import (
	"fmt"

	"althing/trace"
	"althing/trace/refine/steps"
)

// fieldsOf are the fields of a message with the entries of a log, of which first is the first one's index.
type fieldsOf struct {
	steps.Fields
	entries []Entry
	first   uint64
}

// fields reads the fields of a message. Its entries follow one another.
func fields(text string) (f fieldsOf, err error) {
	if f.Fields, err = steps.ParseFields(text); err != nil {
		return f, err
	}
	for i := range f.Entries {
		e, err := entryAt(&f.Entries[i], f.Entries[0].Index+uint64(i))
		if err != nil {
			return f, err
		}
		f.entries = append(f.entries, e)
	}
	if len(f.Entries) > 0 {
		f.first = f.Entries[0].Index
	}
	return f, nil
}

// parseEntry reads "5@2 put k v", which must be entry index.
func parseEntry(text string, index uint64) (Entry, error) {
	x, err := steps.ParseEntry(text)
	if err != nil {
		return Entry{}, err
	}
	return entryAt(&x, index)
}

// entryAt is x, which must be entry index, as the specification has it.
func entryAt(x *steps.Entry, index uint64) (e Entry, err error) {
	if x.Index != index {
		return e, fmt.Errorf("%w: entry %d is not entry %d", trace.ErrForm, x.Index, index)
	}
	e.Term, e.Text = x.Epoch, x.Text
	e.Voters, e.Old, err = steps.Members(x.Text)
	return e, err
}
