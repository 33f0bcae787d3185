package main

import (
	"encoding/json"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	planner "althing/plan"
	"althing/sim"
)

// words splits a command as a shell does that knows single quotes.
func words(line string) (all []string) {
	for i, part := range strings.Split(line, "'") {
		if i%2 == 1 {
			all = append(all, part)
			continue
		}
		all = append(all, strings.Fields(part)...)
	}
	return all
}

var number = regexp.MustCompile(`-?\d+(\.\d+)?(e[-+]?\d+)?`)

// says reports whether a line of a printed answer has all numbers of a value, as far
// as their digits go; or the answer has the value itself, however its lines break.
func says(answer, value string) bool {
	if strings.Contains(strings.Join(strings.Fields(answer), " "), value) {
		return true
	}
	for line := range strings.Lines(answer) {
		there := number.FindAllString(line, -1)
		all := true
		for _, want := range number.FindAllString(value, -1) {
			all = all && has(there, want)
		}
		if all {
			return number.MatchString(value)
		}
	}
	return false
}

func has(numbers []string, want string) bool {
	v, unit := digits(want)
	for _, n := range numbers {
		w, other := digits(n)
		if math.Abs(v-w) <= max(unit, other)/2*(1+1e-9) {
			return true
		}
	}
	return false
}

// digits is a number, and what one of its last digit is.
func digits(text string) (value, unit float64) {
	value, _ = strconv.ParseFloat(text, 64)
	mantissa, exponent, _ := strings.Cut(text, "e")
	_, fraction, _ := strings.Cut(mantissa, ".")
	e, _ := strconv.Atoi(exponent)
	return value, math.Pow(10, float64(e-len(fraction)))
}

func TestSays(t *testing.T) {
	for _, c := range []struct {
		answer, value string
		want          bool
	}{
		{"quorum 3 of 5: any two", "3 of 5", true}, {"quorum 3 of 5: any two", "3 of 7", false},
		{"quorum 3\n of 5", "2 of 5", false}, {"write 83.8 ms", "83.75 ms", true},
		{"write 83.7 ms", "83.78 ms", false}, {"why it is\n  so", "it is so", true}, {"because", "so", false},
		{"1.5e-06", "0.0000015", true}, {"", "0%", false},
	} {
		if says(c.answer, c.value) != c.want {
			t.Errorf("%q says %q: %v", c.answer, c.value, !c.want)
		}
	}
}

// planned are command lines of plans of all kinds.
func planned(each func(flags []string)) {
	for _, problem := range planner.Problems {
		for _, level := range planner.Levels {
			for _, more := range []string{
				"-n 5", "-n 1 --flush 3ms", "-n 2 --reads 0.9", "-n 4 --byzantine --tolerate 1",
				"-n 5 --regions VA,OR,IR --survive-region", "-n 12 --tolerate 2 --latency 7ms --down 0.001",
				"-n 7 --byzantine --regions us-east-1,eu-west-1,TO,SP", "-n 3 --scans --data-type counter",
				"-n 3 --regions fra,ams --rtt fra:ams=7.5ms,ams:fra=8ms --request-bytes 100000",
				"-n 1000 --uncertainty 2ms", "-n 17 --byzantine --tolerate 5", "-n 6 --regions VA,OR,CA",
			} {
				args := []string{"plan", "--problem", string(problem), "-c", string(level)}
				each(append(args, strings.Fields(more)...))
			}
		}
		each([]string{"plan", "--problem", string(problem), "-n", "3", "--loss", "--rate", "1e5"})
		each([]string{"plan", "--problem", string(problem), "-n", "3", "--available", "--partitions", "0.5"})
	}
}

// TestEvidence: each claim's command exists, and prints the value again.
func TestEvidence(t *testing.T) {
	answers := map[string]string{}
	plans, with, without := 0, 0, 0
	planned(func(args []string) {
		code, out, err := command(append(args, "-o", "json")...)
		if code == exitUsage && strings.Contains(err, "no protocol can") {
			return
		}
		var p planner.Plan
		if fail := json.Unmarshal([]byte(out), &p); code != exitOK || fail != nil {
			t.Fatalf("%v: exit %d, %v\n%s%s", args, code, fail, out, err)
		}
		plans++
		for _, e := range p.Evidence {
			if e.Command == "" {
				without++
				continue
			}
			with++
			if _, ran := answers[e.Command]; !ran {
				code, out, err := command(words(strings.TrimPrefix(e.Command, "althing "))...)
				if answers[e.Command] = out; code != exitOK {
					t.Errorf("%v: %s: exit %d\n%s", args, e.Command, code, err)
				}
			}
			if !says(answers[e.Command], e.Value) {
				t.Errorf("%v: %s: %s\n$ %s\n%s", args, e.Claim, e.Value, e.Command, answers[e.Command])
			}
		}
	})
	t.Logf("%d plans, %d claims, %d commands; %d claims without", plans, with, len(answers), without)
	if plans < 200 || with < 1000 || len(answers) < 100 {
		t.Errorf("%d plans, %d claims, %d commands", plans, with, len(answers))
	}
}

// TestMeasured: what a plan says was measured, its command measures again.
func TestMeasured(t *testing.T) {
	for _, args := range []string{"-n 3 --regions VA,OR,IR -c linearizable --reads 0.9", "-n 5 -c linearizable"} {
		code, out, err := command(append([]string{"plan", "--problem=consensus", "--prove", "-o", "json"},
			strings.Fields(args)...)...)
		var p planner.Plan
		if fail := json.Unmarshal([]byte(out), &p); code != exitOK || fail != nil {
			t.Fatalf("%s: exit %d, %v\n%s", args, code, fail, err)
		}
		again := 0
		for _, e := range p.Evidence {
			if e.Verdict != planner.Found || e.Command == "" {
				continue
			}
			again++
			code, out, err := command(append(words(strings.TrimPrefix(e.Command, "althing ")), "-o", "json")...)
			var found []sim.Measured
			if fail := json.Unmarshal([]byte(out), &found); code != exitOK || fail != nil || len(found) != 1 {
				t.Errorf("%s: exit %d, %v\n%s", e.Command, code, fail, err)
				continue
			}
			m := &found[0]
			line := "p50 p99"
			before, while := &m.Phases[0], &m.Phases[1]
			for _, d := range []time.Duration{before.P50, before.P99, while.P50, while.P99, m.Outage} {
				line += fmt.Sprintf(" %.3f", float64(d)/float64(time.Millisecond)) // as plans round
			}
			line += fmt.Sprintf(" %.6f %d %d", m.Messages, len(m.Lost), m.Stale)
			if !says(line, e.Value) {
				t.Errorf("%s: %s\n$ %s\n%s", e.Claim, e.Value, e.Command, line)
			}
		}
		if again < 2*len(planner.Scenarios)-4 {
			t.Errorf("%s: only %d runs", args, again)
		}
	}
}
