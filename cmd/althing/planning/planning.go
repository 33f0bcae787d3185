// Package planning is the command that recommends a protocol. It reads what is
// required from a file or from flags, and shows the plan; package plan makes it.
package planning

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"

	"github.com/goccy/go-yaml"

	"althing/internal/terminal"
	"althing/plan"
	"althing/plan/emit"
	"althing/plan/prove"
	"althing/plan/report"
)

// Command is "althing plan".
type Command struct {
	File string `arg:"" optional:"" name:"file"`
	wishes
	Schema  string `placeholder:"input|output"`
	Explain bool
	Prove   *bool    `negatable:""`
	Emit    string   `placeholder:"FORM"`
	Image   string   `placeholder:"NAME"`
	Hosts   []string `placeholder:"HOST,…"`
	Output  string   `short:"o" enum:"text,json,yaml,md" default:"text"`

	proof prove.Options // tests have their own
}

// Help has examples.
func (Command) Help() string {
	return `Five nodes in three regions that must survive the loss of any one of them:

  althing plan --problem consensus --nodes 5 --tolerate 2 \
    --consistency linearizable --regions VA,OR,IR --survive-region

The same from a file, which --schema describes; flags go before what it says:

  distributed_context:
    problem_type: consensus
    consistency_requirement: linearizable
    cluster_config: {nodes: 5, failure_tolerance: 2, regions: [VA, OR, IR], survive_region: true}

  althing plan wish.yaml
  althing plan -o json - < wish.yaml

What starts it, where "althing serve" runs it:

  althing plan wish.yaml --emit serve --hosts 10.0.0.1,10.0.0.2,10.0.0.3,10.0.0.4,10.0.0.5
  althing plan wish.yaml --emit kubernetes --image registry.example/althing:1.2

On a terminal, or with --prove, what is recommended and the runner-up are run in the simulator
through each scenario, from a seed, and claims held against that.

It ends with 2, and all reasons, if there is no such plan, and with 1 if a run contradicts it.`
}

// Help is what each flag is for.
var Help = terminal.Help{"plan": {
	"file":           "What is required, in YAML or JSON; - is standard input. Without it, flags say all.",
	"problem":        "What is to be solved: " + names(plan.Problems) + ".",
	"nodes":          "Nodes that there are, 1 to 1000.",
	"tolerate":       "Nodes that may fail at once (as many as can be).",
	"regions":        "Where the nodes are, with commas: VA OR CA IR SI TO SY SP, or us-east-1 …; others with --rtt.",
	"survive-region": "The loss of any one region must be survived.",
	"consistency":    "What clients are promised: " + names(plan.Levels) + " (eventual).",
	"latency":        "One way between two nodes, in whole milliseconds (of the regions, or 0.25 ms).",
	"rtt":            "Round trip from a region to another; again for each, or with commas.",
	"partitions":     "Chance that a run has a partition in it, 0 to 1.",
	"byzantine":      "Nodes that fail may say anything to anybody.",
	"available":      "Both sides of a partition must go on taking writes.",
	"reads":          "Share of the requests that read, 0 to 1 (0.5).",
	"request-bytes":  "Bytes of a request (256).",
	"rate":           "Requests a second (1000).",
	"data-type":      "What is written: counter, flag, set, map, register, text, opaque.",
	"scans":          "Keys are read in order.",
	"pinning":        "Keys are put on nodes by name.",
	"loss":           "Acknowledged writes may be lost now and then.",
	"uncertainty":    "Of clocks (10ms).",
	"down":           "Chance that a node is down at a given moment (0.01).",
	"flush":          "Of a disk (1ms).",
	"schema":         "Print the JSON Schema of the input, or of the output, and end.",
	"explain":        "Print how the decision table was read, too.",
	"prove":          "Run it through all scenarios, in the simulator (if on a terminal).",
	"emit":           "Write what starts it instead: serve, compose or kubernetes.",
	"image":          "Of althing, for compose and kubernetes (" + emit.DefaultImage + ").",
	"hosts":          "Of the nodes, for serve: HOST or HOST:PORT (n1, n2, …).",
	"output":         "text, json, yaml, or md for a document in Markdown.",
}}

func names[T ~string](words []T) string {
	all := make([]string, len(words))
	for i, w := range words {
		all[i] = string(w)
	}
	return strings.Join(all, ", ")
}

// Run plans.
func (c *Command) Run(to *terminal.Output) error {
	if c.Schema != "" {
		return c.schema(to)
	}
	p, err := c.plan()
	if err != nil {
		return c.refuse(to, err)
	}
	if c.Emit != "" {
		return c.emit(to, p)
	}
	proved := c.prove(to, p)
	if proved != nil && !errors.Is(proved, prove.ErrContradicted) {
		return proved
	}
	return errors.Join(c.show(to, p), proved)
}

// prove runs the plan, if that was asked for, or if a person watches and it was not
// forbidden.
func (c *Command) prove(to *terminal.Output, p *plan.Plan) error {
	wanted := terminal.Interactive(to.Out)
	if c.Prove != nil {
		wanted = *c.Prove
	}
	if !wanted {
		return nil
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	return prove.Prove(ctx, p, c.proof, progress(to.Err))
}

// progress returns what draws a bar on a terminal, and nil where nobody watches.
func progress(w io.Writer) func(done, total int) {
	if !terminal.Interactive(w) {
		return nil
	}
	return func(done, total int) {
		const width = 40
		full := width * done / total
		bar := strings.Repeat("█", full) + strings.Repeat("░", width-full)
		fmt.Fprintf(w, "\rproving %s %d of %d", bar, done, total)
		if done == total {
			fmt.Fprint(w, "\r\033[K") // the line is for what comes next
		}
	}
}

// emit writes what starts the plan. Nothing of it depends on the machine, so whatever
// is wrong was asked wrongly.
func (c *Command) emit(to *terminal.Output, p *plan.Plan) error {
	return terminal.Usage(emit.Write(to.Out, p, c.Emit, emit.Options{Image: c.Image, Hosts: c.Hosts}))
}

func (c *Command) schema(to *terminal.Output) error {
	schemas := map[string][]byte{"input": plan.InputSchema, "output": plan.OutputSchema}
	text, ok := schemas[c.Schema]
	if !ok {
		return terminal.Wrong("schema", c.Schema, "expected input or output")
	}
	_, err := to.Out.Write(text)
	return err
}

// plan reads what is required, from the file first and then from the flags, and
// plans for it.
func (c *Command) plan() (*plan.Plan, error) {
	text, err := c.read()
	if err != nil {
		return nil, err
	}
	if text, err = c.wishes.over(text); err != nil {
		return nil, err
	}
	r, err := plan.Parse(text)
	if err != nil {
		return nil, terminal.Usage(err)
	}
	p, err := plan.Make(r)
	var refusal *plan.Refusal
	if errors.As(err, &refusal) {
		return nil, terminal.Usage(err)
	}
	return p, err
}

// maxFile is above what Parse takes, so that it is Parse who says so.
const maxFile = 2 << 20

func (c *Command) read() ([]byte, error) {
	switch c.File {
	case "":
		return nil, nil
	case "-":
		return io.ReadAll(io.LimitReader(os.Stdin, maxFile))
	}
	f, err := os.Open(c.File)
	if err != nil {
		return nil, terminal.Usage(err)
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxFile))
}

// refuse prints why there is no plan as a document, if one was asked for.
func (c *Command) refuse(to *terminal.Output, err error) error {
	var refusal *plan.Refusal
	if c.Output == "json" && errors.As(err, &refusal) {
		return errors.Join(err, to.JSON(refusal))
	}
	return err
}

func (c *Command) show(to *terminal.Output, p *plan.Plan) (err error) {
	switch c.Output {
	case "json":
		err = to.JSON(p)
	case "yaml":
		err = asYAML(to.Out, p)
	case "md":
		err = report.Markdown(to.Out, p)
	default:
		err = report.Text(to.Out, p)
	}
	if c.Explain && err == nil {
		w := to.Out
		if c.Output == "json" || c.Output == "yaml" {
			w = to.Err // or it would be no document
		}
		fmt.Fprintln(w, "\nHow the table was read")
		for _, step := range p.Path {
			fmt.Fprintln(w, "  "+step)
		}
	}
	return err
}

// asYAML writes the same as JSON, with the names and in the order of JSON.
func asYAML(w io.Writer, p *plan.Plan) error {
	var b bytes.Buffer
	if err := (&terminal.Output{Out: &b}).JSON(p); err != nil {
		return err
	}
	text, err := yaml.JSONToYAML(b.Bytes())
	if err != nil {
		return err
	}
	_, err = w.Write(text)
	return err
}
