package telemetry

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"althing/process"
)

// names that dashboards ask for.
var names = []string{
	"leader_elections_total", "consensus_latency_seconds", "partition_events_total",
	"replication_lag_seconds", "replication_lag_entries",
	"etcd_server_has_leader", "etcd_server_is_leader", "etcd_server_is_learner",
	"etcd_server_leader_changes_seen_total", "etcd_server_proposals_committed_total",
	"etcd_server_proposals_applied_total", "etcd_server_proposals_pending", "etcd_server_proposals_failed_total",
	"etcd_server_slow_apply_total", "etcd_server_quota_backend_bytes", "etcd_server_version", "etcd_server_id",
	"etcd_disk_wal_fsync_duration_seconds", "etcd_disk_wal_write_bytes_total",
	"etcd_mvcc_db_total_size_in_bytes", "etcd_mvcc_db_total_size_in_use_in_bytes",
	"etcd_debugging_mvcc_current_revision", "etcd_debugging_mvcc_compact_revision",
	"etcd_network_known_peers", "etcd_network_active_peers",
	"etcd_network_peer_sent_bytes_total", "etcd_network_peer_received_bytes_total",
	"grpc_server_started_total", "grpc_server_handled_total", "go_goroutines", "process_start_time_seconds",
}

// A bench is a recorder whose clock stands still until it is moved.
type bench struct {
	*Recorder
	m   *Metrics
	log *bytes.Buffer
	now time.Duration
}

func newBench() *bench {
	j, log := journal(slog.LevelDebug)
	b := &bench{m: NewMetrics("1.2.3", "id", func() Sample {
		return Sample{HasLeader: true, Revision: 9, Peers: []Peer{{ID: "ab", Connected: true, SentBytes: 5}}}
	}), log: log}
	b.m.Serve([]Method{{Service: "etcdserverpb.KV", Name: "Put"},
		{Service: "etcdserverpb.Watch", Name: "Watch", ClientStreams: true, ServerStreams: true}})
	b.Recorder = NewRecorder(j, b.m, func() time.Duration { return b.now })
	b.Name(2, "n2")
	b.Name(3, "n3")
	b.Voters(3)
	return b
}

// scrape returns what a scraper gets.
func (b *bench) scrape() string {
	w := httptest.NewRecorder()
	b.m.Handler(slog.New(slog.DiscardHandler)).ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	return w.Body.String()
}

func (b *bench) expect(t *testing.T, lines ...string) {
	t.Helper()
	got := strings.Split(b.scrape(), "\n")
	for _, l := range lines {
		if !slices.Contains(got, l) {
			t.Errorf("no %q in the metrics", l)
		}
	}
}

// events returns the names of the events so far, and forgets them.
func (b *bench) events(t *testing.T) (names []string) {
	t.Helper()
	for l := range bytes.Lines(bytes.Clone(b.log.Bytes())) {
		v, err := check(l)
		if err != nil {
			t.Errorf("%s: %v", l, err)
		}
		names = append(names, v.Event)
	}
	b.log.Reset()
	return names
}

func TestNames(t *testing.T) {
	b := newBench()
	b.Progress(0, []process.Progress{{ID: 2}})
	got := b.scrape()
	for _, n := range names {
		if !strings.Contains(got, "\n# TYPE "+n+" ") {
			t.Errorf("there is no metric %s", n)
		}
	}
	b.expect(t, `etcd_server_version{server_version="1.2.3"} 1`, `etcd_server_has_leader 1`,
		`etcd_debugging_mvcc_current_revision 9`,
		`etcd_network_active_peers{Remote="ab"} 1`, `etcd_network_peer_sent_bytes_total{To="ab"} 5`)
}

// Calls of methods that nobody serves leave no series behind.
func TestCalls(t *testing.T) {
	b := newBench()
	b.m.Started("/etcdserverpb.KV/Put")
	b.m.Started("/etcdserverpb.KV/Put")
	b.m.Handled("/etcdserverpb.KV/Put", "OK")
	b.m.Handled("/etcdserverpb.KV/Put", "Unavailable")
	b.m.Started("/made.Up/Call")
	b.m.Handled("/made.Up/Call", "Unimplemented")
	const put = `grpc_method="Put",grpc_service="etcdserverpb.KV",grpc_type="unary"`
	b.expect(t, `grpc_server_started_total{`+put+`} 2`, `grpc_server_handled_total{grpc_code="OK",`+put+`} 1`,
		`grpc_server_started_total{grpc_method="Watch",grpc_service="etcdserverpb.Watch",grpc_type="bidi_stream"} 0`)
	got := b.scrape()
	if !strings.Contains(got, `grpc_code="Unavailable"`) || strings.Contains(got, "made") {
		t.Error("an error is missing, or a method is there that nobody serves")
	}
}

// Every value of every label is there before anything has happened.
func TestZeros(t *testing.T) {
	b := newBench()
	var lines []string
	for _, r := range []string{"success", "timeout", "split_vote"} {
		lines = append(lines, fmt.Sprintf(`leader_elections_total{result="%s"} 0`, r))
	}
	for _, r := range []string{"detected", "healed"} {
		lines = append(lines, fmt.Sprintf(`partition_events_total{type="%s"} 0`, r))
	}
	for _, o := range []string{"write", "read", "membership", "transfer"} {
		for _, le := range strings.Fields("0.001 0.005 0.01 0.05 0.1 0.5 1 2.5 5 10 30 +Inf") {
			lines = append(lines, fmt.Sprintf(`consensus_latency_seconds_bucket{operation_type="%s",le="%s"} 0`, o, le))
		}
	}
	b.expect(t, lines...)
}

func status(role string, epoch uint64, leader process.ID) process.Status {
	return process.Status{Role: role, Epoch: epoch, Leader: leader}
}

func TestElections(t *testing.T) {
	follower, candidate, leader := status("follower", 1, 0), status("candidate", 2, 0), status("leader", 2, 1)
	for name, c := range map[string]struct {
		connected []process.ID
		steps     []process.Status
		events    []string
		results   [3]int // success, timeout, split_vote
	}{
		"won": {nil, []process.Status{follower, candidate, leader},
			[]string{"election_started", "leader_elected"}, [3]int{1, 0, 0}},
		"alone at once": {nil, []process.Status{follower, leader}, []string{"leader_elected"}, [3]int{1, 0, 0}},
		"lost": {nil, []process.Status{follower, candidate, status("follower", 2, 3)},
			[]string{"election_started", "leader_elected"}, [3]int{}},
		"nobody there": {nil, []process.Status{follower, candidate, status("candidate", 3, 0)},
			[]string{"election_started", "election_started"}, [3]int{0, 1, 0}},
		"split": {[]process.ID{2},
			[]process.Status{follower, candidate, status("candidate", 3, 0), status("leader", 3, 1)},
			[]string{"election_started", "election_started", "leader_elected"}, [3]int{1, 0, 1}},
		"gave up": {nil, []process.Status{follower, candidate, status("pre-candidate", 2, 0)},
			[]string{"election_started"}, [3]int{0, 1, 0}},
		"asks first": {nil, []process.Status{follower, status("pre-candidate", 1, 0), follower}, nil, [3]int{}},
		"lost sight": {nil, []process.Status{status("follower", 1, 2), follower, status("follower", 1, 2)},
			nil, [3]int{}},
		"same again": {nil, []process.Status{status("follower", 1, 2), follower, status("follower", 4, 2)},
			[]string{"leader_elected"}, [3]int{}},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench()
			for _, id := range c.connected {
				b.Peer(id, true)
			}
			if first := c.steps[0]; first.Leader != 0 { // known from before
				b.Status(0, process.Status{}, first)
				b.events(t)
			}
			for i := 1; i < len(c.steps); i++ {
				b.Status(0, c.steps[i-1], c.steps[i])
			}
			if got := b.events(t); !slices.Equal(got, c.events) {
				t.Errorf("events %v, want %v", got, c.events)
			}
			for i, r := range []string{"success", "timeout", "split_vote"} {
				b.expect(t, fmt.Sprintf(`leader_elections_total{result="%s"} %d`, r, c.results[i]))
			}
		})
	}
}

func TestPartitions(t *testing.T) {
	b := newBench()
	b.Peer(2, false) // never up: not lost
	b.Peer(2, true)  // the first time: not healed
	b.Peer(3, true)
	b.Peer(3, true)
	if got := b.events(t); got != nil {
		t.Errorf("events %v before anything was lost", got)
	}
	b.Peer(3, false)
	b.Peer(3, false)
	b.Peer(2, false)
	if !strings.Contains(b.log.String(), `"isolated_nodes":["n2","n3"]`) {
		t.Errorf("the second does not name both: %s", b.log)
	}
	b.Peer(2, true)
	want := []string{"partition_detected", "partition_detected", "partition_healed"}
	if got := b.events(t); !slices.Equal(got, want) {
		t.Errorf("events %v, want %v", got, want)
	}
	b.expect(t, `partition_events_total{type="detected"} 2`, `partition_events_total{type="healed"} 1`)
	b.Close()
	b.Peer(2, false)
	if got := b.events(t); got != nil {
		t.Errorf("events %v while stopping", got)
	}
}

func TestLag(t *testing.T) {
	b := newBench()
	b.Status(0, status("candidate", 2, 0), status("leader", 2, 1))
	for i := range 11 { // index 10 at 0 s, 20 at 1 s, … 110 at 10 s
		b.now = time.Duration(i) * time.Second
		b.Applied(0, 10, uint64(10*i+10), time.Millisecond)
	}
	b.now = 12 * time.Second
	b.Progress(0, []process.Progress{{ID: 2, Match: 110}, {ID: 3, Match: 45}, {ID: 4, Match: 200}})
	b.expect(t, `replication_lag_seconds{follower_id="n2"} 0`, `replication_lag_entries{follower_id="n2"} 0`,
		`replication_lag_seconds{follower_id="n3"} 8`, `replication_lag_entries{follower_id="n3"} 65`,
		`replication_lag_seconds{follower_id="replica-4"} 0`)
	b.Name(4, "n4") // it has started, and said its name
	b.Progress(0, []process.Progress{{ID: 3, Match: 110}, {ID: 4, Match: 110}})
	if got := b.scrape(); strings.Contains(got, "replica-4") || !strings.Contains(got, `follower_id="n4"`) {
		t.Error("a member that has got a name still has its series under the old one")
	}
	if got := b.scrape(); strings.Contains(got, `follower_id="n2"`) {
		t.Error("a member that left still has a series")
	}
	b.events(t)
	b.Status(0, status("leader", 2, 1), status("follower", 3, 3))
	if got := b.scrape(); strings.Contains(got, `follower_id="`) {
		t.Error("one that does not lead still knows of followers")
	}
}

// The timeline agrees with one that forgets nothing, as far back as it goes.
func TestTimeline(t *testing.T) {
	var tl timeline
	var all []point
	for i := range uint64(3 * timelinePoints) {
		p := point{3*i + 3, time.Duration(i) * timelineGap}
		tl.add(p.index, p.at)
		tl.add(p.index+1, p.at+1) // close to the one before
		all = append(all, p)
	}
	last := all[len(all)-1]
	now := last.at + time.Second
	for match := last.index - 3*timelinePoints; match <= last.index; match++ {
		entries, age := tl.behind(match, now)
		i := slices.IndexFunc(all, func(p point) bool { return p.index > match })
		want := tl.last.at
		if i >= 0 {
			want = all[i].at
		}
		if entries != last.index+1-match || age != now-want {
			t.Fatalf("match %d: %d entries, %v; want %d, %v", match, entries, age, last.index+1-match, now-want)
		}
	}
	if _, age := tl.behind(0, now); age != now-all[len(all)-timelinePoints].at {
		t.Errorf("far behind: %v", age)
	}
	if n, age := (&timeline{}).behind(0, now); n != 0 || age != 0 {
		t.Errorf("an empty timeline: %d, %v", n, age)
	}
}

func TestDone(t *testing.T) {
	b := newBench()
	b.m.Done(Write, 3*time.Millisecond, nil)
	b.m.Done(Write, time.Second, errors.New("lost"))
	b.m.Synced(time.Millisecond, 512)
	b.State(0, 2, 10, nil)
	b.State(0, 2, 10, errors.New("cut"))
	b.m.Undone(0, 3, 2)
	b.m.Undone(0, 0, 5)
	b.expect(t, `consensus_latency_seconds_count{operation_type="write"} 1`,
		`althing_entries_undone_total{certainty="certain"} 3`, `althing_entries_undone_total{certainty="possible"} 7`,
		`etcd_server_proposals_failed_total 1`, `etcd_disk_wal_write_bytes_total 512`,
		`althing_states_sent_total{result="success"} 1`, `althing_states_sent_total{result="failure"} 1`)
}

func BenchmarkDone(b *testing.B) {
	m := NewMetrics("v", "id", nil)
	b.ReportAllocs()
	for b.Loop() {
		m.Done(Write, time.Millisecond, nil)
	}
}

func BenchmarkApplied(b *testing.B) {
	j := NewJournal("n1", Outlet{To: &bytes.Buffer{}, Format: JSON})
	r := NewRecorder(j, NewMetrics("v", "id", nil), func() time.Duration { return 0 })
	b.ReportAllocs()
	for b.Loop() {
		r.Applied(0, 1, 1, time.Millisecond)
	}
}
