package dice

import (
	"testing"
	"time"
)

// TestBounds: what is drawn stays in their bounds, and around their mean.
func TestBounds(t *testing.T) {
	d := New(7, 7)
	var sum time.Duration
	const throws, mean = 200_000, time.Millisecond
	for range throws {
		if n := d.Below(7); n < 0 || n > 6 {
			t.Fatalf("below 7: %d", n)
		}
		if n := d.Between(5, 9); n < 5 || n > 9 {
			t.Fatalf("between 5 and 9: %d", n)
		}
		if n := d.Scale(10, 1000); n < 10 || n > 1000 {
			t.Fatalf("from 10 to 1000: %d", n)
		}
		if d.Chance(0) {
			t.Fatal("what has no chance happened")
		}
		sum += d.Around(mean)
	}
	if got := sum / throws; got < mean*9/10 || got > mean*11/10 {
		t.Errorf("the mean around %v is %v", mean, got)
	}
}
