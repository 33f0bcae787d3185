// Package ddmin makes what fails short: delta debugging, Zeller and Hildebrandt,
// Simplifying and Isolating Failure-Inducing Input, 2002, without the test of
// each piece alone.
package ddmin

import "slices"

// A Try reports whether these still fail, and which of them were possible at all.
type Try[T any] func(list []T) (possible []T, fails bool)

// Minimize removes what it can from a list that fails, in at most so many tries,
// and returns what is left of both.
func Minimize[T any](list []T, tries int, try Try[T]) (shorter []T, left int) {
	for size := (len(list) + 1) / 2; size > 0 && tries > 0; {
		before := len(list)
		list, tries = pass(list, size, tries, try)
		if len(list) == before || size > 1 {
			size /= 2
		}
	}
	return list, tries
}

// pass tries to do without each piece of the given size, from the end: what
// comes late depends on what came before.
func pass[T any](list []T, size, tries int, try Try[T]) ([]T, int) {
	for end := len(list); end > 0 && tries > 0; end -= size {
		begin := max(end-size, 0)
		tries--
		if possible, fails := try(slices.Concat(list[:begin], list[end:])); fails {
			list = possible // what could not be done without the piece is gone, too
			end = min(end, len(list)+size)
		}
	}
	return list, tries
}
