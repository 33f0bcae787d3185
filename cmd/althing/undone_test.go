package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"althing/internal/freeport"
)

// TestUndoneKeysAreNamed: an asynchronous primary answers writes while its backups are
// dead, dies, and comes back to another primary: its log names the keys of exactly
// the writes that are gone, and its metrics count them.
func TestUndoneKeysAreNamed(t *testing.T) {
	dir := t.TempDir()
	u := &upCommand{Data: dir, Nodes: 3, Protocol: "primarybackup-async", LogLevel: "info",
		Client: fmt.Sprintf("127.0.0.1:%d", freeport.Block(t, 30))}
	c, err := u.cluster()
	if err != nil {
		t.Fatal(err)
	}
	members := make([]*program, 3)
	begin := func(i int) {
		args := append([]string{"serve", "--election-timeout=2000"}, u.serve(c, i)...)
		members[i] = launch(t, args...)
	}
	for i := range members {
		begin(i)
	}
	at := endpoints(t, dir)
	put(t, dial(t, at...), "kept", "1")
	for _, e := range at {
		holds(t, dial(t, e), "kept", "1")
	}
	old := -1
	eventually(t, "a primary", func() bool { old = leads(t, at); return old >= 0 })
	client := dial(t, at[old])
	kill := func(i int) {
		if err := members[i].cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		<-members[i].ended
	}
	kill((old + 1) % 3)
	kill((old + 2) % 3)
	answered := map[string]bool{}
	for i := range 20 { // as long as its lease lasts
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		_, err := client.Put(ctx, fmt.Sprintf("gone%d", i), "x")
		cancel()
		if err != nil {
			break
		}
		answered[fmt.Sprintf("gone%d", i)] = true
	}
	if len(answered) == 0 {
		t.Skip("its lease was over before it could write anything: this machine is too busy")
	}
	kill(old)
	begin((old + 1) % 3)
	begin((old + 2) % 3)
	put(t, dial(t, at[(old+1)%3], at[(old+2)%3]), "later", "2")
	begin(old)
	holds(t, dial(t, at[old]), "later", "2")
	names(t, members[old], at[old], c.Members[old].Metrics, answered)
}

// names holds what a member says in its log and its metrics against what it answered.
func names(t *testing.T, m *program, client, address string, answered map[string]bool) {
	t.Helper()
	named := map[string]bool{}
	eventually(t, fmt.Sprintf("%d keys are named", len(answered)), func() bool {
		for _, line := range regexp.MustCompile(`undone: keys.*`).FindAllString(m.text(), -1) {
			for _, key := range regexp.MustCompile(`gone\d+|kept|later`).FindAllString(line, -1) {
				named[key] = true
			}
		}
		return len(named) >= len(answered)
	})
	for key := range answered {
		r, err := dial(t, client).Get(t.Context(), key)
		if err != nil || len(r.Kvs) > 0 || !named[key] {
			t.Errorf("%s: %v; it is named: %v", key, err, named[key])
		}
	}
	if named["kept"] || named["later"] || len(named) > len(answered)+1 { // one may be without an answer
		t.Errorf("of %d answered %d are named: %v", len(answered), len(named), named)
	}
	counted := 0
	for _, value := range metrics(t, address, "althing_entries_undone_total") {
		var n int
		if _, err := fmt.Sscan(value, &n); err != nil {
			t.Fatal(err)
		}
		counted += n
	}
	said := 0 // the store's own writes, too
	for _, match := range regexp.MustCompile(` count=(\d+)`).FindAllStringSubmatch(m.text(), -1) {
		n, _ := strconv.Atoi(match[1])
		said += n
	}
	if counted != said || counted < len(named) {
		t.Errorf("%d are counted, the log says %d, and names %d keys", counted, said, len(named))
	}
}

// metrics returns the values of a metric.
func metrics(t *testing.T, address, name string) (values []string) {
	t.Helper()
	r, err := http.Get("http://" + address + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		if labels, value, ok := strings.Cut(line, "} "); ok && strings.HasPrefix(labels, name+"{") {
			values = append(values, strings.TrimSpace(value))
		}
	}
	return values
}
