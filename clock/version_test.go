package clock

import (
	"math"
	"testing"
)

func TestVersionCompare(t *testing.T) {
	for _, c := range []struct {
		v, w Version
		want Order
	}{
		{nil, nil, Equal},
		{nil, Version{{1, 0}}, Equal},
		{Version{{2, 1}}, Version{{1, 0}, {2, 1}, {3, 0}}, Equal},
		{nil, Version{{1, 1}}, Before},
		{Version{{1, 1}}, Version{{1, 2}}, Before},
		{Version{{1, 1}}, Version{{0, 0}, {1, 1}, {2, 1}}, Before},
		{Version{{1, 1}}, Version{{2, 1}}, Concurrent},
		{Version{{1, 1}, {3, 1}}, Version{{1, 2}, {2, 1}}, Concurrent},
		{Version{{1, 2}, {2, 1}}, Version{{1, 1}, {2, 2}}, Concurrent},
	} {
		back := [...]Order{Equal: Equal, Before: After, After: Before, Concurrent: Concurrent}[c.want]
		if o := c.v.Compare(c.w); o != c.want {
			t.Errorf("%v to %v is %v, want %v", c.v, c.w, o, c.want)
		}
		if o := c.w.Compare(c.v); o != back {
			t.Errorf("%v to %v is %v, want %v", c.w, c.v, o, back)
		}
		m := c.v.Merge(c.w)
		for _, d := range append(c.v.known(), c.w.known()...) {
			if !m.Covers(d) || m.At(d.Actor) > max(c.v.At(d.Actor), c.w.At(d.Actor)) {
				t.Errorf("%v and %v merged are %v", c.v, c.w, m)
			}
		}
	}
}

func TestVersionCovers(t *testing.T) {
	v := Version{{2, 3}, {5, 1}}
	for d, want := range map[Dot]bool{
		{2, 1}: true, {2, 3}: true, {2, 4}: false, {5, 1}: true, {1, 1}: false, {3, 1}: false, {9, 1}: false,
	} {
		if v.Covers(d) != want {
			t.Errorf("%v covers %v: %v", v, d, !want)
		}
	}
}

func TestVersionForms(t *testing.T) {
	forms(t, Version{}, "{}", "\x00")
	forms(t, Version{{1, 3}, {300, 1}}, "{1:3,300:1}", "\x02\x01\x03\xac\x02\x01")
	forms(t, Version{{math.MaxUint64, 1}}, "{18446744073709551615:1}",
		"\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x01")
	if s := (Version{{1, 0}, {2, 1}, {3, 0}}).String(); s != "{2:1}" {
		t.Errorf("zeros are written: %s", s)
	}
	refused[Version](t, "", "{", "{1:3,}", "{,1:3}", "{1:0}", "{2:1,1:1}", "{1:1,1:2}", "{1:1,,2:1}", "{{}", "1:1",
		"{1}", "{01:1}")
	refusedBytes[Version](t, "", "\x01", "\x01\x01", "\x01\x01\x00", "\x02\x02\x01\x01\x01", "\x02\x01\x01\x01\x01",
		"\x00\x00", "\xff\xff\xff\x7f\x01\x01")
}

func FuzzVersion(f *testing.F) {
	fuzz[Version](f, "\x02\x01\x03\xac\x02\x01", "{1:3,300:1}", "{}", "\x00")
}
