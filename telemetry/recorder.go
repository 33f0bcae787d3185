package telemetry

import (
	"slices"
	"sync"
	"time"

	"althing/process"
)

// The words of package process for the roles that matter here.
const (
	leading  = "leader"
	standing = "candidate"
)

// A Recorder turns what one node sees into events of its Journal and numbers
// of its Metrics. Its methods may be called by any goroutine; those that a
// host calls for each batch do little.
type Recorder struct {
	journal *Journal
	metrics *Metrics
	now     func() time.Duration

	mu     sync.Mutex
	names  map[process.ID]string
	up     map[process.ID]bool // of those that were ever up
	votes  int                 // of a majority of the group; 0: not known
	groups map[uint32]*group
	closed bool
}

// A group is what is remembered of one group.
type group struct {
	leader  process.ID
	epoch   uint64 // that leader was seen in
	applied timeline
	match   map[process.ID]uint64
}

// NewRecorder returns a recorder for a node. The clock never runs back.
func NewRecorder(j *Journal, m *Metrics, now func() time.Duration) *Recorder {
	return &Recorder{journal: j, metrics: m, now: now, names: make(map[process.ID]string),
		up: make(map[process.ID]bool), groups: make(map[uint32]*group)}
}

// Name says how events and series call a member.
func (r *Recorder) Name(id process.ID, name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.names[id] != name {
		r.dropSeries(id)
		r.names[id] = name
	}
}

// Voters says how many members of the group vote.
func (r *Recorder) Voters(n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.votes = n/2 + 1
}

// Close ends the recording: what a node loses when it stops is no partition.
func (r *Recorder) Close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
}

func (r *Recorder) name(id process.ID) string {
	if n := r.names[id]; n != "" {
		return n
	}
	return "replica-" + itoa(id)
}

func (r *Recorder) group(id uint32) *group {
	g := r.groups[id]
	if g == nil {
		g = &group{match: make(map[process.ID]uint64)}
		r.groups[id] = g
	}
	return g
}

// Status is told when a process changes its role, epoch or leader.
func (r *Recorder) Status(id uint32, was, is process.Status) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return
	}
	r.journal.SetTerm(is.Epoch)
	g := r.group(id)
	if was.Role == standing && is.Leader == 0 && (is.Epoch > was.Epoch || is.Role != standing) {
		r.metrics.elections.WithLabelValues(r.undecided()).Inc()
	}
	if is.Role == standing && (was.Role != standing || is.Epoch > was.Epoch) {
		r.journal.ElectionStarted(id, is.Epoch)
	}
	if is.Role == leading && was.Role != leading {
		r.metrics.elections.WithLabelValues("success").Inc()
	}
	if is.Leader != 0 && (is.Leader != g.leader || is.Epoch > g.epoch) {
		g.leader, g.epoch = is.Leader, is.Epoch
		r.metrics.leaders.Inc()
		r.journal.LeaderElected(id, r.name(is.Leader), is.Epoch)
	}
	if is.Role != leading && was.Role == leading {
		clear(g.match)
		r.metrics.lag.Reset()
		r.metrics.lagEntries.Reset()
	}
}

// undecided tells why an election of ours ended without a leader. If we were
// in touch with as many as it takes to win, the votes went several ways.
func (r *Recorder) undecided() string {
	touch := 1 // ourselves
	for _, up := range r.up {
		if up {
			touch++
		}
	}
	if r.votes > 0 && touch >= r.votes {
		return "split_vote"
	}
	return "timeout"
}

// Peer is told when a connection to another member comes or goes. The first
// that comes heals nothing.
func (r *Recorder) Peer(id process.ID, up bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	before, known := r.up[id]
	if r.closed || !known && !up || known && before == up {
		return
	}
	r.up[id] = up
	switch {
	case !up:
		r.metrics.partitions.WithLabelValues("detected").Inc()
		var lost []string
		for id, up := range r.up {
			if !up {
				lost = append(lost, r.name(id))
			}
		}
		slices.Sort(lost)
		r.journal.PartitionDetected(lost)
	case known:
		r.metrics.partitions.WithLabelValues("healed").Inc()
		r.journal.PartitionHealed([]string{r.name(id)})
	}
}

// Left is told when a member is none any more.
func (r *Recorder) Left(id process.ID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.forget(id)
	delete(r.up, id)
	delete(r.names, id)
}

func (r *Recorder) dropSeries(id process.ID) {
	r.metrics.lag.DeleteLabelValues(r.name(id))
	r.metrics.lagEntries.DeleteLabelValues(r.name(id))
}

// forget drops what is known of a follower.
func (r *Recorder) forget(id process.ID) {
	r.dropSeries(id)
	for _, g := range r.groups {
		delete(g.match, id)
	}
}

// Applied is told of entries up to index that were applied at once.
func (r *Recorder) Applied(id uint32, entries int, index uint64, took time.Duration) {
	r.metrics.apply.Observe(took.Seconds())
	if took > slowApply {
		r.metrics.slow.Inc()
	}
	r.mu.Lock()
	r.group(id).applied.add(index, r.now())
	r.mu.Unlock()
	r.journal.CommitApplied(id, entries, index)
}

// State is told of an application state that was sent to another member.
func (r *Recorder) State(id uint32, to process.ID, bytes int64, err error) {
	result := "success"
	if err != nil {
		result = "failure"
	}
	r.metrics.states.WithLabelValues(result).Inc()
	r.mu.Lock()
	name := r.name(to)
	r.mu.Unlock()
	if err == nil {
		r.journal.Log().Info("sent the application's state", "group", id, "to", name, "bytes", bytes)
	}
}

// Progress is told now and then, on a leader, what the leader knows of the
// others. Those it does not speak of have left.
func (r *Recorder) Progress(id uint32, of []process.Progress) {
	r.mu.Lock()
	defer r.mu.Unlock()
	g := r.group(id)
	now := r.now()
	here := make(map[process.ID]bool, len(of))
	for _, p := range of {
		here[p.ID] = true
		entries, age := g.applied.behind(p.Match, now)
		r.metrics.lag.WithLabelValues(r.name(p.ID)).Set(age.Seconds())
		r.metrics.lagEntries.WithLabelValues(r.name(p.ID)).Set(float64(entries))
		if p.Match > g.match[p.ID] {
			r.journal.LogReplicated(id, r.name(p.ID), p.Match)
		}
		g.match[p.ID] = p.Match
	}
	for id := range g.match {
		if !here[id] {
			r.forget(id)
		}
	}
}
