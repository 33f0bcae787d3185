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
	calls
	states     *prometheus.CounterVec // result
	undone     *prometheus.CounterVec // certainty
	leaders    prometheus.Counter
	failed     prometheus.Counter
	slow       prometheus.Counter
	apply      prometheus.Histogram
	fsync      prometheus.Histogram
	walBytes   prometheus.Counter
	operations map[Operation]prometheus.Observer
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
	m.undone = m.counters("althing_entries_undone_total",
		"Writes done here that a failure undid; possible: done before a restart, or not at all.",
		"certainty", "certain", "possible")
	m.lag = m.gauges("replication_lag_seconds", "Age of the oldest entry that a follower does not have.")
	m.lagEntries = m.gauges("replication_lag_entries", "Applied entries that a follower does not have.")
	m.latency = prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "consensus_latency_seconds", Help: "Time from a request to its answer.", Buckets: consensusBuckets,
	}, []string{"operation_type"})
	for _, o := range []Operation{Write, Read, Membership, Transfer} {
		m.operations[o] = m.latency.WithLabelValues(string(o))
	}
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
	m.registry.MustRegister(m.latency, info, who, collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	m.calls.begin(m.registry)
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

// Undone counts writes that were done here and have no effect any more, for sure or
// perhaps.
func (m *Metrics) Undone(_ uint32, certain, possible int) {
	m.undone.WithLabelValues("certain").Add(float64(certain))
	m.undone.WithLabelValues("possible").Add(float64(possible))
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
