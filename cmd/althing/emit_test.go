package main

import (
	"fmt"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"althing/internal/freeport"
	"althing/protocol"
)

// emits returns the commands of "althing serve" that a plan is written as.
func emits(t *testing.T, args ...string) (commands [][]string) {
	t.Helper()
	code, out, err := command(append([]string{"plan", "--emit=serve"}, args...)...)
	if code != exitOK {
		t.Fatalf("%v: exit %d: %s", args, code, err)
	}
	for line := range strings.Lines(strings.ReplaceAll(out, "\\\n", " ")) {
		if rest, ok := strings.CutPrefix(line, "althing "); ok {
			commands = append(commands, strings.Fields(rest))
		}
	}
	return commands
}

// TestEmittedServes: what a plan is written as starts a cluster that keeps what it is
// told while as many members are gone as the plan says.
func TestEmittedServes(t *testing.T) {
	first := freeport.Block(t, 9)
	var hosts, clients []string
	for i := range 3 {
		clients = append(clients, fmt.Sprintf("127.0.0.1:%d", first+3*i))
		hosts = append(hosts, clients[i])
	}
	dir := t.TempDir()
	var members []*program
	for _, c := range emits(t, "--problem=consensus", "--consistency=linearizable", "--nodes=3", "--flush=20ms",
		"--hosts="+strings.Join(hosts, ",")) {
		for i, arg := range c {
			if name, ok := strings.CutPrefix(arg, "--data-dir="); ok {
				c[i] = "--data-dir=" + filepath.Join(dir, name)
			}
		}
		members = append(members, launch(t, c...))
	}
	if len(members) != 3 {
		t.Fatalf("%d members", len(members))
	}
	put(t, dial(t, clients...), "one", "1")
	if code := members[0].stop(t, syscall.SIGTERM); code != exitOK {
		t.Errorf("stopped with %d", code)
	}
	put(t, dial(t, clients[1:]...), "two", "2")
	for _, c := range clients[1:] {
		holds(t, dial(t, c), "one", "1")
		holds(t, dial(t, c), "two", "2")
	}
}

// TestEmittedFlags: serve takes the flags of every plan that can be written, and what
// they say is a protocol that serves.
func TestEmittedFlags(t *testing.T) {
	rows := map[string]bool{}
	for _, args := range []string{
		"--problem=consensus --nodes=1", "--problem=consensus --nodes=5 --consistency=sequential --regions=VA,OR,IR",
		"--problem=consensus --nodes=10 --tolerate=2 --consistency=linearizable",
		"--problem=replication --nodes=3 --consistency=sequential",
		"--problem=replication --nodes=3 --loss",
		"--problem=replication --nodes=3 --consistency=linearizable --request-bytes=100000",
		"--problem=conflict_resolution --nodes=4 --consistency=linearizable --hosts=a,b,10.0.0.3,::1",
	} {
		for _, c := range emits(t, strings.Fields(args)...) {
			s, err := parseServe(c[1:])
			if err != nil {
				t.Fatalf("%s: %v", args, err)
			}
			p, err := s.plan()
			if err != nil {
				t.Errorf("%s: %v", args, err)
				continue
			}
			if row, ok := protocol.Find(s.Protocol); !ok || !row.Facts.Serves() || len(p.config.Founders) < 1 {
				t.Errorf("%s: %s, %d founders", args, s.Protocol, len(p.config.Founders))
			}
			rows[s.Protocol] = true
		}
	}
	if len(rows) != 5 {
		t.Errorf("only %v", rows)
	}
	for _, args := range []string{
		"--problem=transaction --consistency=linearizable", "--problem=consensus --emit=helm",
		"--problem=consensus --hosts=a", "--problem=consensus --byzantine --nodes=4",
	} {
		code, out, err := command(append([]string{"plan", "--nodes=3", "--emit=serve"}, strings.Fields(args)...)...)
		if code != exitUsage || out != "" || err == "" {
			t.Errorf("%s: exit %d, %s%s", args, code, out, err)
		}
	}
}
