// Package region knows how far apart the regions of a cloud are.
package region

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// A Region is where a machine may be.
type Region string

// regions are those of EC2 in 2013: Virginia, Oregon, California, Ireland,
// Singapore, Tokyo, Sydney, São Paulo. trips are the mean round trips between
// them in tenths of a millisecond, over a week; Bailis, "Communication Costs
// in Real-world Networks", 2013.
var (
	regions = []Region{"VA", "OR", "CA", "IR", "SI", "TO", "SY", "SP"}
	trips   = [][]time.Duration{
		{0, 826, 846, 1079, 2535, 2024, 2656, 1634},
		{829, 0, 229, 1706, 2344, 1351, 2006, 2078},
		{845, 225, 0, 1698, 1869, 1437, 1791, 1859},
		{1079, 1706, 1698, 0, 2341, 2784, 3462, 2398},
		{2535, 2342, 1867, 2335, 0, 906, 2430, 3628},
		{2024, 1349, 1465, 2783, 906, 0, 1442, 3014},
		{2651, 2004, 1779, 3466, 2431, 1443, 0, 3336},
		{1674, 2076, 1859, 2377, 3628, 3014, 3392, 0},
	}
)

// clouds are the names that AWS has for them, in the same order.
var clouds = []string{"us-east-1", "us-west-2", "us-west-1", "eu-west-1", "ap-southeast-1", "ap-northeast-1",
	"ap-southeast-2", "sa-east-1"}

// within is a round trip between two machines of one region, in the same unit:
// that between two zones.
const within = 11

// OneWay returns how long a message takes to another region, on average: half
// of a round trip. It is 0 if one of them is unknown.
func (r Region) OneWay(to Region) time.Duration {
	i, j := r.number(), to.number()
	switch {
	case i < 0 || j < 0:
		return 0
	case i == j:
		return within * time.Millisecond / 10 / 2
	}
	return trips[i][j] * time.Millisecond / 10 / 2
}

// RoundTrip returns how long it takes until another region has answered, on average;
// within a region, until another zone has. It is 0 if one of them is unknown. The
// way from the other side differs by a few tenths of a millisecond.
func (r Region) RoundTrip(to Region) time.Duration { return 2 * r.OneWay(to) }

// All returns the regions that are known.
func All() []Region { return slices.Clone(regions) }

// Parse returns the region of a name, in upper or lower case: one of All, or that
// of AWS, such as us-east-1 for VA.
func Parse(name string) (Region, error) {
	i := Region(name).number()
	if i < 0 {
		return "", fmt.Errorf("region: %q is none that is known: want one of %v or of %v", name, regions, clouds)
	}
	return regions[i], nil
}

// number is a region's row in trips, whichever of its names it goes by; -1 if there
// is none.
func (r Region) number() int {
	for i := range regions {
		if strings.EqualFold(string(r), string(regions[i])) || strings.EqualFold(string(r), clouds[i]) {
			return i
		}
	}
	return -1
}

// Between is what Trial.Between is for machines in regions: a machine beyond
// the last is in the first again.
func Between(rs []Region, machines int) [][]time.Duration {
	all := make([][]time.Duration, machines)
	for i := range all {
		all[i] = make([]time.Duration, machines)
		for j := range all[i] {
			all[i][j] = rs[i%len(rs)].OneWay(rs[j%len(rs)])
		}
	}
	return all
}
