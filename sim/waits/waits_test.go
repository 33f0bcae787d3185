package waits

import (
	"testing"
	"time"
)

func TestBetween(t *testing.T) {
	var all []Wait
	for i := range 200 {
		all = append(all, Wait{At: time.Duration(i + 1), Took: time.Duration(i%100 + 1)})
	}
	if p := Between(all, 100, 200); p != (Phase{100, 50, 99, 100}) {
		t.Errorf("%+v", p)
	}
	if p := Between(all, 200, 300); p != (Phase{}) {
		t.Errorf("%+v of nothing", p)
	}
	all = append(all, Wait{At: 260})
	if d := Outage(all, 100, 300); d != 60 {
		t.Errorf("the longest silence is %d", d)
	}
	if d := Outage(all, 100, 400); d != 140 {
		t.Errorf("the longest silence is %d, to the end", d)
	}
	if d := Outage(append(all, Wait{At: 900}), 100, 270); d != 60 {
		t.Errorf("the longest silence is %d, though what came later does not count", d)
	}
}
