package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"althing/history"
	"althing/history/format"
	"althing/history/judge"
	"althing/internal/terminal"
)

type checkCommand struct {
	Files []string `arg:"" name:"file" placeholder:"FILE"`

	Model       string        `default:"register" placeholder:"MODEL"`
	Consistency string        `default:"linearizable" placeholder:"PROMISE"`
	Format      string        `default:"auto" placeholder:"FORMAT"`
	Timeout     time.Duration `default:"1m"`
	Order       string        `placeholder:"FILE"`
	Certificate string        `placeholder:"FILE"`
	Page        string        `placeholder:"FILE"`
}

// Run judges each file, and ends with the worst verdict.
func (c *checkCommand) Run(to *terminal.Output) error {
	if err := c.validate(); err != nil {
		return err
	}
	worst := history.OK
	for _, file := range c.Files {
		j := judge.New(c.Model)
		if err := c.read(file, j.Add); err != nil {
			return terminal.Ending(fmt.Errorf("%s: %w", file, err), terminal.ExitUsage)
		}
		began := time.Now()
		v := j.Judge(c.Consistency, c.Timeout)
		c.tell(to, file, &v, time.Since(began))
		if err := c.keep(file, &v); err != nil {
			return err
		}
		if v.Verdict == history.Illegal || worst == history.OK {
			worst = v.Verdict
		}
	}
	switch worst {
	case history.OK:
		return nil
	case history.Illegal:
		return errors.New("the promise was broken")
	}
	return terminal.Ending(errors.New("it could not be found out whether the promise was kept"), terminal.ExitUnknown)
}

func (c *checkCommand) validate() error {
	promises, formats := judge.Promises(c.Model), []string{}
	for _, f := range format.Formats {
		formats = append(formats, string(f))
	}
	switch {
	case promises == nil:
		return terminal.Wrong("model", c.Model, "expected one of %s", strings.Join(judge.Models(), ", "))
	case !slices.Contains(promises, c.Consistency):
		return terminal.Wrong("consistency", c.Consistency, "expected, of a %s, one of %s", c.Model,
			strings.Join(promises, ", "))
	case !slices.Contains(formats, c.Format):
		return terminal.Wrong("format", c.Format, "expected one of %s", strings.Join(formats, ", "))
	case c.Timeout <= 0:
		return terminal.Wrong("timeout", c.Timeout, "expected more than nothing")
	case c.Order != "" && len(c.Files) > 1:
		return terminal.Wrong("order", c.Order, "expected with one file: an order is of one history")
	case c.Certificate != "" && len(c.Files) > 1:
		return terminal.Wrong("certificate", c.Certificate, "expected with one file: it is of one history")
	case c.Page != "" && len(c.Files) > 1:
		return terminal.Wrong("page", c.Page, "expected with one file: a page is of one history")
	}
	return nil
}

// read hands on the events of a file; - is standard input.
func (c *checkCommand) read(file string, add func(*history.Event) error) error {
	var from io.Reader = os.Stdin
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return err
		}
		defer f.Close()
		from = f
	}
	return format.Read(from, format.Format(c.Format), add)
}

// tell prints a verdict, and why.
func (c *checkCommand) tell(to *terminal.Output, file string, v *judge.Verdict, took time.Duration) {
	word := map[history.Verdict]string{history.OK: "holds", history.Illegal: "VIOLATED",
		history.Unknown: "unknown"}[v.Verdict]
	fmt.Fprintf(to.Out, "%s: %s: %s (%s, %v)\n", file, c.Consistency, word, v.How, took.Round(time.Millisecond))
	for _, line := range v.Reasons {
		fmt.Fprintln(to.Out, "  "+line)
	}
	switch {
	case v.Verdict == history.Unknown:
	case v.Proof == nil && c.Certificate != "":
		fmt.Fprintf(to.Out, "  certificate: verified, and written to %s\n", c.Certificate)
	case v.Proof == nil && v.Verdict == history.OK:
		fmt.Fprintln(to.Out, "  certificate: verified, and dropped (--certificate keeps it)")
	case v.Proof == nil:
		fmt.Fprintln(to.Out, "  certificate: verified")
	default:
		fmt.Fprintf(to.Out, "  certificate: not verified: %v\n", v.Proof)
	}
}

// keep writes the order, the certificate and the page to files, if that is wished.
func (c *checkCommand) keep(file string, v *judge.Verdict) error {
	if c.Order != "" && v.Order != nil {
		if err := os.WriteFile(c.Order, []byte(strings.Join(v.Order(), "\n")+"\n"), 0o644); err != nil {
			return terminal.Wrong("order", c.Order, "%v", err)
		}
	}
	if c.Certificate != "" && v.Certificate != nil {
		if err := create("certificate", c.Certificate, v.Certificate); err != nil {
			return err
		}
	}
	if c.Page == "" {
		return nil
	}
	p := v.Page()
	p.Title = file + ": " + c.Consistency
	return create("page", c.Page, p.Write)
}

// create has the file that a flag names written.
func create(flag, path string, write func(io.Writer) error) error {
	f, err := os.Create(path)
	if err == nil {
		err = errors.Join(write(f), f.Close())
	}
	if err != nil {
		return terminal.Wrong(flag, path, "%v", err)
	}
	return nil
}
