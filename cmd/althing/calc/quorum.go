package calc

import (
	"errors"
	"fmt"
	"io"

	"althing/internal/terminal"
	"althing/quorum"
	"althing/quorum/balance"
)

type quorumCommand struct {
	Expression string `arg:"" optional:""`

	Nodes     int `short:"n" default:"3"`
	Failures  int `short:"f" default:"-1" placeholder:"F"`
	Byzantine bool
	First     int `placeholder:"N"`
	Second    int `placeholder:"N"`
	Fast      int `placeholder:"N"`

	Writes   string  `placeholder:"EXPR"`
	Reads    float64 `default:"0.5"`
	Capacity float64 `default:"1"`
	Survive  int     `placeholder:"N"`
	Down     float64 `default:"0.01"`
	form
}

// Help has examples.
func (quorumCommand) Help() string {
	return `By numbers:

  althing calc quorum --nodes 5
  althing calc quorum --nodes 7 --failures 2 --byzantine
  althing calc quorum --nodes 10 --first 8 --second 3

or by an expression of read quorums, where * is and, + is or (see go doc althing/quorum.Parse);
writes are then the smallest sets that meet every read:

  althing calc quorum 'a*b*c + d*e*f' --reads 0.9
  althing calc quorum 'choose(2, a, b, c)' --capacity 1000 -o json

It ends with 1 if quorums that must share a node do not; the sets that show it are printed.`
}

// Run answers by numbers or by the expression.
func (q *quorumCommand) Run(to *terminal.Output) error {
	if q.Expression != "" {
		return q.system(to)
	}
	if q.Writes != "" {
		return terminal.Wrong("writes", q.Writes, "expected with an expression for reads before it")
	}
	if err := whole("nodes", q.Nodes, 1, quorum.MaxNodes); err != nil {
		return err
	}
	if q.First != 0 || q.Second != 0 || q.Fast != 0 {
		return q.phases(to)
	}
	return q.sizes(to)
}

// A sizes is what is to be known of n nodes that count.
type sizes struct {
	Nodes     int    `json:"nodes"`
	Faults    string `json:"faults"` // crash or byzantine
	Tolerates int    `json:"tolerates"`
	Most      int    `json:"tolerates_at_most"`
	Quorum    int    `json:"quorum"`
	Fast      int    `json:"fast_paxos_fast_quorum,omitempty"`
	EPaxos    int    `json:"epaxos_fast_quorum,omitempty"`
	Spare     int    `json:"spare_nodes"` // beyond what the faults need
}

func (q *quorumCommand) sizes(to *terminal.Output) error {
	a := sizes{Nodes: q.Nodes, Faults: "crash", Tolerates: q.Failures}
	fault, per := quorum.Crash, 2
	if q.Byzantine {
		fault, per, a.Faults = quorum.Byzantine, 3, "byzantine"
	}
	if a.Most = quorum.MostFaults(q.Nodes, fault); q.Failures == -1 {
		a.Tolerates = a.Most
	}
	if err := quorum.Tolerates(q.Nodes, a.Tolerates, fault); err != nil {
		return terminal.Wrong("failures", q.Failures, "expected what %d nodes bear: %s", q.Nodes,
			unnamed(err))
	}
	a.Spare = q.Nodes - per*a.Tolerates - 1
	var err error
	if q.Byzantine {
		a.Quorum, err = quorum.ByzantineSize(q.Nodes, a.Tolerates)
	} else {
		a.Quorum = quorum.Majority(q.Nodes)
		a.Fast, err = quorum.FastSize(q.Nodes, a.Quorum)
		if fast, odd := quorum.EPaxosFast(q.Nodes); odd == nil {
			a.EPaxos = fast
		}
	}
	if err != nil {
		return terminal.Usage(err)
	}
	return q.print(to, a)
}

func (a sizes) text(w io.Writer) {
	line(w, "nodes", "%d", a.Nodes)
	if a.Faults == "byzantine" {
		line(w, "bears", "%d that lie (at most %d: 3f+1)", a.Tolerates, a.Most)
		line(w, "quorum", "%d of %d: any two share a node that does not lie", a.Quorum, a.Nodes)
	} else {
		line(w, "bears", "%d that stop (at most %d: 2f+1)", a.Tolerates, a.Most)
		line(w, "quorum", "%d of %d: any two share a node", a.Quorum, a.Nodes)
		line(w, "fast quorum", "%d of %d, in Fast Paxos: any two and a quorum share a node", a.Fast, a.Nodes)
	}
	if a.EPaxos > 0 {
		line(w, "fast quorum", "%d of %d, in EPaxos, the command's leader among them", a.EPaxos, a.Nodes)
	}
	if a.Spare > 0 {
		line(w, "spare", "%d of the nodes could be left out", a.Spare)
	}
}

// A phases is a configuration of quorums of different sizes.
type phases struct {
	Nodes   int        `json:"nodes"`
	First   int        `json:"first_phase"`
	Second  int        `json:"second_phase"`
	Fast    int        `json:"fast_quorum,omitempty"`
	Safe    bool       `json:"safe"`
	Apart   [][]string `json:"share_no_node,omitempty"`
	Change  string     `json:"change,omitempty"`
	Elects  int        `json:"elects_with_down"`  // nodes
	Commits int        `json:"commits_with_down"` // nodes
}

func (q *quorumCommand) phases(to *terminal.Output) error {
	if q.Failures != -1 || q.Byzantine {
		return terminal.Wrong("failures", q.Failures, "expected without --first, --second and --fast")
	}
	for flag, n := range map[string]*int{"first": &q.First, "second": &q.Second, "fast": &q.Fast} {
		if err := whole(flag, *n, 0, q.Nodes); err != nil {
			return err
		}
	}
	var err error
	switch {
	case q.First == 0 && q.Second == 0:
		q.First, q.Second = quorum.Majority(q.Nodes), quorum.Majority(q.Nodes)
	case q.First == 0:
		q.First, err = quorum.OtherPhase(q.Nodes, q.Second)
	case q.Second == 0:
		q.Second, err = quorum.OtherPhase(q.Nodes, q.First)
	}
	if err != nil {
		return terminal.Usage(err)
	}
	a := phases{Nodes: q.Nodes, First: q.First, Second: q.Second, Fast: q.Fast, Safe: true,
		Elects: q.Nodes - q.First, Commits: q.Nodes - q.Second}
	err = quorum.Phases{N: q.Nodes, First: q.First, Slow: q.Second, Fast: q.Fast}.Check()
	var apart *quorum.NoMeeting
	switch {
	case errors.As(err, &apart):
		a.Safe, a.Apart, a.Change = false, apart.Quorums, apart.Change
	case err != nil:
		return terminal.Usage(err)
	}
	if err := q.print(to, a); err != nil {
		return err
	}
	if !a.Safe {
		return errors.New("there are quorums that share no node: two leaders could decide differently")
	}
	return nil
}

func (a phases) text(w io.Writer) {
	line(w, "nodes", "%d", a.Nodes)
	line(w, "first phase", "%d of %d: a leader is elected with %d down", a.First, a.Nodes, a.Elects)
	line(w, "second phase", "%d of %d: it commits with %d down", a.Second, a.Nodes, a.Commits)
	if a.Fast > 0 {
		line(w, "fast quorum", "%d of %d", a.Fast, a.Nodes)
	}
	if a.Safe {
		line(w, "safe", "yes: quorums meet where they must")
		return
	}
	line(w, "safe", "NO: %v", a.Change)
	for _, set := range a.Apart {
		line(w, "", "%v", set)
	}
}

// A system is what is to be known of quorums that an expression describes.
type system struct {
	Reads            string  `json:"reads"`
	Writes           string  `json:"writes"`
	ReadResilience   int     `json:"read_resilience"`  // nodes, whichever
	WriteResilience  int     `json:"write_resilience"` // nodes, whichever
	ReadUnavailable  float64 `json:"read_unavailable"`
	WriteUnavailable float64 `json:"write_unavailable"`
	ReadShare        float64 `json:"read_share"`
	Load             float64 `json:"load"` // seconds of the busiest node a command
	Capacity         float64 `json:"capacity_per_second"`
	Network          float64 `json:"nodes_asked"`
	Strategy         struct {
		Reads  []choice `json:"reads"`
		Writes []choice `json:"writes"`
	} `json:"strategy"`
	all string
}

type choice struct {
	Quorum []string `json:"quorum"`
	Chance float64  `json:"chance"`
}

func (q *quorumCommand) parse() (s *quorum.System, err error) {
	reads, err := quorum.Parse(q.Expression)
	if err != nil {
		return nil, terminal.Usage(fmt.Errorf("expression %q: %w", q.Expression, err))
	}
	writes := reads.Dual()
	if q.Writes != "" {
		if writes, err = quorum.Parse(q.Writes); err != nil {
			return nil, terminal.Wrong("writes", q.Writes, "%v", err)
		}
	}
	if err := errors.Join(share("reads", q.Reads), share("down", q.Down)); err != nil {
		return nil, err
	}
	if !(q.Capacity > 0 && q.Capacity <= 1e12) {
		return nil, terminal.Wrong("capacity", q.Capacity, "expected above 0, and up to 1e12")
	}
	if err := whole("survive", q.Survive, 0, quorum.MaxNodes); err != nil {
		return nil, err
	}
	return quorum.New(reads, writes)
}

// system prints load, resilience and the best strategy. Quorums that do not meet make
// a bad answer.
func (q *quorumCommand) system(to *terminal.Output) error {
	s, err := q.parse()
	if err != nil {
		return err
	}
	a := system{Reads: s.Reads().String(), Writes: s.Writes().String(), ReadShare: q.Reads}
	if a.ReadResilience, a.WriteResilience, err = s.Resilience(); err != nil {
		return err
	}
	a.ReadUnavailable, a.WriteUnavailable, err = s.Unavailability(func(string) float64 { return q.Down })
	if err != nil {
		return err
	}
	best, err := balance.Best(s, balance.Uniform(s.Names(), q.Capacity),
		balance.Query{Mix: balance.Reads(q.Reads), Minimise: balance.Load, Survive: q.Survive})
	if err != nil {
		return err
	}
	figures, err := best.Over(balance.Reads(q.Reads))
	if err != nil {
		return err
	}
	a.Load, a.Capacity, a.Network, a.all = figures.Load, figures.Capacity, figures.Network, best.String()
	for _, c := range best.Reads {
		a.Strategy.Reads = append(a.Strategy.Reads, choice{c.Quorum, c.Probability})
	}
	for _, c := range best.Writes {
		a.Strategy.Writes = append(a.Strategy.Writes, choice{c.Quorum, c.Probability})
	}
	return q.print(to, a)
}

func (a system) text(w io.Writer) {
	line(w, "reads", "%s", a.Reads)
	line(w, "writes", "%s", a.Writes)
	line(w, "survives", "any %s for reads, any %d for writes", count(a.ReadResilience, "failure"),
		a.WriteResilience)
	line(w, "unavailable", "reads %s, writes %s", chance(a.ReadUnavailable), chance(a.WriteUnavailable))
	line(w, "capacity", "%.6g commands a second, %.4g%% of them reads", a.Capacity, 100*a.ReadShare)
	line(w, "load", "%.4g s of the busiest node's time a command; %.4g nodes asked", a.Load, a.Network)
	fmt.Fprintf(w, "\nA best strategy, by chance:\n%s", a.all)
}
