package main

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"althing/internal/freeport"
)

// leads returns which of the members leads, -1 if none that answers does.
func leads(t *testing.T, at []string) int {
	for i, e := range at {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		s, err := dial(t, e).Status(ctx, e)
		cancel()
		if err == nil && s.Leader == s.Header.MemberId {
			return i
		}
	}
	return -1
}

// TestQuorums: of five members that ask four to elect and two to write, two write as
// long as one of them leads; and without a leader three are too few to elect one.
func TestQuorums(t *testing.T) {
	dir := t.TempDir()
	u := &upCommand{Data: dir, Nodes: 5, Protocol: "multipaxos", Quorums: quorums{4, 2}, LogLevel: "info",
		Client: fmt.Sprintf("127.0.0.1:%d", freeport.Block(t, 50))}
	c, err := u.cluster()
	if err != nil {
		t.Fatal(err)
	}
	members := make([]*program, 5)
	begin := func(i int) { members[i] = launch(t, append([]string{"serve"}, u.serve(c, i)...)...) }
	kill := func(i int) {
		if err := members[i].cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		<-members[i].ended
	}
	for i := range members {
		begin(i)
	}
	at := endpoints(t, dir)
	put(t, dial(t, at...), "all", "1")
	first := -1
	eventually(t, "a leader", func() bool { first = leads(t, at); return first >= 0 })
	var others []int
	for i := range members {
		if i != first {
			others = append(others, i)
		}
	}
	for _, i := range others[:3] {
		kill(i)
	}
	put(t, dial(t, at[first]), "two", "2")
	holds(t, dial(t, at[others[3]]), "two", "2")
	kill(first)
	begin(others[0])
	begin(others[1]) // three are up
	members[others[1]].await(t, "serving clients", 1)
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	if _, err := dial(t, at[others[0]]).Put(ctx, "three", "3"); err == nil {
		t.Error("three of five elected a leader, though four are to be asked")
	}
	begin(others[2])
	put(t, dial(t, at[others[0]]), "four", "4")
	holds(t, dial(t, at[others[2]]), "two", "2")

	flags := u.serve(c, first)
	flags[len(flags)-1] = "--quorums=3,3"
	other := launch(t, append([]string{"serve"}, flags...)...)
	other.await(t, "was begun with quorums of 4 and 2 among 5, and not with quorums of 3 and 3 among 5", 1)
	u.Quorums = quorums{3, 3}
	if _, err := u.cluster(); err == nil || !strings.Contains(err.Error(), "other quorums") {
		t.Errorf("another up with other quorums: %v", err)
	}
}

// TestQuorumsAreRefused: those that need not meet, and where there is no such choice.
func TestQuorumsAreRefused(t *testing.T) {
	for _, c := range []struct{ args, want string }{
		{"serve --protocol=multipaxos --initial-cluster=default=http://localhost:2380,b=http://h:1 --quorums=1,1",
			"--quorums=1,1 {n2}{n1} 1+1"},
		{"serve --protocol=multipaxos --quorums=2,2,4", "--quorums=2,2,4 {n3n4}"},
		{"serve --protocol=multipaxos --initial-cluster-state=existing --quorums=4,2", "--quorums=4,2 third"},
		{"serve --quorums=4,2,5", "--quorums=4,2,5 raft multipaxos"},
		{"up --protocol=vr --nodes=5 --quorums=4,2 --data=DIR", "--quorums=4,2 vr multipaxos"},
		{"up --protocol=multipaxos --nodes=5 --quorums=3,2 --data=DIR", "--quorums=3,2 {n3n4n5}{n1n2}"},
		{"sim multipaxos --nodes=4 --quorums=2,2", "--quorums=2,2 {n3n4}{n1n2}"},
		{"sim multipaxos --nodes=4 --quorums=3", "--quorums=3 4,2"},
		{"sim multipaxos --quorums=4,2", "--quorums=4,2 third"},
		{"sim raft --nodes=3 --quorums=2,2", "--quorums=2,2 raft"},
		{"sim multipaxos --nodes=3 --quorums=2,2 --trace=t", "--quorums=2,2 --trace"},
	} {
		args := strings.Fields(strings.ReplaceAll(c.args, "DIR", filepath.Join(t.TempDir(), "data")))
		code, _, err := command(args...)
		if code != exitUsage {
			t.Errorf("%s: exit %d", c.args, code)
		}
		err = strings.ReplaceAll(err, " ", "")
		for _, w := range strings.Fields(c.want) {
			if !strings.Contains(err, w) {
				t.Errorf("%s: no %q in %q", c.args, w, err)
			}
		}
	}
	if code, out, err := command("sim", "multipaxos", "--nodes=5", "--quorums=4,2", "--duration=2s"); code != exitOK {
		t.Errorf("4 and 2 of 5: exit %d, %s%s", code, out, err)
	}
}
