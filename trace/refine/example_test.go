package refine_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"time"

	"althing/protocol/raft"
	"althing/sim"
	"althing/trace"
	"althing/trace/refine"
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
	var d *refine.Deviation
	if err := follow(strings.Replace(run.String(), held, now, 1)); errors.As(err, &d) {
		fmt.Println(d.Err)
	}
	// Output:
	// <nil>
	// SendVote by 1: not allowed: a vote is durable
}
