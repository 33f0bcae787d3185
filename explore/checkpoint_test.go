package explore

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// A search that is stopped and resumed, again and again, sees what one sees
// that is not.
func TestResume(t *testing.T) {
	m := &grid{max: 60, pad: 30, goal: [2]byte{50, 2}, bad: [2]byte{60, 59}}
	whole := run(t, m, Options{KeepOn: true})
	o := Options{KeepOn: true, Checkpoint: filepath.Join(t.TempDir(), "checkpoint"), Resume: true}
	var r Result
	stops := 0
	for o.MaxStates = 500; ; o.MaxStates += 500 {
		if r = run(t, m, o); r.Stopped == "" {
			break
		}
		stops++
	}
	if stops < 5 || r.Generated != whole.Generated || r.Distinct != whole.Distinct || r.Depth != whole.Depth ||
		r.Dead != whole.Dead || r.Kinds[0] != whole.Kinds[0] {
		t.Errorf("after %d stops %v, want %v", stops, &r, &whole)
	}
	for _, name := range []string{"goal", "not bad"} {
		f, want := r.Found(name), whole.Found(name)
		if f == nil || want == nil || len(f.Trace) != len(want.Trace) || f.Broken != want.Broken {
			t.Fatalf("%s: %+v, want %+v", name, f, want)
		}
		follows(t, m, f.Trace)
	}
}

// What an action broke is known after a resume, too.
func TestResumeAfterAFailedAction(t *testing.T) {
	m := &grid{max: 30, trap: [2]byte{2, 1}}
	o := Options{KeepOn: true, Checkpoint: filepath.Join(t.TempDir(), "checkpoint"), Resume: true, MaxStates: 200}
	run(t, m, o)
	o.MaxStates = 0
	r := run(t, m, o)
	if f := r.Broken(); f == nil || f.Err.Error() != errTrap.Error() || len(f.Trace) != 5 {
		t.Errorf("%v: %+v", &r, f)
	}
}

func TestCheckpointNowAndThen(t *testing.T) {
	o := Options{Checkpoint: filepath.Join(t.TempDir(), "checkpoint"), CheckpointEvery: time.Nanosecond, Workers: 2}
	if r := run(t, &grid{max: 20}, o); r.Distinct != 441 {
		t.Errorf("%v", &r)
	}
	if _, err := os.Stat(o.Checkpoint); err != nil {
		t.Error(err)
	}
	left, err := filepath.Glob(o.Checkpoint + ".*")
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// checkpoint returns one of a small search.
func checkpoint(t testing.TB, m Model) []byte {
	t.Helper()
	file := filepath.Join(t.TempDir(), "checkpoint")
	if _, err := Run(context.Background(), m, Options{Checkpoint: file, MaxStates: 20, Workers: 1}); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// reads reports what a search makes of bytes as its checkpoint.
func reads(m Model, b []byte) error {
	s := &search{model: m, o: Options{Workers: 1}, ctx: context.Background()}
	s.workers = []*worker{s.worker()}
	return s.read(bytes.NewReader(b), new(frontier))
}

func TestASpoiltCheckpoint(t *testing.T) {
	m := &grid{max: 9}
	good := checkpoint(t, m)
	if err := reads(m, good); err != nil {
		t.Fatal(err)
	}
	for i := range good {
		bad := bytes.Clone(good)
		bad[i] ^= 0x10
		if reads(m, bad) == nil {
			t.Fatalf("byte %d of %d is another, and nobody sees it", i, len(good))
		}
		if reads(m, good[:i]) == nil {
			t.Fatalf("it ends after %d bytes of %d, and nobody sees it", i, len(good))
		}
	}
	if reads(m, append(bytes.Clone(good), 0)) == nil {
		t.Error("something follows, and nobody sees it")
	}
	for name, other := range map[string]Model{"pad": &grid{max: 9, pad: 1}, "property": with{m, m.Properties()[0]}} {
		if reads(other, good) == nil {
			t.Errorf("another model reads it: %s", name)
		}
	}
	file := filepath.Join(t.TempDir(), "checkpoint")
	if err := os.WriteFile(file, good[:99], 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Run(t.Context(), m, Options{Checkpoint: file, Resume: true}); !errors.Is(err, ErrCheckpoint) {
		t.Errorf("resume from half of one: %v", err)
	}
}

func TestWhereThereIsNoCheckpoint(t *testing.T) {
	file := filepath.Join(t.TempDir(), "checkpoint")
	for _, o := range []Options{{Search: Depth, Checkpoint: file}, {Search: Walk, Checkpoint: file}} {
		if _, err := Run(t.Context(), &grid{max: 3}, o); err == nil {
			t.Errorf("%+v: no error", o)
		}
	}
	o := Options{Checkpoint: filepath.Join(file, "x"), MaxStates: 1}
	if _, err := Run(t.Context(), &grid{max: 3}, o); err == nil {
		t.Error("a checkpoint in no directory: no error")
	}
	if r := run(t, &grid{max: 3}, Options{Checkpoint: file, Resume: true}); r.Distinct != 16 {
		t.Errorf("resume of what never began: %v", &r)
	}
}

func FuzzCheckpoint(f *testing.F) {
	m := &grid{max: 9}
	good := checkpoint(f, m)
	f.Add(good)
	f.Add(good[:len(good)/2])
	f.Add([]byte(checkpointLine))
	f.Fuzz(func(t *testing.T, b []byte) {
		if reads(m, b) == nil && !bytes.Equal(b, good) {
			// It has a right sum: then a search can go on from it, or says that it
			// cannot.
			t.Logf("%d bytes are a checkpoint", len(b))
		}
	})
}
