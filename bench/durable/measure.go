package durable

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"althing/bench/child"
	"althing/bench/result"
)

// Part is what rows of this package are of, with three members.
const Part = "raw proposals, three processes, durable, 256 B"

// part is what rows are of.
func (o *Options) part() string {
	if n := o.members(); n != members {
		return fmt.Sprintf("raw proposals, %d processes, durable, 256 B", n)
	}
	return Part
}

func (o *Options) members() int { return cmp.Or(o.Members, members) }

// Options say how to measure.
type Options struct {
	Self     []string // the command line, without what Args adds, that runs Member
	Dir      string   // on the disk that is to be measured
	Members  int      // 3 if 0
	InFlight []int
	Ready    time.Duration // the largest load runs so long before all: a log has gone round by then
	Warm     time.Duration // each load runs so long before it is measured
	Measure  time.Duration
	Profile  string // a directory for profiles of the members; none if empty
}

// Args returns the arguments by which a member is told who it is.
func Args(system string, id int, dir string) []string {
	return []string{"--system", system, "--id", strconv.Itoa(id), "--dir", dir}
}

// Load names a load in a row.
func Load(inFlight int) string { return fmt.Sprintf("%d in flight", inFlight) }

const (
	members = 3
	grace   = 5 * time.Second // for a member to end by itself
)

// A cluster is the members of one system.
type cluster struct {
	name    string
	members []*child.Child
	logs    []*os.File
}

// Measure starts a cluster in a directory of its own, measures it under each
// load, and ends it. Rows that were measured before an error are returned too.
func Measure(ctx context.Context, system string, o *Options) (rows []result.Row, err error) {
	dir, err := os.MkdirTemp(o.Dir, "durable-")
	if err != nil {
		return nil, fmt.Errorf("make a directory: %w", err)
	}
	defer os.RemoveAll(dir)
	c := &cluster{name: system}
	defer func() { err = errors.Join(err, c.stop()) }()
	if err := c.start(ctx, o, dir); err != nil {
		return nil, fmt.Errorf("start %s: %w", system, err)
	}
	if o.Ready > 0 && len(o.InFlight) > 0 {
		ready := *o
		ready.Warm, ready.Measure, ready.Profile = 0, o.Ready, ""
		if _, err := c.run(&ready, slices.Max(o.InFlight)); err != nil {
			return nil, fmt.Errorf("make %s ready: %w", system, err)
		}
	}
	for _, n := range o.InFlight {
		row, err := c.run(o, n)
		if err != nil {
			return rows, fmt.Errorf("%s, %s: %w", system, Load(n), err)
		}
		rows = append(rows, row)
	}
	return rows, nil
}

func (c *cluster) start(ctx context.Context, o *Options, dir string) error {
	var peers []string
	for id := 1; id <= o.members(); id++ {
		own := filepath.Join(dir, strconv.Itoa(id))
		log, err := os.Create(own + ".log")
		if err != nil {
			return err
		}
		c.logs = append(c.logs, log)
		args := append(o.Self[1:len(o.Self):len(o.Self)], Args(c.name, id, own)...)
		m, err := child.Start(ctx, log, o.Self[0], args...)
		if err != nil {
			return err
		}
		c.members = append(c.members, m)
		var h hello
		if err := m.Hear(&h); err != nil {
			return c.tell(id, err)
		}
		peers = append(peers, h.Addr)
	}
	for _, m := range c.members {
		if err := m.Tell(order{Peers: peers}); err != nil {
			return err
		}
	}
	for i := range c.members {
		if _, err := c.hear(i); err != nil {
			return err
		}
	}
	return nil
}

// hear hears an answer of the member at i.
func (c *cluster) hear(i int) (a answer, err error) {
	if err := c.members[i].Hear(&a); err != nil {
		return a, c.tell(i+1, err)
	}
	if a.Err != "" {
		return a, fmt.Errorf("member %d: %s", i+1, a.Err)
	}
	return a, nil
}

// tell adds the last that a member wrote to its log to an error.
func (c *cluster) tell(id int, err error) error {
	const last = 2000
	b, e := os.ReadFile(c.logs[id-1].Name())
	if e != nil {
		return errors.Join(err, e)
	}
	return fmt.Errorf("member %d: %w: %s", id, err, b[max(0, len(b)-last):])
}

// run measures one load.
func (c *cluster) run(o *Options, inFlight int) (result.Row, error) {
	run := order{InFlight: inFlight, Warm: o.Warm, Measure: o.Measure}
	if o.Profile != "" {
		run.Profile = filepath.Join(o.Profile, fmt.Sprintf("%s-%d", plain(c.name), inFlight))
	}
	if err := c.members[0].Tell(run); err != nil {
		return result.Row{}, err
	}
	if _, err := c.hear(0); err != nil { // the warm-up is over
		return result.Row{}, err
	}
	before, err := c.cpu()
	if err != nil {
		return result.Row{}, err
	}
	began := time.Now()
	a, err := c.hear(0)
	if err != nil {
		return result.Row{}, err
	}
	after, err := c.cpu()
	if err != nil {
		return result.Row{}, err
	}
	// What was in flight at either end belongs to the time as much as what was
	// counted, so the rate is what the CPU time is divided by.
	rate := float64(a.Count) / a.Seconds
	return result.Row{
		Part: o.part(), System: c.name, Load: Load(inFlight), PerSecond: rate,
		P50: float64(a.P50.Nanoseconds()) / 1e3, P99: float64(a.P99.Nanoseconds()) / 1e3,
		CPU: (after - before).Seconds() * 1e6 / (rate * time.Since(began).Seconds()),
	}, nil
}

// plain makes a name fit for a file.
func plain(name string) string {
	return strings.NewReplacer("/", "-", " ", "-").Replace(name)
}

// cpu returns the time that all members have spent.
func (c *cluster) cpu() (sum time.Duration, err error) {
	for _, m := range c.members {
		t, err := m.CPU()
		if err != nil {
			return 0, err
		}
		sum += t
	}
	return sum, nil
}

func (c *cluster) stop() (err error) {
	for _, m := range c.members {
		err = errors.Join(err, m.Stop(grace))
	}
	for _, l := range c.logs {
		err = errors.Join(err, l.Close())
	}
	return err
}
