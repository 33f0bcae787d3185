package house

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// exploreBudget is what an exploration may take, sound or not: where there is nothing to
// find it looks for that long, or until all is seen.
const exploreBudget = 30 * time.Second

// byExploration begins the part of the table that tells of explorations.
const byExploration = "\n## By exploration\n"

// TestExplored builds the command with each mistake in place that an exploration can
// reach, and requires that it finds it within the budget, and that within the same
// budget it finds nothing where nothing is wrong.
func TestExplored(t *testing.T) {
	if !*tryMutants && !*explored && *onlyMutant == "" {
		t.Skip("a campaign of its own: make mutants")
	}
	if testing.Short() {
		t.Skip("it builds the command again and again")
	}
	sound := map[string]string{}
	var rows []string
	seeds := foundBySeeds(t)
	for _, m := range mutants(t) {
		if m.explored == "" || !m.chosen() {
			continue
		}
		if _, ok := sound[m.explored]; !ok {
			sound[m.explored] = ""
			t.Run("none/"+m.explored, func(t *testing.T) {
				out, _, err := explore(t, nil, m.explored)
				if err != nil {
					t.Fatalf("it fails though nothing is wrong: %v\n%s", err, out)
				}
				sound[m.explored] = statesSeen.FindString(out)
			})
		}
		t.Run(m.name, func(t *testing.T) {
			out, took, err := explore(t, &m, m.explored)
			var exit *exec.ExitError
			broken, states, takes := brokenLine.FindStringSubmatch(out), statesSeen.FindStringSubmatch(out),
				takesLine.FindStringSubmatch(out)
			if !errors.As(err, &exit) || exit.ExitCode() != 1 || broken == nil || states == nil {
				t.Fatalf("not found, though %s: %v\n%s", m.why, err, out)
			}
			if takes == nil { // it is in what clients saw, and no event of a World shows it
				takes = []string{"", "none"}
			}
			t.Log(broken[0], states[0], takes[0])
			rows = append(rows, fmt.Sprintf("| %s | %s | `%s` | %s | %.1f | %s | %s |", m.name, broken[1],
				m.explored, states[1], took.Seconds(), takes[1], seeds[m.name]))
		})
	}
	if *tableFile != "" && !t.Failed() && *onlyMutant == "" {
		writeExplored(t, rows, len(sound))
	}
}

var (
	brokenLine = regexp.MustCompile(`BROKEN: ([^:\n]+):`)
	statesSeen = regexp.MustCompile(`states +(\d+) distinct`)
	takesLine  = regexp.MustCompile(`What it takes: (\d+) events`)
)

// explore builds the command, with a mistake in place if there is one, and explores.
// The time is that of the exploration, without the build.
func explore(t *testing.T, m *mutant, args string) (string, time.Duration, error) {
	t.Helper()
	top, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	bin := filepath.Join(dir, "althing")
	flags := []string{"build", "-o", bin}
	if m != nil {
		flags = append(flags, "-overlay", m.overlay(t, top, dir))
	}
	build := exec.Command("go", append(flags, "./cmd/althing")...)
	build.Dir = top
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	began := time.Now()
	run := exec.Command(bin, append([]string{"explore"}, append(strings.Fields(args),
		"--memory=1500", "--timeout="+exploreBudget.String())...)...)
	out, err := run.CombinedOutput()
	return string(out), time.Since(began), err
}

// foundBySeeds returns what the table says of the dice, by mutant.
func foundBySeeds(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{}
	text, err := os.ReadFile(filepath.Join(root, "docs/mutants.md"))
	if err != nil {
		t.Fatal(err)
	}
	table, _, _ := strings.Cut(string(text), byExploration)
	for line := range strings.Lines(table) {
		if cells := strings.Split(line, " | "); len(cells) == 6 && strings.HasPrefix(cells[2], "seed ") {
			n, _, _ := strings.Cut(strings.TrimPrefix(cells[2], "seed "), " ")
			found[strings.TrimPrefix(cells[0], "| ")] = n
		}
	}
	return found
}

func writeExplored(t *testing.T, rows []string, controls int) {
	t.Helper()
	name := filepath.Join(root, *tableFile)
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	table, _, _ := strings.Cut(string(text), byExploration)
	table += byExploration + fmt.Sprintf(`
What an exploration of a small group can reach, "make mutants" has it find, too, within %v and by a
shortest way. States are those visited until then; events are those of the shrunk trace, starts and
flushes among them, none if no single event shows it; seeds are how many the dice took for the same
mistake. With each of the %d bounds, and as much time, the protocols as they are break nothing.

| mistake | breaks | althing explore | states | seconds | events | seeds |
|---|---|---|---:|---:|---:|---:|
`, exploreBudget, controls) + strings.Join(rows, "\n") + "\n"
	if err := os.WriteFile(name, []byte(table), 0o600); err != nil {
		t.Fatal(err)
	}
}
