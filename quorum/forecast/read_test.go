package forecast

import (
	"slices"
	"strings"
	"testing"
	"time"
)

const cities = `# milliseconds
        paris  oslo,  rome
paris   -      32.5   24   # as the crow flies

oslo    32.6   0      45ms
rome	24	1.5s	-
`

func TestReadTrips(t *testing.T) {
	names, trips, err := ReadTrips(strings.NewReader(cities))
	if err != nil || !slices.Equal(names, []string{"paris", "oslo", "rome"}) {
		t.Fatal(names, err)
	}
	for i, want := range [][]time.Duration{{0, 325e5, 24e6}, {326e5, 0, 45e6}, {24e6, 15e8, 0}} {
		if !slices.Equal(trips[i], want) {
			t.Errorf("%s: %v, want %v", names[i], trips[i], want)
		}
	}
	for text, want := range map[string]string{
		"":                             "after line 0: 0 lines of round trips for 0 sites",
		"a b":                          "after line 1",
		"a a\n":                        `"a" is there twice`,
		"a b\nb 0 1\n":                 "line 2: want a and its 2 round trips",
		"a b\na 0\n":                   "line 2: want a and its 2 round trips, not \"a\" and 1",
		"a b\na - 1\nb x -\n":          `line 3: b to a is "x"`,
		"a b\na - -1\nb 1 -\n":         `a to b is "-1"`,
		"a b\na - NaN\nb 1 -\n":        `"NaN"`,
		"a b\na - 1e300\nb 1 -\n":      `"1e300"`,
		"a b\na - 25h\nb 1 -\n":        `"25h"`,
		"a b\na - 1\nb 1 -\nc 1 1\n":   "line 4: a line beyond",
		strings.Repeat("a ", 1<<20):    "line 1: ",
		strings.Repeat("#\n", 8<<20+1): "more than",
	} {
		if _, _, err := ReadTrips(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.20q: %v, want %q", text, err, want)
		}
	}
}

func FuzzReadTrips(f *testing.F) {
	for _, s := range []string{cities, "a\na 0\n", "a b\na - 1\nb 1 -", "a,b\n", "\x00\n", "a\na 1e999"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		names, trips, err := ReadTrips(strings.NewReader(text))
		if err != nil {
			return
		}
		if leads, err := trips.Leads(1, nil); err != nil || len(leads) != len(names) {
			t.Errorf("%q: %v, %v", text, leads, err)
		}
	})
}
