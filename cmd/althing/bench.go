package main

import (
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"althing/internal/terminal"
	"althing/load"
	"althing/member"
)

type benchCommand struct {
	Workload  string   `arg:"" enum:"put,get,get-serializable,mixed,watch"`
	Endpoints []string `default:"127.0.0.1:2379"`
	Clients   int      `default:"64"`
	Conns     int      `default:"8"`
	Rate      float64
	Duration  time.Duration `default:"10s"`
	Warmup    time.Duration `default:"1s"`
	Requests  uint64
	Keys      int           `default:"10000"`
	KeySize   int           `default:"24"`
	ValueSize int           `default:"256"`
	Reads     float64       `default:"0.9"`
	Watchers  int           `default:"100"`
	Timeout   time.Duration `default:"10s"`
	Seed      uint64        `default:"1"`
	PID       []int         `name:"pid"`
	Output    string        `short:"o" enum:"text,json" default:"text"`

	CACert string `name:"cacert" placeholder:"FILE"`
	Cert   string `placeholder:"FILE"`
	Key    string `placeholder:"FILE"`
}

// Run asks for work and prints how it went. A request that failed makes a bad
// answer.
func (b *benchCommand) Run(to *terminal.Output) error {
	for _, v := range []struct {
		flag  string
		value int64
	}{
		{"clients", int64(b.Clients)}, {"conns", int64(b.Conns)}, {"keys", int64(b.Keys)},
		{"key-size", int64(b.KeySize)}, {"value-size", int64(b.ValueSize)}, {"watchers", int64(b.Watchers)},
		{"duration", int64(b.Duration)}, {"timeout", int64(b.Timeout)},
	} {
		if v.value <= 0 {
			return terminal.Wrong(v.flag, v.value, "expected more than 0")
		}
	}
	files := member.TLS{Cert: b.Cert, Key: b.Key, CA: b.CACert}
	config, err := files.Client()
	if err != nil {
		return terminal.Usage(err)
	}
	o := load.Options{
		Endpoints: b.Endpoints, TLS: config, Workload: load.Workload(b.Workload), Clients: b.Clients,
		Connections: min(b.Conns, max(b.Clients, 1)), Rate: b.Rate, Duration: b.Duration, Warmup: b.Warmup,
		Requests: b.Requests, Keys: b.Keys, KeyBytes: b.KeySize, ValueBytes: b.ValueSize, Reads: b.Reads,
		Watchers: b.Watchers, Timeout: b.Timeout, Seed: b.Seed, PIDs: b.PID,
	}
	if o.Warmup == 0 {
		o.Warmup = -1 // none
	}
	var progress func(load.Progress)
	if terminal.Interactive(to.Err) {
		progress = func(p load.Progress) {
			phase := ""
			if p.Warming {
				phase = " (warming up)"
			}
			fmt.Fprintf(to.Err, "\r%4.0fs %9.0f/s   p50 %v   p99 %v   %d errors%s   ", p.Elapsed.Seconds(), p.Rate,
				p.P50.Round(10*time.Microsecond), p.P99.Round(10*time.Microsecond), p.Errors, phase)
		}
	}
	ctx, stop := interrupted()
	defer stop()
	// It shares the machine with what it measures, and keeps little in memory.
	defer debug.SetGCPercent(debug.SetGCPercent(400))
	r, err := load.Run(ctx, o, progress)
	if progress != nil {
		fmt.Fprintln(to.Err)
	}
	var option *load.OptionError
	if errors.As(err, &option) {
		return terminal.Usage(err)
	}
	if err != nil {
		return err
	}
	if b.Output == "json" {
		err = to.JSON(r)
	} else {
		err = r.WriteText(to.Out)
	}
	if n := r.Failed(); n > 0 && err == nil {
		err = fmt.Errorf("%d requests failed", n)
	}
	return err
}
