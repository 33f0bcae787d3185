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

// TestClouds: a region is as far away under the name that AWS has for it.
func TestClouds(t *testing.T) {
	for name, short := range map[string]Region{
		"us-east-1": "VA", "us-west-2": "OR", "us-west-1": "CA", "eu-west-1": "IR",
		"ap-southeast-1": "SI", "ap-northeast-1": "TO", "ap-southeast-2": "SY", "SA-East-1": "SP",
	} {
		if r, err := Parse(name); r != short || err != nil {
			t.Errorf("%s: %v, %v, want %v", name, r, err, short)
		}
		for _, to := range All() {
			if d, want := Region(name).OneWay(to), short.OneWay(to); d != want || d == 0 {
				t.Errorf("%s to %s: %v, want %v", name, to, d, want)
			}
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
