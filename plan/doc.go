// Package plan goes from requirements to a protocol, the numbers to configure it
// with, and what these rest on.
//
// A Request says what is to be solved, on how many nodes and where, what clients
// must be promised, and what may go wrong. Make refuses it with every rule that it
// breaks (a Refusal), the theorem if there is no way, and the nearest wish that
// can be met; or it returns a Plan.
//
// How it decides is data. Package-level tables hold all of it:
//
//	rules     what a request must satisfy, with errors and theorems
//	systems   what can be recommended, with what each promises
//	table     which of them is chosen where: read from the top, the first row
//	          that applies is the recommendation, those after it lost, each row
//	          with its reason and source
//	courses   what systems of a kind do in each failure, and how that ends
//
// Adding a system is an entry in systems and rows in table; no code changes unless
// it is of a new kind. Plan.Path is the way that was taken through the table.
//
// Each number bears Evidence: the claim, its formula, where that comes from, and a
// command that computes it again. Nothing here runs a protocol: package plan/prove
// does, and holds the claims against what it measured.
//
// A Request is read from YAML or JSON by Parse, against InputSchema; a Plan in JSON
// satisfies OutputSchema. The same request always gives the same plan.
package plan
