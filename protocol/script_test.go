package protocol_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"althing/protocol"
	"althing/script"
)

var rewrite = flag.Bool("rewrite", false, "take the outcomes of scripts as they are now")

// TestScripts plays testdata/PROTOCOL/FACT.txt and compares the outcome.
func TestScripts(t *testing.T) {
	for _, p := range protocol.All {
		files, err := filepath.Glob(filepath.Join("testdata", p.Name, "*.txt"))
		if err != nil || len(files) == 0 {
			t.Errorf("%s has no scripts: %v", p.Name, err)
		}
		for _, file := range files {
			t.Run(file, func(t *testing.T) {
				want, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				got, err := script.Run(p, want)
				if err != nil {
					t.Fatal(err)
				}
				if *rewrite {
					if err := os.WriteFile(file, got, 0o666); err != nil {
						t.Fatal(err)
					}
				} else if !bytes.Equal(got, want) {
					t.Errorf("the outcome changed; go test -rewrite takes it as it is:\n%s", script.Diff(want, got))
				}
			})
		}
	}
}
