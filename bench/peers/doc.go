// Package peers holds benchmarks of widely used libraries that do what a room of
// ours does, under the names of our own benchmarks, so that `make bench-parts`
// puts them side by side.
package peers
