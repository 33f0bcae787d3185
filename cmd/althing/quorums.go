package main

import (
	"strconv"
	"strings"

	"althing/internal/terminal"
	"althing/process"
)

// quorums are the sizes of the quorums of a protocol's two phases, and, if there is
// a third number, the voters of the group that they are for.
type quorums []int

// String returns the numbers as a flag has them.
func (q quorums) String() string {
	var words []string
	for _, n := range q {
		words = append(words, strconv.Itoa(n))
	}
	return strings.Join(words, ",")
}

// of returns p with these quorums in a group of n voters; 0: it is not known how
// many there are. Without quorums it returns p.
func (q quorums) of(p process.Protocol, n int) (process.Protocol, error) {
	if len(q) == 3 {
		n = q[2]
	}
	switch {
	case len(q) == 0:
		return p, nil
	case len(q) != 2 && len(q) != 3:
		return p, terminal.Wrong("quorums", q, "expected the sizes of phase 1 and of phase 2, such as 4,2")
	case n == 0:
		return p, terminal.Wrong("quorums", q, "expected a third number: of how many voters they are, such as 4,2,5")
	case p.Flexible == nil:
		return p, terminal.Wrong("quorums", q, "%s has no quorums to choose: expected multipaxos", p.Name)
	}
	f, err := p.Flexible(n, q[0], q[1])
	if err != nil {
		return p, terminal.Wrong("quorums", q, "%v", err)
	}
	return f, nil
}
