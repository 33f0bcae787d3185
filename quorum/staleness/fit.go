package staleness

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Fits returns the names that Fit knows.
func Fits() []string { return []string{"ssd", "disk", "ymmr", "wan"} }

// Fit returns the network of a production system, as the paper's authors fitted it
// to what they were given (§5.2, Table 3; with the shape of their simulator, 3.5,
// where the paper's print has 3.35 for ymmr): ssd and disk, of LinkedIn on either;
// ymmr, of Yammer's Riak; wan, LinkedIn's disks with replicas 75 ms apart. N, R and W
// are yours to fill in.
func Fit(name string) (Model, error) {
	rate := func(perMillisecond float64) Exp {
		return Exp{Mean: time.Duration(float64(time.Millisecond) / perMillisecond)}
	}
	fast := Mixture{{.9122, Pareto{235 * time.Microsecond, 10}}, {.0878, rate(1.66)}}
	disk := Mixture{{.38, Pareto{1050 * time.Microsecond, 1.51}}, {.62, rate(.183)}}
	switch name {
	case "ssd":
		return Model{Write: fast, Ack: fast, Read: fast, Response: fast}, nil
	case "disk":
		return Model{Write: disk, Ack: fast, Read: fast, Response: fast}, nil
	case "ymmr":
		write := Mixture{{.939, Pareto{3 * time.Millisecond, 3.5}}, {.061, rate(.0028)}}
		back := Mixture{{.982, Pareto{1500 * time.Microsecond, 3.8}}, {.018, rate(.0217)}}
		return Model{Write: write, Ack: back, Read: back, Response: back}, nil
	case "wan":
		return Model{Write: disk, Ack: fast, Read: fast, Response: fast, Apart: 75 * time.Millisecond}, nil
	}
	return Model{}, fmt.Errorf("staleness: network %q: want one of %s", name,
		strings.Join(Fits(), ", "))
}

// maxText is the longest text of a distribution that is read, in bytes.
const maxText = 1 << 16

// Parse reads a distribution: parts with + between, each with its weight and * before
// it if it is not 1. A part is one of
//
//	exp(5ms)             exponential, of that mean
//	pareto(1ms, 1.5)     at least that, and the shape of the tail
//	4ms, 5ms, 11ms       what was measured, each as often; one alone is fixed
//
// so that 0.9*pareto(0.2ms,10) + 0.1*exp(1ms) has a tail in one message of ten.
// Durations are Go's, with a unit. The result is checked.
func Parse(text string) (Dist, error) {
	if len(text) > maxText {
		return nil, fmt.Errorf("staleness: a distribution of %d bytes: want %d at most", len(text), maxText)
	}
	var m Mixture
	for part := range strings.SplitSeq(text, "+") {
		weight, body, found := strings.Cut(part, "*")
		p := Part{Weight: 1}
		var err error
		if !found {
			body = part
		} else if p.Weight, err = strconv.ParseFloat(strings.TrimSpace(weight), 64); err != nil {
			return nil, fmt.Errorf("staleness: weight %q: want a number before the *", weight)
		}
		if p.Dist, err = parsePart(strings.TrimSpace(body)); err != nil {
			return nil, err
		}
		m = append(m, p)
	}
	if err := m.check(); err != nil {
		return nil, err
	}
	if len(m) == 1 {
		return m[0].Dist, nil
	}
	return m, nil
}

func parsePart(text string) (Dist, error) {
	name, rest, found := strings.Cut(text, "(")
	if !found {
		return parseMeasured(text)
	}
	inside, after, closed := strings.Cut(rest, ")")
	if !closed || after != "" {
		return nil, fmt.Errorf("staleness: %q: want one ) and nothing after it", text)
	}
	args := strings.Split(inside, ",")
	switch {
	case name == "exp" && len(args) == 1:
		mean, err := parseDuration(args[0])
		return Exp{mean}, err
	case name == "pareto" && len(args) == 2:
		least, err := parseDuration(args[0])
		if err != nil {
			return nil, err
		}
		shape, err := strconv.ParseFloat(strings.TrimSpace(args[1]), 64)
		if err != nil || math.IsInf(shape, 1) {
			return nil, fmt.Errorf("staleness: shape %q: want a number above 0", args[1])
		}
		return Pareto{least, shape}, nil
	}
	return nil, fmt.Errorf("staleness: %q: want exp(MEAN), pareto(LEAST, SHAPE) or durations", text)
}

func parseMeasured(text string) (Dist, error) {
	var e Empirical
	for one := range strings.SplitSeq(text, ",") {
		d, err := parseDuration(one)
		if err != nil {
			return nil, err
		}
		e = append(e, d)
	}
	return e, nil
}

func parseDuration(text string) (time.Duration, error) {
	d, err := time.ParseDuration(strings.TrimSpace(text))
	if err != nil {
		return 0, fmt.Errorf("staleness: duration %q: want a number with a unit, such as 5ms", text)
	}
	return d, nil
}
