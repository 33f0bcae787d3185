package main

import (
	"fmt"

	"althing/bench/api"
	"althing/bench/durable"
	"althing/bench/floor"
	"althing/bench/result"
	"althing/load"
)

// judge holds what was measured against what is aimed at. A goal whose rows
// are not there is left out.
func judge(rows []result.Row) []result.Verdict {
	j := judgement{rows: rows}
	j.proposals()
	j.groups()
	j.calls()
	return j.verdicts
}

type judgement struct {
	rows     []result.Row
	verdicts []result.Verdict
}

func (j *judgement) add(v result.Verdict) { j.verdicts = append(j.verdicts, v) }

// both finds two rows of one part and load.
func (j *judgement) both(part, a, b, load string) (ra, rb result.Row, ok bool) {
	ra, okA := result.Find(j.rows, part, a, load)
	rb, okB := result.Find(j.rows, part, b, load)
	return ra, rb, okA && okB
}

// proposals judges our rows of either way to propose. Theirs wait.
func (j *judgement) proposals() {
	for _, ours := range []string{durable.Althing, durable.AlthingCalls} {
		for _, peer := range []string{durable.Hashicorp, durable.HashicorpTuned} {
			for _, n := range []int{64, 256, 1000} {
				a, b, ok := j.both(durable.Part, ours, peer, durable.Load(n))
				if ok && b.PerSecond > 0 {
					j.add(result.AtLeast(fmt.Sprintf("%s against %s, %s", ours, peer, durable.Load(n)),
						a.PerSecond/b.PerSecond, 3))
				}
			}
		}
		if a, ok := result.Find(j.rows, durable.Part, ours, durable.Load(1000)); ok {
			j.add(result.AtMost(ours+": CPU µs a proposal, all members, 1000 in flight", a.CPU, 8))
		}
		a, okA := result.Find(j.rows, durable.Part, ours, durable.Load(1))
		f, okF := result.Find(j.rows, floor.Part, floor.Sum, floor.One)
		if okA && okF && f.P50 > 0 {
			j.add(result.AtMost(ours+": p50 against the floor, 1 in flight", a.P50/f.P50, 1.5))
		}
	}
}

func (j *judgement) groups() {
	for _, n := range []int{64, 256, 1000} {
		a, b, ok := j.both(durable.Part, durable.Althing48, durable.Althing, durable.Load(n))
		if ok && b.PerSecond > 0 {
			j.add(result.AtLeast(fmt.Sprintf("48 groups against 1, %d in flight", n), a.PerSecond/b.PerSecond, 0.6))
		}
	}
}

// calls judges the etcd API.
func (j *judgement) calls() {
	for _, l := range api.Loads {
		a, b, ok := j.both(api.Part, althing, etcd, l.Name)
		if !ok || b.PerSecond == 0 || b.P99 == 0 {
			continue
		}
		switch goal := 2.0; {
		case l.Workload == load.Put && l.Clients < 256:
		case l.Workload == load.Get || l.Workload == load.GetSerializable:
			goal = 1.5
			fallthrough
		case l.Workload == load.Put:
			j.add(result.AtLeast(l.Name+", against etcd", a.PerSecond/b.PerSecond, goal))
		}
		if l.Workload == load.Put {
			j.add(result.AtMost(l.Name+", p99 against etcd", a.P99/b.P99, 1))
		}
	}
}
