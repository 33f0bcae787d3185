package diagram

import (
	"bytes"
	"strings"
	"testing"

	"althing/trace"
)

// A run of everything that is drawn, as text.
func TestText(t *testing.T) {
	const file = `{"althing":2,"protocol":"toy","seed":1}
{"t":0,"seq":1,"kind":"start","node":1,"note":"input 1"}
{"t":0,"seq":2,"kind":"deliver","node":3,"from":1,"msg":"Ask","fields":"X=1","sent":1}
{"t":0,"seq":3,"kind":"deliver","node":1,"from":3,"msg":"Yes","effects":[{"kind":"Commit","entries":["1@1 a"]}]}
{"t":0,"seq":4,"kind":"deliver","node":1,"from":1,"msg":"Own"}
{"t":0,"seq":5,"kind":"sync","node":1,"n":1}
{"t":0,"seq":6,"kind":"drop","from":1,"to":2,"msg":"Ask"}
{"t":0,"seq":7,"kind":"crash","node":2}
{"t":0,"seq":8,"kind":"cut","from":3,"to":2}
{"t":0,"seq":9,"kind":"heal"}
`
	const want = `toy

       1       2       3
       o       |       |   start 1: input 1
       |-------------->|   Ask X=1
       |<--------------|   Yes, commits 1@1 a
       |---x---|       |   drop 1→2 Ask
       |       o       |   crash 2 (0 records)
       |       |---x---|   cut 3→2
       |       |       |   heal
`
	r, err := trace.NewReader(strings.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	var got bytes.Buffer
	if err := Write(&got, r, Window{}, Text); err != nil || got.String() != want {
		t.Errorf("%v\n%s\nwant\n%s", err, &got, want)
	}
}
