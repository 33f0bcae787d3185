package telemetry

import (
	"log/slog"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Buckets for agreement, in seconds: the first six are the schema's; the rest
// are for what takes an election, or several.
var consensusBuckets = []float64{.001, .005, .01, .05, .1, .5, 1, 2.5, 5, 10, 30}

// Buckets for a flush, in seconds: from a disk with a battery to one in trouble.
var fsyncBuckets = prometheus.ExponentialBuckets(.000_0625, 2, 17)

const (
	// slowApply is how long applying a batch may take before it is counted as
	// slow: what an operator of such a server knows as slow.
	slowApply = 100 * time.Millisecond
	// maxScrapes bounds the scrapes at one time.
	maxScrapes = 4
)

// An Operation is what a request asked of the group.
type Operation string

// The operations, as the label operation_type names them.
const (
	Write      Operation = "write"
	Read       Operation = "read"
	Membership Operation = "membership"
	Transfer   Operation = "transfer"
)

// Metrics are the numbers of one node.
type Metrics struct {
	registry *prometheus.Registry

	elections  *prometheus.CounterVec   // result
	lag        *prometheus.GaugeVec     // follower_id
	lagEntries *prometheus.GaugeVec     // follower_id
	latency    *prometheus.HistogramVec // operation_type
	partitions *prometheus.CounterVec   // type
	calls      *prometheus.CounterVec   // service, method, code
	states     *prometheus.CounterVec   // result
	leaders    prometheus.Counter
	failed     prometheus.Counter
	slow       prometheus.Counter
	apply      prometheus.Histogram
	fsync      prometheus.Histogram
	walBytes   prometheus.Counter
	operations map[Operation]prometheus.Observer
}

// A Sample is what a node has to say of itself at one moment.
type Sample struct {
	HasLeader, Leader, Learner bool

	Term, Committed, Applied uint64
	Pending                  int // requests of this member not yet done
	Peers, Connected         int // other members, and those there is a connection to

	SizeBytes, InUseBytes int64 // of the store
	Revision, Compacted   int64
	Leases                int
	QuotaBytes            int64

	PeerSentBytes, PeerReceivedBytes, PeerDropped uint64 // messages dropped
}

// NewMetrics returns the metrics of a node that sample describes. Sample is
// called for each scrape; nil stands for a node that says nothing.
func NewMetrics(version, id string, sample func() Sample) *Metrics {
	m := &Metrics{registry: prometheus.NewRegistry(), operations: make(map[Operation]prometheus.Observer)}
	m.elections = m.counters("leader_elections_total",
		"Elections this node stood in, by how they ended.", "result", "success", "timeout", "split_vote")
	m.partitions = m.counters("partition_events_total",
		"Members this node lost touch with, or found again.", "type", "detected", "healed")
	m.states = m.counters("althing_states_sent_total",
		"Application states sent to other members.", "result", "success", "failure")
	m.lag = m.gauges("replication_lag_seconds", "Age of the oldest entry that a follower does not have.")
	m.lagEntries = m.gauges("replication_lag_entries", "Applied entries that a follower does not have.")
	m.latency = prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "consensus_latency_seconds", Help: "Time from a request to its answer.", Buckets: consensusBuckets,
	}, []string{"operation_type"})
	for _, o := range []Operation{Write, Read, Membership, Transfer} {
		m.operations[o] = m.latency.WithLabelValues(string(o))
	}
	m.calls = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "grpc_server_handled_total", Help: "Calls that ended, by how.",
	}, []string{"grpc_service", "grpc_method", "grpc_code"})
	m.leaders = m.counter("etcd_server_leader_changes_seen_total", "Leaders that took office, as seen here.")
	m.failed = m.counter("etcd_server_proposals_failed_total", "Requests of this member that failed.")
	m.slow = m.counter("etcd_server_slow_apply_total", "Batches of entries that took longer than 100 ms to apply.")
	m.walBytes = m.counter("etcd_disk_wal_write_bytes_total", "Bytes written to the log.")
	m.fsync = m.histogram("etcd_disk_wal_fsync_duration_seconds", "Time that writing and flushing the log took.",
		fsyncBuckets)
	m.apply = m.histogram("althing_apply_duration_seconds", "Time that applying a batch of entries took.", fsyncBuckets)
	info := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "etcd_server_version", Help: "Which version is running."},
		[]string{"server_version"})
	info.WithLabelValues(version).Set(1)
	who := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "etcd_server_id", Help: "Which member this is."},
		[]string{"server_id"})
	who.WithLabelValues(id).Set(1)
	m.registry.MustRegister(m.latency, m.calls, info, who, collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	if sample != nil {
		m.registry.MustRegister(newSampler(sample))
	}
	return m
}

func (m *Metrics) counter(name, help string) prometheus.Counter {
	c := prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
	m.registry.MustRegister(c)
	return c
}

// counters makes one counter for each value that the label has.
func (m *Metrics) counters(name, help, label string, values ...string) *prometheus.CounterVec {
	v := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, []string{label})
	for _, value := range values {
		v.WithLabelValues(value)
	}
	m.registry.MustRegister(v)
	return v
}

func (m *Metrics) gauges(name, help string) *prometheus.GaugeVec {
	v := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: help}, []string{"follower_id"})
	m.registry.MustRegister(v)
	return v
}

func (m *Metrics) histogram(name, help string, buckets []float64) prometheus.Histogram {
	h := prometheus.NewHistogram(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets})
	m.registry.MustRegister(h)
	return h
}

// Registry is where others add what they count of this node.
func (m *Metrics) Registry() *prometheus.Registry { return m.registry }

// Handler serves the metrics over HTTP.
func (m *Metrics) Handler(log *slog.Logger) http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn), MaxRequestsInFlight: maxScrapes,
	})
}

// Synced counts one flush of the log.
func (m *Metrics) Synced(took time.Duration, bytes int) {
	m.fsync.Observe(took.Seconds())
	m.walBytes.Add(float64(bytes))
}

// Done counts one request of this member.
func (m *Metrics) Done(o Operation, took time.Duration, err error) {
	if err != nil {
		m.failed.Inc()
		return
	}
	if h := m.operations[o]; h != nil {
		h.Observe(took.Seconds())
	}
}

// Called counts one call of a client that ended. The three are the parts of
// the full name of the method, and the code as gRPC writes it.
func (m *Metrics) Called(service, method, code string) {
	m.calls.WithLabelValues(service, method, code).Inc()
}

// A gauge is one number of a Sample.
type gauge struct {
	desc *prometheus.Desc
	kind prometheus.ValueType
	of   func(*Sample) float64
}

// A sampler collects the numbers of one Sample together, so that they fit each
// other.
type sampler struct {
	sample func() Sample
	gauges []gauge
}

func newSampler(sample func() Sample) *sampler {
	s := &sampler{sample: sample}
	add := func(kind prometheus.ValueType, name, help string, of func(*Sample) float64) {
		s.gauges = append(s.gauges, gauge{prometheus.NewDesc(name, help, nil, nil), kind, of})
	}
	const level, count = prometheus.GaugeValue, prometheus.CounterValue
	add(level, "etcd_server_has_leader", "1 if this member knows a leader.",
		func(s *Sample) float64 { return one(s.HasLeader) })
	add(level, "etcd_server_is_leader", "1 if this member leads.", func(s *Sample) float64 { return one(s.Leader) })
	add(level, "etcd_server_is_learner", "1 if this member does not vote.",
		func(s *Sample) float64 { return one(s.Learner) })
	add(level, "althing_term", "The term that this member is in.", func(s *Sample) float64 { return float64(s.Term) })
	add(level, "etcd_server_proposals_committed_total", "Entries known to be decided.",
		func(s *Sample) float64 { return float64(s.Committed) })
	add(level, "etcd_server_proposals_applied_total", "Entries applied.",
		func(s *Sample) float64 { return float64(s.Applied) })
	add(level, "etcd_server_proposals_pending", "Requests of this member not yet done.",
		func(s *Sample) float64 { return float64(s.Pending) })
	add(level, "etcd_network_known_peers", "Other members.", func(s *Sample) float64 { return float64(s.Peers) })
	add(level, "etcd_network_active_peers", "Other members there is a connection to.",
		func(s *Sample) float64 { return float64(s.Connected) })
	add(level, "etcd_server_quota_backend_bytes", "Size from which puts are refused.",
		func(s *Sample) float64 { return float64(s.QuotaBytes) })
	add(level, "etcd_mvcc_db_total_size_in_bytes", "Bytes of the store on the disk.",
		func(s *Sample) float64 { return float64(s.SizeBytes) })
	add(level, "etcd_mvcc_db_total_size_in_use_in_bytes", "Bytes of keys and values not compacted away.",
		func(s *Sample) float64 { return float64(s.InUseBytes) })
	add(level, "etcd_debugging_mvcc_current_revision", "Revision of the store.",
		func(s *Sample) float64 { return float64(s.Revision) })
	add(level, "etcd_debugging_mvcc_compact_revision", "Revision that the store is compacted at.",
		func(s *Sample) float64 { return float64(s.Compacted) })
	add(level, "althing_leases", "Leases that are alive.", func(s *Sample) float64 { return float64(s.Leases) })
	add(count, "althing_peer_sent_bytes_total", "Bytes sent to other members.",
		func(s *Sample) float64 { return float64(s.PeerSentBytes) })
	add(count, "althing_peer_received_bytes_total", "Bytes received from other members.",
		func(s *Sample) float64 { return float64(s.PeerReceivedBytes) })
	add(count, "althing_peer_dropped_total", "Messages to other members that had no room or no connection.",
		func(s *Sample) float64 { return float64(s.PeerDropped) })
	return s
}

func one(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// Describe implements prometheus.Collector.
func (s *sampler) Describe(c chan<- *prometheus.Desc) {
	for i := range s.gauges {
		c <- s.gauges[i].desc
	}
}

// Collect implements prometheus.Collector.
func (s *sampler) Collect(c chan<- prometheus.Metric) {
	sample := s.sample()
	for i := range s.gauges {
		g := &s.gauges[i]
		c <- prometheus.MustNewConstMetric(g.desc, g.kind, g.of(&sample))
	}
}
