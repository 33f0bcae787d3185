package main

import (
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"althing/internal/freeport"
	"althing/protocol"
)

// TestEveryProtocolServes: whatever can serve is served, bears the death of a
// process, and has everything back when all have stopped, if it keeps it.
func TestEveryProtocolServes(t *testing.T) {
	for _, p := range protocol.All {
		if !p.Facts.Serves() || p.Facts.Replicas(1) == 0 {
			continue
		}
		t.Run(p.Name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "data")
			client := fmt.Sprintf("--client=127.0.0.1:%d", freeport.Block(t, 30))
			up := launch(t, "up", "--processes", "--data", dir, "--protocol", p.Name, client)
			up.await(t, `Ready after`, 1)
			at := endpoints(t, dir)
			put(t, dial(t, at...), "one", "1")
			pid, _ := strconv.Atoi(up.await(t, `process (\d+)`, 3)[0][1])
			if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
			put(t, dial(t, at...), "two", "2")
			up.await(t, `process (\d+)`, 4)
			for _, e := range at {
				holds(t, dial(t, e), "two", "2")
			}
			if code := up.stop(t, syscall.SIGTERM); code != exitOK {
				t.Errorf("stopped with %d", code)
			}
			if p.Facts.Volatile {
				return // it says of itself that it does not survive this
			}
			again := launch(t, "up", "--data", dir)
			again.await(t, `Ready after`, 1)
			holds(t, dial(t, at...), "one", "1")
			if code := again.stop(t, syscall.SIGTERM); code != exitOK {
				t.Errorf("stopped with %d", code)
			}
		})
	}
	code, _, err := command("up", "--data", t.TempDir(), "--protocol=causal")
	if code != exitUsage || !strings.Contains(err, "one order") {
		t.Errorf("a protocol without an order: exit %d, %s", code, err)
	}
}
