package proof

import (
	"fmt"
	"slices"
	"sort"

	"althing/history/txn"
)

// A store is what an order of commits leaves, version by version.
type store struct {
	model txn.Model
	at    map[string][]int    // by key: the places in the order at which its versions came to be
	value map[string][]string // by key: they, in the same order
}

// before returns how many versions a key had at an instant: after so many commits.
func (s *store) before(key string, instant int) int { return sort.SearchInts(s.at[key], instant) }

// shows tells whether a read returns what was there at an instant, and after that
// what its transaction itself had written.
func (s *store) shows(a *txn.Action, own []string, instant int) bool {
	n := s.before(a.Key, instant)
	if s.model == txn.ListAppend {
		return slices.Equal(a.List, append(slices.Clone(s.value[a.Key][:n]), own...))
	}
	last := ""
	if n > 0 {
		last = s.value[a.Key][n-1]
	}
	if len(own) > 0 {
		last = own[len(own)-1]
	}
	return a.Value == last
}

// Starts returns, for each transaction in an order of commits, after how many
// commits it can have begun, if each read the store as it was then, and nobody else
// committed what it wrote between then and its own commit: so it had a snapshot
// (Berenson and others, "A critique of ANSI SQL isolation levels", 1995). Of several
// instants it is the first. An error says of which transaction there is none; the
// rest of what makes an order one is for txn.VerifyOrder.
func Starts(txns []txn.Txn, m txn.Model, order []int32) ([]int32, error) {
	s := &store{m, map[string][]int{}, map[string][]string{}}
	for place, i := range order {
		for _, a := range txns[i].Actions {
			if a.Write {
				s.at[a.Key] = append(s.at[a.Key], place)
				s.value[a.Key] = append(s.value[a.Key], a.Value)
			}
		}
	}
	writer := map[[2]string]int{} // where a version came to be
	for key, values := range s.value {
		for n, v := range values {
			writer[[2]string{key, v}] = s.at[key][n]
		}
	}
	starts := make([]int32, len(order))
	for place, i := range order {
		begin, own := 0, map[string][]string{}
		for _, a := range txns[i].Actions { // it began after all that it saw of others
			seen := a.List
			if a.Value != "" {
				seen = []string{a.Value}
			}
			for _, v := range seen {
				from, ok := writer[[2]string{a.Key, v}]
				if ok && from != place && !a.Write && txns[i].State == txn.Committed {
					begin = max(begin, from+1)
				}
			}
			if n := s.before(a.Key, place); a.Write && n > 0 { // and after who wrote what it wrote
				begin = max(begin, s.at[a.Key][n-1]+1)
			}
		}
		right := begin <= place
		for _, a := range txns[i].Actions {
			if a.Write {
				own[a.Key] = append(own[a.Key], a.Value)
				continue
			}
			right = right && (txns[i].State != txn.Committed || s.shows(&a, own[a.Key], begin))
		}
		if !right {
			return nil, fmt.Errorf("%w: no instant explains %v", txn.ErrCertificate, &txns[i])
		}
		starts[place] = int32(begin)
	}
	return starts, nil
}
