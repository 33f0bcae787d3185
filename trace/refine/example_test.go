package refine_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"althing/protocol/raft"
	"althing/sim"
	"althing/trace"
	"althing/trace/refine"
	"althing/trace/refine/steps"
)

// A run is recorded, and followed; then a vote is told to have left at once, though
// the disk did not have it yet: the candidate's own, here.
func ExampleFollow() {
	var run bytes.Buffer
	o := sim.Options{Seed: 7, Nodes: 3, Duration: time.Second, Trace: &run}
	if _, err := sim.Run(raft.Protocol, o); err != nil {
		fmt.Println(err)
	}
	follow := func(text string) error {
		t, err := trace.NewReader(strings.NewReader(text))
		if err != nil {
			return err
		}
		return refine.Follow(t, nil)
	}
	fmt.Println(follow(run.String()))

	held := `"kind":"Send","to":1,"msg":"Vote","fields":"Term=1 Granted","held":true`
	now := `"kind":"SendNow","to":1,"msg":"Vote","fields":"Term=1 Granted"`
	var d *steps.Deviation
	if err := follow(strings.Replace(run.String(), held, now, 1)); errors.As(err, &d) {
		fmt.Println(d.Err)
	}
	// Output:
	// <nil>
	// SendVote by 1: not allowed: a vote is durable
}

// TestWithout: a run of a protocol that has no specification is no run of one.
func TestWithout(t *testing.T) {
	r, err := trace.NewReader(strings.NewReader(`{"althing":2,"protocol":"causal","seed":1}`))
	if err != nil {
		t.Fatal(err)
	}
	if err := refine.Follow(r, nil); !errors.Is(err, trace.ErrForm) {
		t.Error(err)
	}
	if _, err := refine.Export(r); !errors.Is(err, trace.ErrForm) {
		t.Error(err)
	}
}
