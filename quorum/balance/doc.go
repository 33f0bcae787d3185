// Package balance finds the best strategy of a quorum system: which quorum to
// ask how often.
//
// A system of quorums leaves open which quorum serves a command. Who always
// asks the nearest wears its nodes out while others idle; who asks all at random
// waits for the slow ones. A strategy is a distribution over read quorums and one
// over write quorums. What it is worth (Naor and Wool 1998; Whittaker et al.,
// "Read-Write Quorum Systems Made Practical", PaPoC 2021):
//
//   - load: the part of a second that the busiest node works for one command,
//     given how many reads and writes a second each node can serve;
//   - capacity: 1 by the load, the commands a second that the system bears;
//   - latency: the mean time until the members that make a quorum answered;
//   - network load: the mean number of nodes asked.
//
// Best makes one of them least, with limits on the others, for a distribution of
// read fractions, and if asked with quorums of which some members may fail. It
// is a linear program with a variable for each quorum, of which a majority of
// thirty nodes has 145 million. So variables are made when they are needed: the
// prices that the simplex method puts on the nodes say what each costs, and
// quorum.Finder finds the cheapest quorum at these prices. Equal nodes share a
// row. That makes a majority of a thousand nodes a matter of milliseconds, and
// leaves the time to the number of kinds of nodes.
//
// No answer is better than a wrong one: the prices are a solution of the dual
// program, which no strategy can be below, and Best returns an error if its
// strategy is not within 1e-7 of that.
//
// Usage:
//
//	system, err := quorum.Grid([][]string{{"a", "b", "c"}, {"d", "e", "f"}})
//	nodes := balance.Uniform(system.Names(), 1000)
//	best, err := balance.Best(system, nodes, balance.Query{Mix: balance.Reads(.25)})
//	figures, err := best.Over(balance.Reads(.5))
package balance
