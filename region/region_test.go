package region

import (
	"strings"
	"testing"
	"time"
)

func TestRoundTrips(t *testing.T) {
	for _, c := range []struct {
		from, to string
		want     time.Duration // in tenths of a millisecond
	}{{"VA", "OR", 826}, {"OR", "VA", 829}, {"ca", "or", 225}, {"SP", "SY", 3392}, {"VA", "VA", 11}} {
		from, err1 := Parse(c.from)
		to, err2 := Parse(c.to)
		want := c.want * time.Millisecond / 10
		if got := from.RoundTrip(to); got != want || err1 != nil || err2 != nil {
			t.Errorf("%s to %s: %v, %v, %v; want %v", c.from, c.to, got, err1, err2, want)
		}
		if got := from.OneWay(to); got != want/2 {
			t.Errorf("%s to %s: one way %v, want half of %v", c.from, c.to, got, want)
		}
	}
	for _, r := range All() {
		if same, err := Parse(strings.ToLower(string(r))); same != r || err != nil {
			t.Errorf("%v: %v, %v", r, same, err)
		}
	}
}

func TestUnknown(t *testing.T) {
	if _, err := Parse("MARS"); err == nil || !strings.Contains(err.Error(), "VA OR CA") {
		t.Errorf("MARS: %v", err)
	}
	if d := Region("MARS").RoundTrip("VA"); d != 0 {
		t.Errorf("from MARS: %v", d)
	}
}
