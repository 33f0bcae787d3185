package load

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"text/tabwriter"
	"time"
)

// A Report is what a run measured, the warm-up left out.
type Report struct {
	Workload    Workload `json:"workload"`
	Endpoints   []string `json:"endpoints"`
	Clients     int      `json:"clients"`
	Connections int      `json:"connections"`
	Rate        float64  `json:"rate,omitempty"` // asked for; 0: a closed loop
	KeyBytes    int      `json:"key_bytes"`
	ValueBytes  int      `json:"value_bytes"`
	Seconds     float64  `json:"seconds"`
	Retries     uint64   `json:"retries"` // those of the warm-up too
	Series      []Series `json:"series"`
	CPU         []CPU    `json:"cpu,omitempty"`
}

// A Series is all requests, or events, of one kind.
type Series struct {
	Operation  string            `json:"operation"`
	Count      uint64            `json:"count"` // that succeeded
	Throughput float64           `json:"per_second"`
	Latency    Quantiles         `json:"latency"` // from when it was due
	Service    Quantiles         `json:"service"` // from when it was sent
	Errors     map[string]uint64 `json:"errors,omitempty"`
}

// Quantiles are durations in milliseconds.
type Quantiles struct {
	Mean float64 `json:"mean_ms"`
	P50  float64 `json:"p50_ms"`
	P90  float64 `json:"p90_ms"`
	P99  float64 `json:"p99_ms"`
	P999 float64 `json:"p99_9_ms"`
	Max  float64 `json:"max_ms"`
}

// CPU is what one process spent while it was measured.
type CPU struct {
	Name      string  `json:"name"` // "generator" or "pid 123"
	Cores     float64 `json:"cores"`
	MicrosPer float64 `json:"us_per_operation"` // requests and events that succeeded
}

func millis(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func quantiles(h *Histogram) Quantiles {
	return Quantiles{Mean: millis(h.Mean()), P50: millis(h.Quantile(.5)), P90: millis(h.Quantile(.9)),
		P99: millis(h.Quantile(.99)), P999: millis(h.Quantile(.999)), Max: millis(h.Max())}
}

// Failed returns the requests that failed.
func (r *Report) Failed() (n uint64) {
	for _, s := range r.Series {
		for _, k := range s.Errors {
			n += k
		}
	}
	return n
}

// report sums up what the clients saw.
func (g *generator) report(took time.Duration, spent []spending) *Report {
	o := &g.o
	measured := max(took-g.warm, time.Nanosecond)
	r := &Report{Workload: o.Workload, Endpoints: o.Endpoints, Clients: o.Clients, Connections: o.Connections,
		Rate: o.Rate, KeyBytes: o.KeyBytes, ValueBytes: o.ValueBytes, Seconds: measured.Seconds()}
	var all uint64
	for op := range operations {
		var sum series
		sum.errors = make(map[string]uint64)
		for i := range g.tallies {
			s := &g.tallies[i].series[op]
			sum.latency.Merge(&s.latency)
			sum.service.Merge(&s.service)
			for kind, n := range s.errors {
				sum.errors[kind] += n
			}
		}
		if sum.latency.Count() == 0 && len(sum.errors) == 0 {
			continue
		}
		all += sum.latency.Count()
		r.Series = append(r.Series, Series{
			Operation: operationNames[op], Count: sum.latency.Count(), Errors: sum.errors,
			Throughput: float64(sum.latency.Count()) / measured.Seconds(),
			Latency:    quantiles(&sum.latency), Service: quantiles(&sum.service),
		})
	}
	for i := range g.tallies {
		r.Retries += g.tallies[i].retries
	}
	for _, s := range spent {
		r.CPU = append(r.CPU, CPU{Name: s.name, Cores: s.cpu.Seconds() / max(s.over.Seconds(), 1e-9),
			MicrosPer: float64(s.cpu.Microseconds()) / float64(max(all, 1))})
	}
	return r
}

// WriteText writes the report for people.
func (r *Report) WriteText(w io.Writer) error {
	mode := "closed loop"
	if r.Rate > 0 {
		mode = fmt.Sprintf("%g/s asked for", r.Rate)
	}
	fmt.Fprintf(w, "%s, %s, %d clients on %d connections, %d B keys, %d B values, %.1f s, %d retries\n\n",
		r.Workload, mode, r.Clients, r.Connections, r.KeyBytes, r.ValueBytes, r.Seconds, r.Retries)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "\tcount\tper second\tmean ms\tp50\tp90\tp99\tp99.9\tmax\terrors\t")
	for i := range r.Series {
		s := &r.Series[i]
		var errors uint64
		for _, n := range s.Errors {
			errors += n
		}
		row := func(name string, q *Quantiles, tail string) {
			fmt.Fprintf(t, "%s\t%.2f\t%.2f\t%.2f\t%.2f\t%.2f\t%.2f\t%s\t\n", name, q.Mean, q.P50, q.P90, q.P99, q.P999,
				q.Max, tail)
		}
		row(fmt.Sprintf("%s\t%d\t%.0f", s.Operation, s.Count, s.Throughput), &s.Latency, fmt.Sprint(errors))
		if r.Rate > 0 && s.Operation != operationNames[opEvent] {
			row("once sent\t\t", &s.Service, "")
		}
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for i := range r.Series {
		for _, kind := range slices.Sorted(maps.Keys(r.Series[i].Errors)) {
			fmt.Fprintf(w, "%s failed %d times: %s\n", r.Series[i].Operation, r.Series[i].Errors[kind], kind)
		}
	}
	for _, c := range r.CPU {
		fmt.Fprintf(w, "\nCPU of %s: %.2f cores, %.1f µs an operation", c.Name, c.Cores, c.MicrosPer)
	}
	_, err := fmt.Fprintln(w)
	return err
}

// A moment is how far a run had come.
type moment struct {
	at            time.Duration
	warming       bool
	total, errors uint64
	recent        Histogram
}

// moment looks at all tallies, and empties what is recent of them.
func (g *generator) moment() (m moment) {
	m.at = time.Since(g.began)
	m.warming = m.at < g.warm
	for i := range g.tallies {
		t := &g.tallies[i]
		t.mu.Lock()
		m.total += t.total
		m.errors += t.errors
		m.recent.Merge(&t.recent)
		t.recent = Histogram{}
		t.mu.Unlock()
	}
	return m
}

// since returns the progress from an earlier moment to this one.
func (m *moment) since(before *moment) Progress {
	return Progress{Elapsed: m.at, Warming: m.warming, Errors: m.errors - before.errors,
		Rate: float64(m.total-before.total) / max((m.at-before.at).Seconds(), 1e-9),
		P50:  m.recent.Quantile(.5), P99: m.recent.Quantile(.99)}
}
