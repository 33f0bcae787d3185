package durable

import (
	"errors"
	"sync/atomic"
	"testing"
	"time"
)

// instant has every proposal done at once, until it fails.
type instant struct {
	system
	left atomic.Int64
}

var errFailed = errors.New("it failed")

func (i *instant) propose(int, []byte) error {
	if i.left.Add(-1) < 0 {
		return errFailed
	}
	return nil
}

func (i *instant) start(_ int, _ []byte, done func(error)) { go func() { done(i.propose(0, nil)) }() }

// waiting is instant without start.
type waiting struct{ i *instant }

func (w waiting) addr() string                  { return "" }
func (w waiting) join([]string) error           { return nil }
func (w waiting) close() error                  { return nil }
func (w waiting) propose(p int, b []byte) error { return w.i.propose(p, b) }

func TestDrive(t *testing.T) {
	for name, of := range map[string]func(*instant) system{
		"blocking": func(i *instant) system { return waiting{i} },
		"calling":  func(i *instant) system { return i },
	} {
		t.Run(name, func(t *testing.T) {
			o := &order{InFlight: 4, Measure: 20 * time.Millisecond}
			i := &instant{}
			i.left.Store(1 << 40)
			began := 0
			a, err := drive(of(i), o, func() error { began++; return nil })
			if err != nil || began != 1 || a.Count == 0 || a.Seconds != .02 || a.P99 < a.P50 {
				t.Errorf("%+v, begun %d times, error %v", a, began, err)
			}
			i.left.Store(100)
			if _, err := drive(of(i), o, func() error { return nil }); !errors.Is(err, errFailed) {
				t.Errorf("a run in which a proposal failed: %v", err)
			}
		})
	}
}
