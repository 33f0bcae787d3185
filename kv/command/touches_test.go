package command

import (
	"slices"
	"testing"
)

func TestTouches(t *testing.T) {
	for i, want := range [][]string{
		{"k"}, {"k"}, {"[k, …)"}, nil, nil, nil, {"a", "b", "d"}, {"(compaction)"},
		{"(lease 8000000000000000)"}, {"(lease 1)", "(lease fffffffffffffffe)", "(lease 3)"}, {"(reign)"},
		{"(lease 1)", "(lease fffffffffffffffd)"}, {"(lease 1)"}, {"(alarm)"}, {"(member)"},
	} {
		if got := Touches(commands()[i]); !slices.Equal(got, want) {
			t.Errorf("%+v touches %q, want %q", commands()[i], got, want)
		}
	}
	some := &DeleteRange{Key: []byte("b"), End: []byte("c")}
	twice := &Txn{Then: []Op{put("a", "1"), some}, Else: []Op{put("a", "2")}}
	if got := Touches(twice); !slices.Equal(got, []string{"a", "[b, c)"}) {
		t.Errorf("a transaction touches %q", got)
	}
}
