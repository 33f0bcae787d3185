package forecast

import (
	"bufio"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// maxMatrix is the largest file of round trips that is read, in bytes: MaxSites with
// fifteen for each number.
const maxMatrix = 16 << 20

// ReadTrips reads a matrix of round trips, as
//
//	# milliseconds, or durations of Go
//	        paris  oslo   rome
//	paris   -      32.5   24
//	oslo    32.6   -      45ms
//	rome    24     45     -
//
// A line has its site's round trips to all, in the order of the first line; fields
// are separated by spaces, tabs or commas, and - is 0. An error names the line.
func ReadTrips(r io.Reader) (names []string, trips Trips, err error) {
	limited := &io.LimitedReader{R: r, N: maxMatrix + 1}
	lines := bufio.NewScanner(limited)
	lines.Buffer(nil, 1<<20)
	number := 0
	for lines.Scan() {
		number++
		text, _, _ := strings.Cut(lines.Text(), "#")
		fields := strings.FieldsFunc(text, func(c rune) bool { return strings.ContainsRune(" \t\r,", c) })
		switch {
		case len(fields) == 0:
		case names == nil:
			if names = fields; len(names) > MaxSites {
				return nil, nil, fmt.Errorf("line %d: %d sites: want %d at most", number, len(names), MaxSites)
			}
			if i := twice(names); i != "" {
				return nil, nil, fmt.Errorf("line %d: %q is there twice: want names that differ", number, i)
			}
		case len(trips) == len(names):
			return nil, nil, fmt.Errorf("line %d: a line beyond those of the %d sites in the first line",
				number, len(names))
		default:
			row, err := readRow(fields, names, len(trips))
			if err != nil {
				return nil, nil, fmt.Errorf("line %d: %w", number, err)
			}
			trips = append(trips, row)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, nil, fmt.Errorf("line %d: %w", number+1, err)
	}
	switch {
	case limited.N <= 0:
		return nil, nil, fmt.Errorf("the matrix has more than %d bytes", maxMatrix)
	case len(trips) < len(names) || names == nil:
		return nil, nil, fmt.Errorf("after line %d: %d lines of round trips for %d sites: want a first "+
			"line with the names, and a line for each", number, len(trips), len(names))
	}
	if err := trips.Check(); err != nil {
		return nil, nil, err
	}
	return names, trips, nil
}

// twice returns what is there more than once, or nothing.
func twice(names []string) string {
	sorted := slices.Sorted(slices.Values(names))
	for i := range sorted[1:] {
		if sorted[i] == sorted[i+1] {
			return sorted[i]
		}
	}
	return ""
}

func readRow(fields, names []string, at int) (row []time.Duration, err error) {
	if fields[0] != names[at] || len(fields) != len(names)+1 {
		return nil, fmt.Errorf("want %s and its %d round trips, not %q and %d", names[at], len(names),
			fields[0], len(fields)-1)
	}
	for i, field := range fields[1:] {
		d, err := time.ParseDuration(field)
		if v, bad := strconv.ParseFloat(field, 64); bad == nil && math.Abs(v) < 1e9 {
			d, err = time.Duration(math.Round(v*float64(time.Millisecond))), nil
		}
		if field == "-" {
			d, err = 0, nil
		}
		if err != nil || d < 0 || d > MaxTrip {
			return nil, fmt.Errorf("%s to %s is %q: want milliseconds, a duration such as 1.2s, or -; "+
				"0 to %v", names[at], names[i], field, MaxTrip)
		}
		row = append(row, d)
	}
	return row, nil
}
