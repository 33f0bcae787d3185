package calc

import (
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"time"

	"althing/internal/terminal"
	"althing/quorum"
	"althing/quorum/forecast"
)

type availabilityCommand struct {
	Nodes      []int   `short:"n" default:"3"`
	Quorum     int     `short:"q" placeholder:"N"`
	Down       float64 `default:"0.01"`
	RegionDown float64 `placeholder:"CHANCE"`
	form
}

// Help has examples.
func (availabilityCommand) Help() string {
	return `Nodes that fail independently, and regions that fail as one:

  althing calc availability --nodes 5 --down 0.01
  althing calc availability --nodes 2,2,1 --down 0.01 --region-down 0.001
  althing calc availability --nodes 3 --quorum 3 -o json`
}

type availability struct {
	Nodes       []int    `json:"nodes"` // by region
	Quorum      int      `json:"quorum"`
	NodeDown    float64  `json:"node_down"`
	RegionDown  float64  `json:"region_down"`
	Unavailable float64  `json:"unavailable"`
	Nines       *float64 `json:"nines"` // null: it never happens
	Downtime    float64  `json:"downtime_minutes_per_year"`
	Regions     int      `json:"survives_regions"`
	Besides     int      `json:"survives_nodes_besides"`
	AnyNodes    int      `json:"survives_nodes"`
}

// Run adds up what may fail.
func (c *availabilityCommand) Run(to *terminal.Output) error {
	all := 0
	var places []forecast.Place
	for _, n := range c.Nodes {
		if err := whole("nodes", n, 1, forecast.MaxNodes); err != nil {
			return err
		}
		all += n
		places = append(places, forecast.Place{Nodes: n, Down: c.RegionDown, Node: c.Down})
	}
	if c.Quorum == 0 {
		c.Quorum = quorum.Majority(all)
	}
	if err := errors.Join(whole("nodes", all, 1, forecast.MaxNodes), whole("quorum", c.Quorum, 1, all),
		share("down", c.Down), share("region-down", c.RegionDown)); err != nil {
		return err
	}
	got, err := forecast.Available(c.Quorum, places...)
	if err != nil {
		return terminal.Usage(err)
	}
	a := availability{Nodes: c.Nodes, Quorum: c.Quorum, NodeDown: c.Down, RegionDown: c.RegionDown,
		Unavailable: rounded(got.Unavailable), Nines: finite(got.Nines),
		Downtime: rounded(got.Downtime().Minutes()),
		AnyNodes: all - c.Quorum}
	a.Regions, a.Besides = forecast.Survives(c.Quorum, c.Nodes...)
	return c.print(to, a)
}

func (a availability) text(w io.Writer) {
	sum := strings.ReplaceAll(strings.Trim(fmt.Sprint(a.Nodes), "[]"), " ", "+")
	line(w, "quorum", "%d of %s nodes", a.Quorum, sum)
	line(w, "up", "%s of the time", rest(a.Unavailable))
	if a.Nines == nil {
		line(w, "nines", "all: it never fails")
	} else {
		line(w, "nines", "%.2f", *a.Nines)
	}
	down := time.Duration(math.Round(a.Downtime * float64(time.Minute)))
	line(w, "down", "%v a year, on average", brief(down))
	line(w, "survives", "any %s", count(a.AnyNodes, "node"))
	if len(a.Nodes) > 1 {
		line(w, "", "any %s, and after that any %s", count(a.Regions, "region"), count(a.Besides, "node"))
	}
}
