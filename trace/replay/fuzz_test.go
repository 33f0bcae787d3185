package replay_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"althing/sim"
	"althing/trace/replay"
	"althing/world/worldtest"
)

// Whatever a file says is played, refused or departs; nothing panics but what a process
// does in its Step, which is a violation.
func FuzzRun(f *testing.F) {
	var file bytes.Buffer
	o := short
	o.Duration, o.Trace = 200*time.Millisecond, &file
	if _, err := sim.Run(worldtest.Protocol(worldtest.NoBug), o); err != nil {
		f.Fatal(err)
	}
	lines := strings.SplitAfter(file.String(), "\n")
	f.Add(strings.Join(lines[:min(len(lines), 40)], ""))
	const head = `{"althing":2,"protocol":"primary","seed":1,"world":"replicas=2 seed=1 election=1ns..2ns"}` + "\n"
	for _, event := range []string{
		`"kind":"start","node":1`, `"kind":"restart","node":9`, `"kind":"join","node":3`,
		`"kind":"cut","from":1,"to":70`,
		`"kind":"sync","node":1,"n":-1`, `"kind":"timeout","node":1,"timer":99`, `"kind":"clock","node":1,"n":-2000000`,
		`"kind":"clock","node":1,"note":"ahead by -1s"`, `"kind":"submit","node":1,"reqs":["members {9,9}"]`,
		`"kind":"deliver","node":1,"from":1,"msg":"Note"`, `"kind":"violation","note":"Agreement"`,
	} {
		f.Add(head + `{"t":0,"seq":1,` + event + "}\n")
		f.Add(head + `{"t":0,"seq":1,"kind":"start","node":1}` + "\n" + `{"t":9,"seq":2,` + event + "}\n")
	}
	p := worldtest.Protocol(worldtest.NoBug)
	f.Fuzz(func(t *testing.T, text string) {
		all, err := replay.Read(strings.NewReader(text))
		if err != nil || len(all.Events) > 1000 {
			return
		}
		v, err := replay.Run(p, all)
		if err == nil && v == nil && all.Violation() != nil {
			t.Fatalf("%v was passed over", all.Violation())
		}
		done, _, err := replay.Play(p, all.Header, all.Events)
		if err == nil && len(done) > len(all.Events) {
			t.Fatalf("%d events became %d", len(all.Events), len(done))
		}
	})
}
