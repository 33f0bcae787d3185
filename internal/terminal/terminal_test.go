package terminal

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

// TestFail holds each kind of error against its code, even where it is wrapped.
func TestFail(t *testing.T) {
	cause := errors.New("so it is")
	for _, c := range []struct {
		err  error
		code int
		says string
	}{
		{nil, ExitOK, ""},
		{cause, ExitBad, "althing: so it is\n"},
		{Usage(cause), ExitUsage, "--help"},
		{Usage(nil), ExitOK, ""},
		{fmt.Errorf("file: %w", Usage(cause)), ExitUsage, "--help"},
		{Wrong("n", 3, "expected up to %d", 2), ExitUsage, "--n=3: expected up to 2"},
		{Ending(cause, ExitUnknown), ExitUnknown, "althing: so it is\n"},
		{fmt.Errorf("file: %w", Ending(cause, ExitUsage)), ExitUsage, "althing: file: so it is\n"},
	} {
		var out, err bytes.Buffer
		o := Output{&out, &err}
		if code := o.Fail(c.err); code != c.code || !strings.Contains(err.String(), c.says) || out.Len() > 0 {
			t.Errorf("%v: %d, %q, want %d, %q", c.err, code, err.String(), c.code, c.says)
		}
		if errors.Is(c.err, cause) != strings.Contains(err.String(), "so it is") {
			t.Errorf("%v hides the cause", c.err)
		}
		if Interactive(&err) {
			t.Error("a buffer is no terminal")
		}
	}
}

// TestExplain: rooms explain their own commands, and leave alone what others said.
func TestExplain(t *testing.T) {
	var commands struct {
		Outer struct {
			Inner struct {
				File string `arg:""`
				Flag string
				Kept string `help:"As it was."`
			} `cmd:""`
		} `cmd:""`
	}
	k, err := kong.New(&commands, Explain(
		Help{"outer inner": {"file": "A file."}, "inner": {"flag": "Of another command."}},
		Help{"outer inner": {"flag": "A flag."}}))
	if err != nil {
		t.Fatal(err)
	}
	inner := k.Model.Children[0].Children[0]
	said := map[string]string{}
	for _, f := range inner.Flags {
		said[f.Name] = f.Help
	}
	if inner.Positional[0].Help != "A file." || said["flag"] != "A flag." || said["kept"] != "As it was." {
		t.Errorf("%q, %v", inner.Positional[0].Help, said)
	}
}
