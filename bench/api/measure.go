package api

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"althing/bench/result"
	"althing/load"
)

// Part is what rows of this package are of.
const Part = "etcd API, three processes, durable, 256 B, 8 connections to the leader"

// A Load is what clients do.
type Load struct {
	Name     string
	Workload load.Workload
	Clients  int
	Watchers int
}

// Loads are what is measured.
var Loads = []Load{
	{"put, 64 clients", load.Put, 64, 0},
	{"put, 256 clients", load.Put, 256, 0},
	{"put, 1000 clients", load.Put, 1000, 0},
	{"linearizable get, 256 clients", load.Get, 256, 0},
	{"linearizable get, 1000 clients", load.Get, 1000, 0},
	{"serializable get, 256 clients", load.GetSerializable, 256, 0},
	{"events, 1 writer, 1000 watchers", load.Watch, 1, 1000},
}

// Options say how to measure.
type Options struct {
	Dir           string // on the disk that is to be measured
	Warm, Measure time.Duration
}

// Measure starts a cluster of each server, and gives each load to one after
// the other. Rows that were measured before an error are returned too.
func Measure(ctx context.Context, servers []Server, o Options) (rows []result.Row, err error) {
	// The clients share the machine with the servers: as little of it as can be.
	defer debug.SetGCPercent(debug.SetGCPercent(400))
	dir, err := os.MkdirTemp(o.Dir, "api-")
	if err != nil {
		return nil, fmt.Errorf("make a directory: %w", err)
	}
	defer os.RemoveAll(dir)
	var clusters []*Cluster
	defer func() {
		for _, c := range clusters {
			if e := c.Stop(); e != nil && err == nil {
				err = fmt.Errorf("stop %s: %w", c.name, e)
			}
		}
	}()
	for i, s := range servers {
		c, err := Start(ctx, s, filepath.Join(dir, strconv.Itoa(i)))
		if err != nil {
			return nil, err
		}
		clusters = append(clusters, c)
	}
	for _, l := range Loads {
		for _, c := range clusters {
			row, err := c.measure(ctx, l, o)
			if err != nil {
				return rows, fmt.Errorf("%s, %s: %w", c.name, l.Name, c.told(err))
			}
			rows = append(rows, row)
		}
	}
	return rows, nil
}

func (c *Cluster) measure(ctx context.Context, l Load, o Options) (result.Row, error) {
	leader, err := c.Leader(ctx)
	if err != nil {
		return result.Row{}, err
	}
	report, err := load.Run(ctx, load.Options{
		Endpoints: []string{leader}, Workload: l.Workload, Clients: l.Clients, Connections: 8,
		Watchers: max(l.Watchers, 1), Duration: o.Measure, Warmup: o.Warm, PIDs: c.PIDs(),
	}, nil)
	if err != nil {
		return result.Row{}, err
	}
	row := result.Row{Part: Part, System: c.name, Load: l.Name, Errors: report.Failed()}
	for _, s := range report.Series { // of a watch, the last: events
		const micros = 1000 // in a millisecond
		row.PerSecond, row.P50, row.P99 = s.Throughput, s.Latency.P50*micros, s.Latency.P99*micros
	}
	for _, p := range report.CPU {
		if strings.HasPrefix(p.Name, "pid ") {
			row.CPU += p.MicrosPer
		}
	}
	return row, nil
}
