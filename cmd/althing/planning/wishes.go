package planning

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/goccy/go-yaml"

	"althing/internal/terminal"
)

// wishes are what flags say: nothing, if they are not given.
type wishes struct {
	Problem       *string
	Nodes         *int           `short:"n"`
	Tolerate      *int           `short:"f"`
	Regions       []string       `placeholder:"NAME,…"`
	SurviveRegion *bool          `negatable:""`
	Consistency   *string        `short:"c"`
	Latency       *time.Duration `placeholder:"TIME"`
	RTT           []string       `name:"rtt" placeholder:"FROM:TO=TIME"`
	Partitions    *float64       `placeholder:"CHANCE"`
	Byzantine     *bool          `negatable:""`
	Available     *bool          `negatable:""`
	Reads         *float64       `placeholder:"SHARE"`
	RequestBytes  *int           `placeholder:"N"`
	Rate          *float64       `placeholder:"N"`
	DataType      *string        `placeholder:"TYPE"`
	Scans         *bool          `negatable:""`
	Pinning       *bool          `negatable:""`
	Loss          *bool          `negatable:""`
	Uncertainty   *time.Duration `placeholder:"TIME"`
	Down          *float64       `placeholder:"CHANCE"`
	Flush         *time.Duration `placeholder:"TIME"`
}

// over returns the document with the wishes in it, where there are any. A
// document that cannot be read is left as it is: whoever parses it says why.
func (w *wishes) over(text []byte) ([]byte, error) {
	context := map[string]any{}
	wished := 0
	put := func(value any, path ...string) {
		wished++
		m := context
		for _, name := range path[:len(path)-1] {
			inner, ok := m[name].(map[string]any)
			if !ok {
				inner = map[string]any{}
				m[name] = inner
			}
			m = inner
		}
		m[path[len(path)-1]] = value
	}
	document := map[string]any{}
	if len(text) > 0 {
		if yaml.Unmarshal(text, &document) != nil {
			return text, nil
		}
		if c, ok := document["distributed_context"].(map[string]any); ok {
			context = c
		}
	}
	if err := w.each(put); err != nil {
		return nil, err
	}
	if wished == 0 && len(text) > 0 {
		return text, nil
	}
	if wished == 0 {
		return nil, terminal.Usage(fmt.Errorf("nothing is required: give a file, or --problem and --nodes at least"))
	}
	document["distributed_context"] = context
	return json.Marshal(document)
}

// each hands every wish to put, with its place.
func (w *wishes) each(put func(value any, path ...string)) error {
	const cluster, network, workload, environment = "cluster_config", "network_assumptions", "workload", "environment"
	given(w.Problem, put, "problem_type")
	given(w.Nodes, put, cluster, "nodes")
	given(w.Tolerate, put, cluster, "failure_tolerance")
	if len(w.Regions) > 0 {
		put(w.Regions, cluster, "regions")
	}
	given(w.SurviveRegion, put, cluster, "survive_region")
	given(w.Consistency, put, "consistency_requirement")
	if w.Latency != nil {
		if *w.Latency%time.Millisecond != 0 || *w.Latency <= 0 {
			return terminal.Wrong("latency", *w.Latency, "expected whole milliseconds, from 1ms on")
		}
		put(w.Latency.Milliseconds(), network, "latency_ms")
	}
	for _, trip := range w.RTT {
		ways, span, _ := strings.Cut(trip, "=")
		from, to, ok := strings.Cut(ways, ":")
		d, err := time.ParseDuration(span)
		if !ok || err != nil || from == "" || to == "" {
			return terminal.Wrong("rtt", trip, "expected two regions and a time, such as fra:ams=7.5ms")
		}
		put(inMS(d), network, "rtt_ms", from, to)
	}
	given(w.Partitions, put, network, "partition_probability")
	given(w.Byzantine, put, network, "byzantine")
	given(w.Available, put, network, "available_in_partition")
	given(w.Reads, put, workload, "read_fraction")
	given(w.RequestBytes, put, workload, "request_bytes")
	given(w.Rate, put, workload, "requests_per_second")
	given(w.DataType, put, workload, "data_type")
	given(w.Scans, put, workload, "scans")
	given(w.Pinning, put, workload, "pinning")
	given(w.Loss, put, workload, "loss_acceptable")
	span(w.Uncertainty, put, environment, "clock_uncertainty_ms")
	given(w.Down, put, environment, "node_failure_probability")
	span(w.Flush, put, environment, "flush_ms")
	return nil
}

func given[T any](value *T, put func(any, ...string), path ...string) {
	if value != nil {
		put(*value, path...)
	}
}

func span(d *time.Duration, put func(any, ...string), path ...string) {
	if d != nil {
		put(inMS(*d), path...)
	}
}

func inMS(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
