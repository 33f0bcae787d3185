package house

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

var (
	tryMutants = flag.Bool("mutants", false, "try every mutant of mutants.txt")
	onlyMutant = flag.String("mutant", "", "try this one only")
	perMutant  = flag.Int("seeds", 1000, "seeds a mutant has to be found within")
)

// A mutant is one deliberate mistake.
type mutant struct {
	name, why, file, was, is string
	row                      string // of the catalog, whose seeds find it
	pkg, tests               string // what must fail, where dice are not what finds it
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
		case "test":
			m.pkg, m.tests, _ = strings.Cut(rest, " ")
		default:
			t.Fatalf("mutants.txt:%d: %q", n+1, line)
		}
	}
	return ms
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
	return "./protocol", []string{"-test.run", "^TestSeeds$/^" + m.row + "$", "-seeds", fmt.Sprint(*perMutant)}
}

// TestMutants builds the simulation, or the test that is named, with each
// mistake in place, and requires that it fails. Without a mistake it must pass.
func TestMutants(t *testing.T) {
	if !*tryMutants && *onlyMutant == "" {
		t.Skip("a campaign of its own: make mutants")
	}
	top, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range mutants(t) {
		if *onlyMutant != "" && m.name != *onlyMutant {
			continue
		}
		t.Run(m.name, func(t *testing.T) {
			text, err := m.apply()
			if err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			changed := filepath.Join(dir, "changed.go")
			overlay := filepath.Join(dir, "overlay.json")
			b, err := json.Marshal(map[string]any{"Replace": map[string]string{filepath.Join(top, m.file): changed}})
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(changed, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(overlay, b, 0o600); err != nil {
				t.Fatal(err)
			}
			bin := filepath.Join(dir, "mutant.test")
			pkg, args := m.command()
			build := exec.Command("go", "test", "-c", "-vet=off", "-overlay", overlay, "-o", bin, pkg)
			build.Dir = top
			if out, err := build.CombinedOutput(); err != nil {
				t.Fatalf("build: %v\n%s", err, out)
			}
			run := exec.Command(bin, args...)
			run.Dir = filepath.Join(top, pkg)
			out, err := run.CombinedOutput()
			if err == nil {
				t.Fatalf("nobody noticed, though %s", m.why)
			}
			t.Log(firstViolation(string(out)))
		})
	}
}

func firstViolation(out string) string {
	for line := range strings.Lines(out) {
		if strings.Contains(line, "seed ") || strings.Contains(line, "panic") || strings.Contains(line, "_test.go:") {
			return strings.TrimSpace(line)
		}
	}
	return out
}
