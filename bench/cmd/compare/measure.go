package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"althing/bench/durable"
	"althing/bench/floor"
	"althing/bench/result"
	"althing/bench/solo"
	"althing/protocol"
)

// parts are what can be measured, in this order.
var parts = []string{"solo", "floor", "durable", "groups", "api", "protocols"}

// served are the protocols of part protocols: those that a store can
// stand on, and that survive the loss of a member.
func served() (names []string) {
	for _, p := range protocol.All {
		if f := &p.Facts; f.Serves() && f.Replicas(1) > 0 {
			names = append(names, p.Name)
		}
	}
	return names
}

// measure takes every round of every part, one system after another, so that
// what else the machine does falls on all of them alike. What fails is left out
// and reported at the end: it costs its own row, not the run.
func (r *run) measure(ctx context.Context) (*result.Report, error) {
	report := &result.Report{Machine: machine(r.Dir)}
	err := r.rounds(ctx, report)
	report.Rows = result.Medians(report.Rows)
	report.Verdicts = judge(report.Rows)
	return report, err
}

func (r *run) rounds(ctx context.Context, report *result.Report) error {
	path, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find this program: %w", err)
	}
	dir, err := filepath.Abs(r.Dir)
	if err != nil {
		return err
	}
	var failed []error
	for round := range r.Rounds {
		for _, p := range parts {
			if !slices.Contains(r.Parts, p) {
				continue
			}
			fmt.Fprintf(os.Stderr, "round %d of %d: %s\n", round+1, r.Rounds, p)
			rows, err := r.part(ctx, p, path, dir)
			report.Rows = append(report.Rows, rows...)
			if ctx.Err() != nil {
				return err
			}
			if err != nil {
				failed = append(failed, fmt.Errorf("round %d: %w", round+1, err))
			}
		}
	}
	return errors.Join(failed...)
}

func (r *run) part(ctx context.Context, part, path, dir string) ([]result.Row, error) {
	switch part {
	case "solo":
		return solo.Measure(r.Measure / 4) // steady: no disk, no other process
	case "floor":
		return floor.Measure(ctx, []string{path, "follower"}, dir, r.Measure)
	case "protocols":
		three, err := r.durable(ctx, path, dir, 3, served()...)
		five, failed := r.durable(ctx, path, dir, 5, served()...)
		return append(three, five...), errors.Join(err, failed)
	case "durable":
		return r.durable(ctx, path, dir, 3, durable.Althing, durable.AlthingCalls, durable.Hashicorp,
			durable.HashicorpTuned)
	case "groups":
		return r.durable(ctx, path, dir, 3, durable.Althing48)
	}
	return r.api(ctx, dir)
}

func (r *run) durable(ctx context.Context, path, dir string, members int, systems ...string) (rows []result.Row, err error) {
	o := durable.Options{
		Self: []string{path, "member"}, Dir: dir, Members: members, InFlight: r.InFlight, Ready: r.Ready, Warm: r.Warm, Measure: r.Measure,
		Profile: r.Profile,
	}
	for _, s := range systems {
		if len(r.Systems) > 0 && !slices.Contains(r.Systems, s) {
			continue
		}
		got, failed := durable.Measure(ctx, s, &o)
		rows = append(rows, got...)
		if err = errors.Join(err, failed); ctx.Err() != nil {
			break
		}
	}
	return rows, err
}
