package main

import (
	"fmt"
	"io"
	"strconv"
	"text/tabwriter"

	"althing/cmd/althing/compare"
	"althing/process"
	"althing/protocol"
)

type simCommands struct {
	Run     simCommand      `cmd:"" default:"withargs" help:"Simulate under faults; this is what sim does by itself."`
	Compare compare.Command `cmd:"" help:"Hold protocols side by side under one scenario."`
}

var faultNames = map[process.FaultModel]string{process.Crash: "crashes", process.Byzantine: "lies"}

var orderNames = map[process.Order]string{process.Eventual: "none, all in the end",
	process.Probabilistic: "total, almost surely", process.Partial: "of what conflicts", process.Total: "total"}

// catalog prints what is promised of each protocol.
func catalog(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "protocol\tsurvives\treplicas for 1, 2\torder\tdelays\tmessages of 3, 5\tpaper")
	for _, p := range protocol.All {
		f := p.Facts
		size := func(n int) string {
			if k := f.Replicas(n); k > 0 {
				return strconv.Itoa(k)
			}
			return "-"
		}
		fmt.Fprintf(t, "%s\t%s\t%s, %s\t%s\t%d\t%d, %d\t%s\n", p.Name, faultNames[f.Faults], size(1), size(2),
			orderNames[f.Order], f.Rounds, f.Messages(3), f.Messages(5), p.Paper)
	}
	return t.Flush()
}
