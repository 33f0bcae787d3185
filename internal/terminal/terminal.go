// Package terminal is what the commands share: where they write, how they say
// that they were called wrongly, with which code they end, and where the texts of
// their flags are. So a command may live in a room of its own and behave like
// all others.
package terminal

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/alecthomas/kong"
)

// How a command may end.
const (
	ExitOK      = 0 // all is well
	ExitBad     = 1 // the answer is bad, or there is none
	ExitUsage   = 2 // the command was called wrongly
	ExitUnknown = 3 // it could not be decided
)

// Output is where a command writes.
type Output struct {
	Out io.Writer // what was asked for
	Err io.Writer // errors, progress, logs
}

// JSON prints a value as indented JSON.
func (o *Output) JSON(v any) error {
	e := json.NewEncoder(o.Out)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// Fail prints an error and returns the code to end with: ExitOK for none, that
// of an Ending, ExitUsage with a hint for what Wrong and Usage made, and ExitBad
// for any other.
func (o *Output) Fail(err error) (code int) {
	if err == nil {
		return ExitOK
	}
	fmt.Fprintln(o.Err, "althing:", err)
	var usage usageError
	if errors.As(err, &usage) {
		fmt.Fprintln(o.Err, "Run althing --help, or with --help after the command, for what there is.")
		return ExitUsage
	}
	var end ending
	if errors.As(err, &end) {
		return end.code
	}
	return ExitBad
}

// A usageError says that the command was called wrongly.
type usageError struct{ error }

func (u usageError) Unwrap() error { return u.error }

// Usage makes of err one that says that the command was called wrongly; nil stays
// nil.
func Usage(err error) error {
	if err == nil {
		return nil
	}
	return usageError{err}
}

// Wrong says which flag has which value, and what was expected.
func Wrong(flag string, value any, expected string, args ...any) error {
	return usageError{fmt.Errorf("--%s=%v: %s", flag, value, fmt.Sprintf(expected, args...))}
}

// An ending is an error that ends the command with a code of its own.
type ending struct {
	error
	code int
}

func (e ending) Unwrap() error { return e.error }

// Ending makes of err one that ends the command with a code.
func Ending(err error, code int) error { return ending{err, code} }

// Interactive tells whether a person may watch what is written.
func Interactive(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// Help is what each flag and argument of each command is for: by the names of the
// commands, the outer ones first, with spaces between, and by the flag's name.
type Help map[string]map[string]string

// Explain is an option for the parser that puts texts where it looks for them.
// Each room with commands brings its own.
func Explain(texts ...Help) kong.Option {
	return kong.PostBuild(func(k *kong.Kong) error {
		for _, n := range k.Model.Children {
			explain(n, n.Name, texts)
		}
		return nil
	})
}

func explain(n *kong.Node, name string, texts []Help) {
	for _, h := range texts {
		for _, f := range n.Flags {
			if text, ok := h[name][f.Name]; ok {
				f.Help = text
			}
		}
		for _, p := range n.Positional {
			if text, ok := h[name][p.Name]; ok {
				p.Help = text
			}
		}
	}
	for _, c := range n.Children {
		explain(c, name+" "+c.Name, texts)
	}
}
