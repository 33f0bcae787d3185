package plan

import "time"

// A Plan is what is recommended, with reasons. Its first three fields are the
// schema that is common to planners of this kind.
type Plan struct {
	Protocol         Protocol          `json:"protocol"`
	Configuration    Configuration     `json:"configuration"`
	FailureScenarios []FailureScenario `json:"failure_scenarios"`

	FaultTolerance FaultTolerance `json:"fault_tolerance"`
	CAP            string         `json:"cap"`    // CP or AP
	PACELC         string         `json:"pacelc"` // PC/EC and the like; Abadi 2012
	NRW            *NRW           `json:"nrw,omitempty"`
	Placement      *Placement     `json:"placement,omitempty"` // with regions
	Latency        []Latency      `json:"latency"`
	Availability   Availability   `json:"availability"`
	Staleness      *Staleness     `json:"staleness,omitempty"` // where reads may be stale
	Retry          Retry          `json:"retry"`
	Partitioning   *Scheme        `json:"partitioning,omitempty"`
	Alternatives   []Alternative  `json:"alternatives"`
	Notes          []string       `json:"notes,omitempty"`
	Evidence       []Evidence     `json:"evidence"`

	// Path is how the table was read, row by row. It is no part of the JSON form.
	Path []string `json:"-"`
	// Row is the row of the catalog of protocols that runs it; "" if none does.
	Row string `json:"-"`

	request *Request
	system  *system
	without time.Duration // how long nobody answers when who leads is gone, on average
}

// A Protocol is what is recommended, in words.
type Protocol struct {
	Name        string `json:"name"`
	Description string `json:"description"`
	Guarantee   string `json:"correctness_guarantee"`
	Source      string `json:"source"`
}

// A Configuration is the numbers that an operator sets. Times are whole
// milliseconds.
type Configuration struct {
	Quorum       int `json:"quorum_size"`               // that acknowledge a write
	TimeoutMS    int `json:"timeout_ms"`                // without a leader's word; drawn up to twice as much
	HeartbeatMS  int `json:"heartbeat_ms"`              //
	Election     int `json:"election_quorum,omitempty"` // where it is another than quorum_size
	Voters       int `json:"voters"`
	ClockWaitMS  int `json:"clock_wait_ms,omitempty"` // each commit waits until its stamp is surely past
	RequestMS    int `json:"request_timeout_ms"`      // after which a client tries again
	Acknowledged int `json:"backups_acknowledging,omitempty"`
}

// A FailureScenario is what happens when something fails.
type FailureScenario struct {
	Scenario string    `json:"scenario"`
	Behavior string    `json:"behavior"`
	Recovery string    `json:"recovery"`
	Measured *Measured `json:"measured,omitempty"`
}

// Measured is what a run of a scenario came to. Times are milliseconds of
// virtual time.
type Measured struct {
	P50, P99    float64 `json:"-"`
	P50MS       float64 `json:"p50_ms"`
	P99MS       float64 `json:"p99_ms"`
	OutageMS    float64 `json:"outage_ms"` // the longest time without any answer
	LostWrites  int     `json:"lost_acknowledged_writes"`
	StaleReads  int     `json:"stale_reads"`
	Violation   string  `json:"violation,omitempty"` // of what the protocol promises
	Seed        uint64  `json:"seed"`
	Contradicts string  `json:"contradicts,omitempty"` // what was claimed, and is not so
}

// A FaultTolerance is what is really survived, asked for or not.
type FaultTolerance struct {
	Asked     int    `json:"asked"`
	Crashes   int    `json:"crashes"`             // nodes that may be down, and all go on
	Liars     int    `json:"byzantine"`           //
	AnyRegion bool   `json:"any_region"`          // the loss of any one region is survived
	Then      *int   `json:"then,omitempty"`      // further nodes that may fail after the worst region is gone
	Durable   int    `json:"durable"`             // disks that may be lost, and no acknowledged write with them
	Condition string `json:"condition,omitempty"` // on which this holds
}

// A NRW says how many of a key's N replicas a read and a write wait for.
type NRW struct {
	N int `json:"n"`
	R int `json:"r"`
	W int `json:"w"`
}

// A Placement says where replicas and the leader are.
type Placement struct {
	Leader   string         `json:"leader,omitempty"` // the region from which clients wait least on average
	Replicas map[string]int `json:"replicas"`
}

// A Latency is what clients of a region wait for a write when nothing fails.
type Latency struct {
	Region  string  `json:"region,omitempty"`
	WriteMS float64 `json:"write_ms"`
	ReadMS  float64 `json:"read_ms"`
}

// An Availability is the chance that writes, and reads, are answered at a given
// moment, when nodes are down independently.
type Availability struct {
	Write       float64 `json:"write"`
	Read        float64 `json:"read"`
	DownMinutes float64 `json:"write_minutes_down_a_year"`
}

// A Staleness is how old a read may be.
type Staleness struct {
	Missed   float64 `json:"last_write_missed"`     // chance that a read of replicas drawn at random does not show it
	Versions int     `json:"versions_of_999"`       // a read is no more versions behind, 99.9 times in 100
	Fresh    float64 `json:"fresh_at_once"`         // chance that a read right after an acknowledgement shows the write
	WithinMS float64 `json:"fresh_of_999_after_ms"` // after which it does, 99.9 times in 100
	Bound    string  `json:"bound,omitempty"`       // in words, where these do not apply
}

// A Retry is how clients try again, and for how long servers must remember.
type Retry struct {
	Attempts     int     `json:"max_attempts"` // the first is one
	InitialMS    int     `json:"initial_delay_ms"`
	MaxMS        int     `json:"max_delay_ms"`
	Multiplier   float64 `json:"multiplier"`
	Jitter       float64 `json:"jitter_factor"`
	HorizonS     float64 `json:"horizon_seconds"`      // from the first try to the end of the last, at most
	DedupWindowS int     `json:"dedup_window_seconds"` // longer than the horizon
}

// A Scheme is how keys are placed.
type Scheme struct {
	Name string `json:"name"`
	Why  string `json:"why"`
	// Points a node on a ring, or bytes and requests a second from which a range splits.
	Points       int     `json:"points_per_node,omitempty"`
	Imbalance    float64 `json:"relative_deviation,omitempty"` // of a node's share of keys
	MovedByOne   float64 `json:"moved_by_one_node_more,omitempty"`
	SplitBytes   int     `json:"split_bytes,omitempty"`
	SplitRate    float64 `json:"split_requests_per_second,omitempty"`
	StaleRequest string  `json:"stale_request,omitempty"`
}

// An Alternative is a system that would do, too, and why it is not first.
type Alternative struct {
	Name string `json:"name"`
	For  string `json:"for"`
	Lost string `json:"lost"`
	Row  string `json:"-"`
	// Simulated is what the same scenarios came to with it, if it was run.
	Simulated string `json:"simulated,omitempty"`
}

// Evidence is a claim and what it rests on.
type Evidence struct {
	Claim   string `json:"claim"`
	Formula string `json:"formula,omitempty"`
	Seed    uint64 `json:"seed,omitempty"`
	Source  string `json:"source"`
	Value   string `json:"value"` // with its unit
	Command string `json:"command,omitempty"`
	Verdict string `json:"verdict"` // computed, measured, contradicted, not simulated
}

// The verdicts.
const (
	Computed     = "computed"
	Found        = "measured"
	Contradicted = "contradicted"
	NotSimulated = "not simulated"
)
