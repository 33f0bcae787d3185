// Command althing runs clusters that agree, and tries to break them.
//
//	althing up       a cluster on this machine, in one command
//	althing serve    one member of a cluster
//	althing sim      a protocol under simulated faults
//	althing explore  a protocol in every state of a small group
//	althing trace    what a simulation recorded, for other tools
//	althing check    what clients saw, against what was promised
//	althing bench    load for any server of the etcd API
//	althing plan     a protocol for what is required, with evidence
//	althing calc     quorums, availability, staleness, timeouts, latency, …
//	althing maelstrom a node for the Maelstrom workbench
//	althing version  which build this is
//
// It ends with 0 when all is well, 1 when the answer is bad (a member failed,
// a simulation broke a promise, requests failed), and 2 when it was called
// wrongly. A check that cannot be decided ends with 3.
package main

import (
	"os"

	"github.com/alecthomas/kong"

	"althing/cmd/althing/calc"
	"althing/cmd/althing/planning"
	"althing/internal/terminal"
)

type commands struct {
	Up        upCommand        `cmd:"" help:"Run a cluster on this machine, with its data in a directory."`
	Serve     serveCommand     `cmd:"" help:"Run one member of a cluster."`
	Sim       simCommands      `cmd:"" help:"Simulate a protocol under faults, from a seed."`
	Explore   exploreCommands  `cmd:"" help:"Visit every state of a small group of replicas."`
	Trace     traceCommand     `cmd:"" help:"Turn what a simulation recorded into what other tools read."`
	Check     checkCommand     `cmd:"" help:"Judge a recorded history: which promise does it keep?"`
	Bench     benchCommand     `cmd:"" help:"Put load on servers of the etcd API, and measure."`
	Plan      planning.Command `cmd:"" help:"Recommend a protocol and its numbers, with evidence."`
	Calc      calc.Commands    `cmd:"" help:"Calculate: quorums, availability, staleness, timeouts, latency, …"`
	Maelstrom maelstromCommand `cmd:"" help:"Be a node of the Maelstrom workbench, on standard input and output."`
	Version   versionCommand   `cmd:"" help:"Print which build this is."`
}

func main() { os.Exit(run(os.Args[1:], terminal.Output{Out: os.Stdout, Err: os.Stderr})) }

// ended carries an exit code out of kong, which ends the process where it
// prints help.
type ended int

func run(args []string, to terminal.Output) (code int) {
	defer func() {
		switch r := recover().(type) {
		case nil:
		case ended:
			code = int(r)
		default:
			panic(r)
		}
	}()
	parser, err := kong.New(new(commands), kong.Name("althing"), kong.UsageOnError(),
		kong.Description("Agreement between machines: clusters that serve the etcd API, "+
			"a simulator of faults, and an explorer of states."),
		kong.Writers(to.Out, to.Err), kong.Exit(func(code int) { panic(ended(code)) }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}), kong.PostBuild(environment),
		terminal.Explain(help, planning.Help, calc.Help))
	if err != nil {
		return to.Fail(err)
	}
	context, err := parser.Parse(args)
	if err != nil {
		return to.Fail(terminal.Usage(err))
	}
	return to.Fail(context.Run(&to))
}

// parseServe reads the flags of serve as the command line does.
func parseServe(args []string) (*serveCommand, error) {
	s := new(serveCommand)
	parser, err := kong.New(s, kong.Name("serve"))
	if err != nil {
		return nil, err
	}
	if _, err := parser.Parse(args); err != nil {
		return nil, terminal.Usage(err)
	}
	return s, nil
}
