package house

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

var (
	tryMutants = flag.Bool("mutants", false, "try every mutant of mutants.txt")
	onlyMutant = flag.String("mutant", "", "try these only: a name, with * for any letters")
	explored   = flag.Bool("explored", false, "try those that exploration finds, by that alone")
	tableFile  = flag.String("table", "", "a file below the top that gets the table of what found them")
	perMutant  = flag.Int("seeds", 1000, "seeds a mutant has to be found within")
)

// schedules bounds those tried to shorten the run that shows a mistake: what
// "althing sim" tries, too.
const schedules = 4000

// A mutant is one deliberate mistake.
type mutant struct {
	name, why, file, was, is string
	row                      string  // of the catalog, whose seeds find it
	explored                 string  // arguments of "althing explore" that find it, too
	pkg, tests               string  // what must fail, where dice are not what finds it
	also                     *mutant // the same, for another that must find it too
}

func mutants(t *testing.T) (ms []mutant) {
	t.Helper()
	text, err := os.ReadFile("mutants.txt")
	if err != nil {
		t.Fatal(err)
	}
	for n, line := range strings.Split(string(text), "\n") {
		word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		rest = strings.TrimSpace(rest)
		switch {
		case word == "" || word[0] == '#':
			continue
		case word == "mutant":
			name, why, _ := strings.Cut(rest, " ")
			ms = append(ms, mutant{name: name, why: strings.TrimSpace(why), row: "raft"})
			continue
		case len(ms) == 0:
			t.Fatalf("mutants.txt:%d: a line before the first mutant", n+1)
		}
		m := &ms[len(ms)-1]
		switch word {
		case "file":
			m.file = rest
		case "-":
			m.was = rest
		case "+":
			m.is = rest
		case "seeds":
			m.row = rest
		case "explore":
			m.explored = rest
		case "test":
			m.pkg, m.tests, _ = strings.Cut(rest, " ")
		case "also":
			also := *m
			also.pkg, also.tests, _ = strings.Cut(rest, " ")
			m.also = &also
		default:
			t.Fatalf("mutants.txt:%d: %q", n+1, line)
		}
	}
	return ms
}

// chosen reports whether the mutant is to be tried.
func (m *mutant) chosen() bool {
	ok, err := path.Match(*onlyMutant, m.name)
	return *onlyMutant == "" || err == nil && ok
}

// apply returns the file with the mistake in it.
func (m *mutant) apply() (string, error) {
	text, err := os.ReadFile(filepath.Join(root, m.file))
	if err != nil {
		return "", err
	}
	lines := strings.SplitAfter(string(text), "\n")
	found := 0
	for i, l := range lines {
		if strings.TrimSpace(l) == m.was {
			lines[i] = m.is + "\n"
			found++
		}
	}
	if found != 1 {
		return "", fmt.Errorf("%s: %q stands %d times in %s, not once", m.name, m.was, found, m.file)
	}
	return strings.Join(lines, ""), nil
}

// TestMutantsApply: a mutant whose line is gone tests nothing.
func TestMutantsApply(t *testing.T) {
	for _, m := range mutants(t) {
		if _, err := m.apply(); err != nil {
			t.Error(err)
		}
	}
}

// command returns what must fail with the mistake in place: the simulation
// within so many seeds, or a test that is named.
func (m *mutant) command() (pkg string, args []string) {
	if m.pkg != "" {
		return m.pkg, []string{"-test.run", m.tests}
	}
	return "./protocol", []string{"-test.run", "^TestSeeds$/^" + m.row + "$",
		"-seeds", fmt.Sprint(*perMutant), "-shrink", fmt.Sprint(schedules)}
}

// TestMutants builds the simulation, or the test that is named, with each
// mistake in place, and requires that it fails. Without a mistake it must pass:
// that is tried too, or a mistake might be found that is not there.
func TestMutants(t *testing.T) {
	if !*tryMutants && *onlyMutant == "" {
		t.Skip("a campaign of its own: make mutants")
	}
	sound := map[string]bool{}
	rows := map[string]string{}
	for _, m := range mutants(t) {
		if !m.chosen() {
			continue
		}
		pkg, args := m.command()
		if key := pkg + strings.Join(args, " "); !sound[key] && *tryMutants {
			sound[key] = true
			t.Run("none/"+m.row+m.tests, func(t *testing.T) {
				if out, err := execute(t, nil, pkg, args); err != nil {
					t.Fatalf("it fails though nothing is wrong: %s", firstViolation(out))
				}
			})
		}
		t.Run(m.name, func(t *testing.T) {
			began := time.Now()
			out, err := execute(t, &m, pkg, args)
			if err == nil {
				t.Fatalf("nobody noticed, though %s", m.why)
			}
			found := firstViolation(out)
			t.Log(found)
			rows[m.name] = m.line(out, time.Since(began))
			if m.also == nil {
				return
			}
			pkg, args := m.also.command()
			if out, err = execute(t, m.also, pkg, args); err == nil {
				t.Fatalf("%s did not notice, though %s", pkg, m.why)
			}
			t.Log(firstViolation(out))
		})
	}
	if *tableFile != "" && !t.Failed() {
		writeTable(t, rows)
	}
}

// execute builds the tests of a package, with a mistake in place if there is
// one, and runs some of them. Its error is theirs.
func execute(t *testing.T, m *mutant, pkg string, args []string) (string, error) {
	t.Helper()
	top, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	bin := filepath.Join(dir, "mutant.test")
	flags := []string{"test", "-c", "-vet=off", "-o", bin}
	if m != nil {
		flags = append(flags, "-overlay", m.overlay(t, top, dir))
	}
	build := exec.Command("go", append(flags, pkg)...)
	build.Dir = top
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	run := exec.Command(bin, args...)
	run.Dir = filepath.Join(top, pkg)
	out, err := run.CombinedOutput()
	return string(out), err
}

// overlay writes the file with the mistake, and tells the compiler of it.
func (m *mutant) overlay(t *testing.T, top, dir string) string {
	t.Helper()
	text, err := m.apply()
	if err != nil {
		t.Fatal(err)
	}
	changed, overlay := filepath.Join(dir, "changed.go"), filepath.Join(dir, "overlay.json")
	b, err := json.Marshal(map[string]any{"Replace": map[string]string{filepath.Join(top, m.file): changed}})
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{changed: []byte(text), overlay: b} {
		if err := os.WriteFile(name, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return overlay
}

func firstViolation(out string) string {
	for line := range strings.Lines(out) {
		if strings.Contains(line, "seed ") || strings.Contains(line, "panic") || strings.Contains(line, "_test.go:") {
			return strings.TrimSpace(line)
		}
	}
	return out
}

// What TestSeeds says of a violation.
var (
	seedLine   = regexp.MustCompile(`seed (\d+), (\d+) replicas: ([^:]+):`)
	secondsOf  = regexp.MustCompile(`found in ([0-9.]+) seconds`)
	shrunkLine = regexp.MustCompile(`shrunk from \d+ to (\d+) events`)
)

// line is the mutant in the table of what found it.
func (m *mutant) line(out string, took time.Duration) string {
	by := "test " + strings.TrimPrefix(m.pkg, "./")
	what := "`" + strings.ReplaceAll(m.tests, "|", " ") + "`"
	seconds, events := fmt.Sprintf("%.1f", took.Seconds()), ""
	if s := seedLine.FindStringSubmatch(out); m.pkg == "" && s != nil {
		by, what = fmt.Sprintf("seed %s of %s, %s replicas", s[1], m.row, s[2]), s[3]
		if s := secondsOf.FindStringSubmatch(out); s != nil {
			seconds = s[1]
		}
		if s := shrunkLine.FindStringSubmatch(out); s != nil && what != "Liveness" {
			events = s[1]
		}
	}
	if m.also != nil {
		by += "; " + strings.TrimPrefix(m.also.pkg, "./")
	}
	return fmt.Sprintf("| %s | %s | %s | %s | %s | %s |", m.name, m.why, by, what, seconds, events)
}

// writeTable writes what was found into the table. What was not tried this time
// keeps its row.
func writeTable(t *testing.T, found map[string]string) {
	t.Helper()
	name := filepath.Join(root, *tableFile)
	old, _ := os.ReadFile(name) // there may be none yet
	before, explored, _ := strings.Cut(string(old), byExploration)
	for line := range strings.Lines(before) {
		if cells := strings.Split(line, " | "); len(cells) == 6 && found[strings.TrimPrefix(cells[0], "| ")] == "" {
			found[strings.TrimPrefix(cells[0], "| ")] = strings.TrimSpace(line)
		}
	}
	var rows []string
	for _, m := range mutants(t) {
		if row := found[m.name]; row != "" {
			rows = append(rows, row)
		}
	}
	text := `# Mutants

Each line that keeps the house safe has a mistake of its own in
[mutants.txt](../internal/house/mutants.txt), and something that must find it: the simulator, within
1,000 seeds under all faults, or a test that is named. "make mutants" puts them in place one by one,
requires that each is found and that nothing is found where nothing is wrong, and writes this table.
Seconds are of one run on two shared cores: of the search by seeds, of a test with its build. Events
are those of the run that a seed led to, shrunk by ` + fmt.Sprint(schedules) + ` tries within 20 seconds; none if
that was not enough, or if what broke is a promise for the end of the run, which no event breaks.

| mistake | what goes wrong | found by | as | seconds | events |
|---|---|---|---|---:|---:|
` + strings.Join(rows, "\n") + "\n"
	if explored != "" { // TestExplored writes the rest
		text += byExploration + explored
	}
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
