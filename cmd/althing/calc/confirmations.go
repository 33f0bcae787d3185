package calc

import (
	"io"
	"time"

	"althing/confirm"
	"althing/internal/terminal"
)

type confirmationsCommand struct {
	Attacker float64       `short:"q" default:"0.1"`
	Blocks   int           `short:"z" default:"6"`
	Risk     float64       `default:"0.001"`
	Delay    time.Duration `placeholder:"TIME"`
	Interval time.Duration `default:"10m"`
	form
}

// Help has examples.
func (confirmationsCommand) Help() string {
	return `The chance that a payment is undone, by each of the models that are in use, and the blocks
to wait for so that it is smaller than a risk:

  althing calc confirmations --attacker 0.3 --blocks 6
  althing calc confirmations --attacker 0.1 --risk 1e-6 -o json
  althing calc confirmations --attacker 0.4 --delay 10s --interval 15s

rosenfeld is exact, and nakamoto an approximation of the same; strict asks less of whoever is paid.`
}

type confirmations struct {
	Attacker  float64     `json:"attacker_share"`
	Blocks    int         `json:"blocks"`
	Risk      float64     `json:"risk"`
	Models    []confirmed `json:"models"`
	Tolerable float64     `json:"tolerable_share"` // of an attacker, with the delay
	delay     time.Duration
	interval  time.Duration
}

type confirmed struct {
	Model  string  `json:"model"`
	About  string  `json:"about"`
	Undone float64 `json:"undone"`           // chance, after so many blocks
	Needed *int    `json:"blocks_for_risk"`  // null: none are enough
	Why    string  `json:"reason,omitempty"` // of there being none
}

var models = []struct {
	model confirm.Model
	about string
}{
	{confirm.Rosenfeld, "exact; the attacker has a block beforehand, or wins a tie"},
	{confirm.Nakamoto, "Bitcoin's paper; takes the attacker's blocks for Poisson"},
	{confirm.Strict, "exact; the attacker begins level and must get ahead"},
}

// Run asks each model.
func (c *confirmationsCommand) Run(to *terminal.Output) error {
	switch {
	case !(c.Attacker >= 0 && c.Attacker <= 1):
		return terminal.Wrong("attacker", c.Attacker, "expected a share of the power, from 0 to 1")
	case !(c.Risk > 0 && c.Risk <= 1):
		return terminal.Wrong("risk", c.Risk, "expected above 0, and up to 1")
	case c.Delay < 0:
		return terminal.Wrong("delay", c.Delay, "expected at least 0s")
	case c.Interval <= 0:
		return terminal.Wrong("interval", c.Interval, "expected above 0s")
	}
	if err := whole("blocks", c.Blocks, 0, confirm.MaxBlocks); err != nil {
		return err
	}
	a := confirmations{Attacker: c.Attacker, Blocks: c.Blocks, Risk: c.Risk, delay: c.Delay,
		interval: c.Interval}
	for _, m := range models {
		undone, err := m.model.Risk(c.Attacker, c.Blocks)
		if err != nil {
			return terminal.Usage(err)
		}
		one := confirmed{Model: m.model.String(), About: m.about, Undone: undone}
		if z, err := m.model.Blocks(c.Attacker, c.Risk); err != nil {
			one.Why = unnamed(err)
		} else {
			one.Needed = &z
		}
		a.Models = append(a.Models, one)
	}
	var err error
	if a.Tolerable, err = confirm.Tolerable(c.Delay, c.Interval); err != nil {
		return terminal.Usage(err)
	}
	return c.print(to, a)
}

func (a confirmations) text(w io.Writer) {
	line(w, "attacker", "%.4g%% of the power", 100*a.Attacker)
	for _, m := range a.Models {
		line(w, m.Model, "%s undone after %s: %s", chance(m.Undone), count(a.Blocks, "block"), m.About)
		if m.Needed != nil {
			line(w, "", "%s for less than %s", count(*m.Needed, "block"), chance(a.Risk))
		} else {
			line(w, "", "%s", m.Why)
		}
	}
	line(w, "at most", "%.4g%% of the power, with a block each %v that travels for %v: beyond, nothing helps",
		100*a.Tolerable, a.interval, a.delay)
}
