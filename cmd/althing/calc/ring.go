package calc

import (
	"errors"
	"fmt"
	"io"
	"math"

	"althing/internal/terminal"
	"althing/partition"
)

type ringCommand struct {
	Nodes  int `short:"n" default:"5"`
	Points int `default:"100"`
	form
}

// Help has examples.
func (ringCommand) Help() string {
	return `How evenly consistent hashing spreads keys over nodes, by formula and on a ring of nodes
that are called n1, n2, …; and what another node would take over:

  althing calc ring --nodes 5
  althing calc ring --nodes 12 --points 400 -o json`
}

// A ring is how keys lie on one.
type ring struct {
	Nodes     int                `json:"nodes"`
	Points    int                `json:"points_per_node"`
	Deviation float64            `json:"relative_deviation"` // of a share, expected
	Found     float64            `json:"relative_deviation_of_these"`
	Moved     float64            `json:"moved_by_one_more"` // share of all keys, expected
	Shares    map[string]float64 `json:"shares"`
}

// deviation is the standard deviation of a node's share of a ring, as a part of the
// mean share: shares are Beta(v, (n-1)v), for n nodes with v points each.
func deviation(nodes, points int) float64 {
	n, v := float64(nodes), float64(points)
	return math.Sqrt((n - 1) / (n*v + 1))
}

// Run says what is expected, and what becomes of nodes with plain names.
func (c *ringCommand) Run(to *terminal.Output) error {
	err := errors.Join(whole("nodes", c.Nodes, 1, 1000), whole("points", c.Points, 1, 10_000))
	if err != nil {
		return err
	}
	nodes := make([]partition.Node, c.Nodes)
	for i := range nodes {
		nodes[i] = partition.Node{ID: fmt.Sprint("n", i+1), Weight: 1}
	}
	r, err := partition.NewRing(c.Points, nodes...)
	if err != nil {
		return terminal.Usage(err)
	}
	a := ring{Nodes: c.Nodes, Points: c.Points, Deviation: rounded(deviation(c.Nodes, c.Points)),
		Moved: rounded(1 / float64(c.Nodes+1)), Shares: map[string]float64{}}
	mean, sum := 1/float64(c.Nodes), 0.
	for i, s := range r.Shares() {
		a.Shares[r.Nodes()[i].ID] = rounded(s)
		sum += (s/mean - 1) * (s/mean - 1)
	}
	a.Found = rounded(math.Sqrt(sum / float64(c.Nodes)))
	return c.print(to, a)
}

func (a ring) text(w io.Writer) {
	line(w, "nodes", "%d, each with %s", a.Nodes, count(a.Points, "point"))
	line(w, "deviation", "%.4g%% of a node's share of keys, expected; %.4g%% on a ring of n1 to n%d",
		100*a.Deviation, 100*a.Found, a.Nodes)
	line(w, "one more", "takes %.4g%% of all keys", 100*a.Moved)
}
