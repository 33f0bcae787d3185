package report_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"althing/plan"
	"althing/plan/report"
)

var update = flag.Bool("update", false, "write the answers of testdata anew")

// answer is what a person reads who asks this: a plan and how the table was read, or
// why there is none.
func answer(text []byte) string {
	r, err := plan.Parse(text)
	if err != nil {
		return err.Error() + "\n"
	}
	p, err := plan.Make(r)
	if err != nil {
		return err.Error() + "\n"
	}
	var b strings.Builder
	if err := report.Text(&b, p); err != nil {
		return err.Error() + "\n"
	}
	return b.String() + "\nHow the table was read\n  " + strings.Join(p.Path, "\n  ") + "\n"
}

// TestGolden: to each question in testdata the answer that was reviewed. Whoever writes
// them anew reads each that changed: would somebody who knows the field sign it?
//
//	go test ./plan/report -run Golden -update
func TestGolden(t *testing.T) {
	questions, err := filepath.Glob("testdata/*.yaml")
	if err != nil || len(questions) < 40 {
		t.Fatalf("%d questions, %v", len(questions), err)
	}
	for _, name := range questions {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		got, file := answer(text), strings.TrimSuffix(name, ".yaml")+".txt"
		if *update {
			if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if want, err := os.ReadFile(file); err != nil || !bytes.Equal(want, []byte(got)) {
			t.Errorf("%s: %v: it is now\n%s", file, err, got)
		}
	}
}
