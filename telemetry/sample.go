package telemetry

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// A Sample is what a node has to say of itself at one moment.
type Sample struct {
	HasLeader, Leader, Learner bool

	Term, Committed, Applied uint64
	Pending                  int // requests of this member not yet done

	SizeBytes, InUseBytes int64 // of the store
	Revision, Compacted   int64
	Leases                int
	QuotaBytes            int64

	Peers []Peer
}

// A Peer is another member, as this one sees it.
type Peer struct {
	ID        string // as clients write it
	Connected bool
	RTT       time.Duration // 0: not known

	SentBytes, ReceivedBytes, Dropped uint64 // Dropped counts messages
}

// A gauge is one number of a Sample.
type gauge struct {
	desc *prometheus.Desc
	of   func(*Sample) float64
}

// A sampler collects the numbers of one Sample together, so that they fit each
// other.
type sampler struct {
	sample func() Sample
	gauges []gauge
	peers  []peerNumber
}

// A peerNumber is one number of a Peer.
type peerNumber struct {
	desc *prometheus.Desc
	kind prometheus.ValueType
	of   func(*Peer) float64
}

func newSampler(sample func() Sample) *sampler {
	s := &sampler{sample: sample}
	add := func(name, help string, of func(*Sample) float64) {
		s.gauges = append(s.gauges, gauge{prometheus.NewDesc(name, help, nil, nil), of})
	}
	add("etcd_server_has_leader", "1 if this member knows a leader.",
		func(s *Sample) float64 { return one(s.HasLeader) })
	add("etcd_server_is_leader", "1 if this member leads.", func(s *Sample) float64 { return one(s.Leader) })
	add("etcd_server_is_learner", "1 if this member does not vote.",
		func(s *Sample) float64 { return one(s.Learner) })
	add("althing_term", "The term that this member is in.", func(s *Sample) float64 { return float64(s.Term) })
	add("etcd_server_proposals_committed_total", "Entries known to be decided.",
		func(s *Sample) float64 { return float64(s.Committed) })
	add("etcd_server_proposals_applied_total", "Entries applied.",
		func(s *Sample) float64 { return float64(s.Applied) })
	add("etcd_server_proposals_pending", "Requests of this member not yet done.",
		func(s *Sample) float64 { return float64(s.Pending) })
	add("etcd_server_quota_backend_bytes", "Size from which puts are refused.",
		func(s *Sample) float64 { return float64(s.QuotaBytes) })
	add("etcd_mvcc_db_total_size_in_bytes", "Bytes of the store on the disk.",
		func(s *Sample) float64 { return float64(s.SizeBytes) })
	add("etcd_mvcc_db_total_size_in_use_in_bytes", "Bytes of keys and values not compacted away.",
		func(s *Sample) float64 { return float64(s.InUseBytes) })
	add("etcd_debugging_mvcc_current_revision", "Revision of the store.",
		func(s *Sample) float64 { return float64(s.Revision) })
	add("etcd_debugging_mvcc_compact_revision", "Revision that the store is compacted at.",
		func(s *Sample) float64 { return float64(s.Compacted) })
	add("althing_leases", "Leases that are alive.", func(s *Sample) float64 { return float64(s.Leases) })
	peer := func(kind prometheus.ValueType, name, label, help string, of func(*Peer) float64) {
		s.peers = append(s.peers, peerNumber{prometheus.NewDesc(name, help, []string{label}, nil), kind, of})
	}
	const level, count = prometheus.GaugeValue, prometheus.CounterValue
	peer(level, "etcd_network_known_peers", "Remote", "Other members.", func(*Peer) float64 { return 1 })
	peer(level, "etcd_network_active_peers", "Remote", "Other members there is a connection to.",
		func(p *Peer) float64 { return one(p.Connected) })
	peer(count, "etcd_network_peer_sent_bytes_total", "To", "Bytes sent to another member.",
		func(p *Peer) float64 { return float64(p.SentBytes) })
	peer(count, "etcd_network_peer_received_bytes_total", "From", "Bytes received from another member.",
		func(p *Peer) float64 { return float64(p.ReceivedBytes) })
	peer(count, "althing_peer_dropped_total", "To", "Messages that had no room or no connection.",
		func(p *Peer) float64 { return float64(p.Dropped) })
	peer(level, "althing_peer_round_trip_seconds", "To", "Time that the last ping took; 0 if there was none.",
		func(p *Peer) float64 { return p.RTT.Seconds() })
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
	for i := range s.peers {
		c <- s.peers[i].desc
	}
}

// Collect implements prometheus.Collector.
func (s *sampler) Collect(c chan<- prometheus.Metric) {
	sample := s.sample()
	for i := range s.gauges {
		g := &s.gauges[i]
		c <- prometheus.MustNewConstMetric(g.desc, prometheus.GaugeValue, g.of(&sample))
	}
	for i := range sample.Peers {
		for j := range s.peers {
			n, p := &s.peers[j], &sample.Peers[i]
			c <- prometheus.MustNewConstMetric(n.desc, n.kind, n.of(p), p.ID)
		}
	}
}
