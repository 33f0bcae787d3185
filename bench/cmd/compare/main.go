// Command compare measures Althing beside its best peers, on this machine and
// in one run: only ratios within a run say anything, for machines differ and
// are shared. It builds what it measures, keeps its files in a directory of
// its own, and ends by itself.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"time"

	"github.com/alecthomas/kong"

	"althing/bench/durable"
	"althing/bench/floor"
	"althing/bench/result"
)

type commands struct {
	Run      run      `cmd:"" default:"withargs" help:"Measure, and print tables."`
	Member   member   `cmd:"" hidden:""`
	Follower follower `cmd:"" hidden:""`
}

type member struct {
	System string `required:""`
	ID     int    `required:""`
	Dir    string `required:""`
}

// Run is a child of ours.
func (m *member) Run() error { return durable.Member(m.System, m.ID, m.Dir, os.Stdin, os.Stdout) }

type follower struct {
	Dir string `required:""`
}

// Run is a child of ours.
func (f *follower) Run() error {
	return floor.Follower(f.Dir, os.Stdin, json.NewEncoder(os.Stdout).Encode)
}

// limit bounds a run, whatever hangs.
const limit = time.Hour

func main() {
	var c commands
	k := kong.Parse(&c, kong.Name("compare"),
		kong.Description("Measures Althing beside its best peers, all in one run."))
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt)
	defer stop()
	k.BindTo(ctx, (*context.Context)(nil))
	k.FatalIfErrorf(k.Run())
}

type run struct {
	Parts    []string      `default:"solo,floor,durable,groups,api" help:"What to measure: ${default}."`
	Systems  []string      `help:"Only these, of parts durable and groups."`
	InFlight []int         `default:"1,64,256,1000" help:"Proposals in flight, of parts durable and groups."`
	Rounds   int           `default:"3" help:"How often all is repeated, in turns; medians are printed."`
	Measure  time.Duration `default:"4s" help:"How long each load is measured."`
	Ready    time.Duration `default:"12s" help:"How long the largest load runs before all, of parts durable and groups."`
	Warm     time.Duration `default:"1s" help:"How long it runs before."`
	Dir      string        `default:"data" help:"Where files go: on the disk that is to be measured."`
	Output   string        `short:"o" default:"text" enum:"text,json" help:"text or json."`
	Into     string        `help:"A document: what stands in it between the marks is replaced by the tables."`
	Mark     string        `default:"compare" help:"The name in the marks."`
	Profile  string        `help:"A directory for profiles of leaders, of parts durable and groups."`
}

// Validate implements kong's check of flags.
func (r *run) Validate() error {
	for _, p := range r.Parts {
		if !slices.Contains(parts, p) {
			return fmt.Errorf("there is no part %q; there are %v", p, parts)
		}
	}
	if r.Rounds < 1 || r.Measure <= 0 || r.Warm < 0 {
		return errors.New("rounds and times must be positive")
	}
	return nil
}

// Run measures and prints. What was measured before an error is printed too.
func (r *run) Run(ctx context.Context) error {
	if err := os.MkdirAll(r.Dir, 0o700); err != nil {
		return fmt.Errorf("make the directory of files: %w", err)
	}
	if r.Profile != "" {
		if err := os.MkdirAll(r.Profile, 0o700); err != nil {
			return fmt.Errorf("make the directory of profiles: %w", err)
		}
	}
	report, err := r.measure(ctx)
	if r.Output == "json" {
		e := json.NewEncoder(os.Stdout)
		e.SetIndent("", "  ")
		return errors.Join(err, e.Encode(report))
	}
	var text bytes.Buffer
	to := io.MultiWriter(&text, os.Stdout)
	err = errors.Join(err, report.WriteText(to))
	if slices.Contains(r.Parts, "protocols") {
		simulate(to)
	}
	if r.Into != "" {
		err = errors.Join(err, result.Replace(r.Into, r.Mark, text.String()))
	}
	return err
}
