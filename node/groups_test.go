package node_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"althing/node"
	"althing/process"
)

// quiet is the group that has no work but its first.
const quiet = 5

// TestManyGroups has members with several groups on one log, all at work but
// one. The log stays small, for that one, too, is asked for a checkpoint when
// the others have filled the log; and all groups survive a restart of all.
func TestManyGroups(t *testing.T) {
	machines := map[process.ID]map[uint32]*appender{}
	founder := process.Group{Voters: []process.ID{1, 2, 3}}
	c := newCluster(t, 3, func(o *node.Options) {
		o.SegmentBytes, o.Config.Trailing = 256<<10, 5
		machines[o.Self] = map[uint32]*appender{}
		for g := uint32(2); g <= quiet; g++ {
			dir := filepath.Join(o.Dir, fmt.Sprint(g))
			if err := os.MkdirAll(dir, 0o700); err != nil {
				t.Fatal(err)
			}
			a, err := openAppender(dir, founder)
			if err != nil {
				t.Fatal(err)
			}
			o.Groups[g], machines[o.Self][g] = a, a
		}
	})
	do := func(id process.ID, group uint32, cmd string) {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		if _, err := c.nodes[id].Group(group).Do(ctx, process.Command, []byte(cmd)); err != nil {
			t.Errorf("member %d, group %d: %v", id, group, err)
		}
	}
	do(1, quiet, "once")
	var work sync.WaitGroup
	for g := uint32(1); g < quiet; g++ {
		work.Go(func() {
			for i := range 100 {
				do(process.ID(1+i%3), g, strings.Repeat(fmt.Sprint(g), 16<<10))
			}
		})
	}
	work.Wait()
	for id, n := range c.nodes {
		// 6.4 MB of commands are 25 segments.
		if s := n.LogStats(); s.Segments > 14 {
			t.Errorf("the log of member %d: %+v", id, s)
		}
	}
	for range 2 {
		for id := range c.dirs {
			for g := uint32(2); g <= quiet; g++ {
				ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
				if _, err := c.nodes[id].Group(g).Barrier(ctx); err != nil {
					t.Errorf("member %d, group %d: %v", id, g, err)
				}
				cancel()
				want := "once"
				if g != quiet {
					want = strings.Repeat(fmt.Sprint(g), 100*16<<10)
				}
				if got := machines[id][g].text(); got != want {
					t.Errorf("member %d, group %d: %d bytes, want %d", id, g, len(got), len(want))
				}
			}
		}
		for id := range c.dirs {
			c.close(id)
		}
		for id := range c.dirs {
			c.open(id, founder)
		}
	}
}
