package steps

import (
	"slices"
	"testing"
)

// FuzzFields: whatever the text, there is an answer or an error, and entries and
// votes that are read ascend.
func FuzzFields(f *testing.F) {
	for _, text := range []string{
		"", "Term=3 OK", "Prev=4 Entries=[5@2 c7.3 put k v,, 6@3 members {1,2} outgoing {3} learners {4} x]",
		"Entries=[18446744073709551615@1 a, 0@1 b]", "Entries=[1@1 ]", "Entries=[]", "= ==",
		"Upto=3 Decided=[1@2 a, 3@2 b] Votes=[{Ballot=3 Entry=4@2 members {1,2}}, {Ballot=4 Entry=5@2 x}]",
		"Votes=[{Round=3 Entry=4@2 }]", "Votes=[{}]", "Votes=[{Ballot=3 Entry=4@2 x}", "Votes=[", "Votes=[}, {]",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		x, err := ParseFields(text)
		if err != nil {
			return
		}
		if !slices.IsSortedFunc(x.Entries, func(a, b Entry) int { return int(a.Index) - int(b.Index) }) {
			t.Error("entries do not ascend")
		}
		for _, e := range x.Entries {
			if e.Index == 0 {
				t.Error("an entry is none")
			}
			_, _, _ = Members(e.Text)
		}
	})
}

// TestFields: lists end where they end, whatever requests say.
func TestFields(t *testing.T) {
	x, err := ParseFields("Upto=3 More Decided=[1@2 put a, b, 2@2 members {1,2}] " +
		"Votes=[{Ballot=3 Entry=4@2 members {1,2}}, {Ballot=4 Entry=6@3 put x]}]")
	if err != nil || !x.Is("More") || len(x.Entries) != 2 || len(x.Votes) != 2 {
		t.Fatalf("%+v: %v", x, err)
	}
	if x.Entries[0] != (Entry{1, 2, "put a, b"}) || x.Entries[1].Text != "members {1,2}" {
		t.Errorf("%+v", x.Entries)
	}
	if x.Votes[0] != (Vote{3, Entry{4, 2, "members {1,2}"}}) || x.Votes[1] != (Vote{4, Entry{6, 3, "put x]"}}) {
		t.Errorf("%+v", x.Votes)
	}
}
