package plan

import (
	"fmt"
	"slices"
)

// A row says which system is chosen where, why, and whose rule that is. The
// first row that applies is the recommendation; the first after it with another
// system is the runner-up, and so on.
type row struct {
	Pick      string        // the key of a system
	Problems  []Problem     // none: all
	Levels    []Consistency // none: all
	Byzantine bool
	When      string // a name of conditions; "": always
	Why       string
	Against   string // why it stands behind those before it
	Source    string
}

// conditions are what the table may ask of a request, by name.
var conditions = map[string]func(*Request) bool{
	"":           func(*Request) bool { return true },
	"nodes ≤ 7":  func(r *Request) bool { return r.Cluster.Nodes <= 7 },
	"nodes > 7":  func(r *Request) bool { return r.Cluster.Nodes > 7 },
	"nodes ≤ 16": func(r *Request) bool { return r.Cluster.Nodes <= 16 },
	"nodes in three regions or more": func(r *Request) bool {
		return r.inhabited() >= 3
	},
	"one region, no partition expected, and requests of 64 KiB or more, or 50 MB a second": func(r *Request) bool {
		return r.inhabited() <= 1 && r.Network.PartitionProbability == 0 && !r.Cluster.SurviveRegion &&
			(r.Workload.RequestBytes >= 64<<10 || float64(r.bytes())*r.rate() >= 50e6)
	},
	"loss_acceptable": func(r *Request) bool { return r.Workload.LossAcceptable },
	"loss_acceptable, one region, and not available_in_partition": func(r *Request) bool {
		return r.Workload.LossAcceptable && r.inhabited() <= 1 && !r.Network.AvailableInPartition
	},
	"data_type is counter, flag, set, map or text": func(r *Request) bool {
		return slices.Contains([]string{"counter", "flag", "set", "map", "text"}, r.Workload.DataType)
	},
	"scans or pinning": func(r *Request) bool { return r.Workload.Scans || r.Workload.Pinning },
}

// asks reports whether a row is about the request's problem, promise and faults.
func (w *row) asks(r *Request) bool {
	return w.Byzantine == r.Network.Byzantine &&
		(len(w.Problems) == 0 || slices.Contains(w.Problems, r.Problem)) &&
		(len(w.Levels) == 0 || slices.Contains(w.Levels, r.Consistency))
}

// choose goes through the table, and returns the rows that apply, each with a
// system of its own: the recommendation and those that lost. The path says what
// became of each row for the request's problem.
func choose(r *Request) (rows []*row, path []string) {
	taken := map[string]bool{}
	for i := range table {
		w := &table[i]
		if !w.asks(r) {
			continue
		}
		step := fmt.Sprintf("row %d: ", i+1)
		if w.When != "" {
			step += fmt.Sprintf("when %s: ", w.When)
		}
		switch {
		case !conditions[w.When](r):
			step += "no"
		case taken[w.Pick]:
			step += w.Pick + ", again"
		default:
			taken[w.Pick] = true
			if rows = append(rows, w); len(rows) == 1 {
				step += fmt.Sprintf("%s is recommended: %s (%s)", w.Pick, w.Why, w.Source)
			} else {
				step += fmt.Sprintf("%s is an alternative: %s; but %s (%s)", w.Pick, w.Why, w.Against, w.Source)
			}
		}
		path = append(path, step)
	}
	return rows, path
}
