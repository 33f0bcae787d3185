package main

import (
	"fmt"
	"io"
	"slices"
	"time"

	"althing/bench/result"
	"althing/protocol"
	"althing/sim"
)

// simulated are the scenarios that the protocols are held side by side in, of
// those of "althing sim compare".
var simulated = []string{"steady", "leader-crash", "wan"}

// simulate writes what the protocols come to in virtual time, for what cannot
// be measured here: messages are counted, and networks are wide.
func simulate(w io.Writer) {
	for _, nodes := range []int{3, 5} {
		fmt.Fprintf(w, "\n**simulated, %d replicas, 200 puts a second**\n\n", nodes)
		fmt.Fprintln(w, "| protocol | messages/op | bytes/op | flushes/op | p50 ms | p99 ms | "+
			"outage after a leader's crash, ms | wide area p50 ms | p99 ms |")
		fmt.Fprintln(w, "|---|---:|---:|---:|---:|---:|---:|---:|---:|")
		for _, name := range served() {
			p, _ := protocol.Find(name)
			var m []sim.Measured
			for _, s := range simulated {
				i := slices.IndexFunc(sim.Scenarios, func(have sim.Scenario) bool { return have.Name == s })
				m = append(m, sim.Measure(p, sim.Trial{Scenario: sim.Scenarios[i], Nodes: nodes, Seed: 1}))
			}
			steady, wan := &m[0].Phases[0], &m[2].Phases[0]
			fmt.Fprintf(w, "| %s | %s | %s | %s | %s | %s | %s | %s | %s |\n", name, result.Number(m[0].Messages),
				result.Number(m[0].Bytes), result.Number(m[0].Flushes), ms(steady.P50), ms(steady.P99),
				ms(m[1].Outage), ms(wan.P50), ms(wan.P99))
		}
	}
}

func ms(d time.Duration) string { return result.Number(float64(d) / 1e6) }
