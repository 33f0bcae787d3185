package calc

import (
	"errors"
	"io"
	"time"

	"althing/internal/terminal"
	"althing/quorum"
	"althing/quorum/staleness"
)

type stalenessCommand struct {
	Replicas int `short:"n" default:"3"`
	Read     int `short:"r" default:"1"`
	Write    int `short:"w" default:"1"`

	Network       string          `default:"ssd"`
	WriteDelay    string          `placeholder:"DELAY"`
	AckDelay      string          `placeholder:"DELAY"`
	ReadDelay     string          `placeholder:"DELAY"`
	ResponseDelay string          `placeholder:"DELAY"`
	Apart         time.Duration   `default:"-1ns" placeholder:"TIME"`
	After         []time.Duration `default:"0s,1ms,10ms,100ms"`
	Chance        float64         `default:"0.999"`
	Trials        int             `default:"200000"`
	Seed          uint64          `default:"1"`
	form
}

// Help has examples.
func (stalenessCommand) Help() string {
	return `How many versions a read is behind, and how long after a write it may still be:

  althing calc staleness --replicas 3 --read 1 --write 1 --network disk
  althing calc staleness -n 5 -r 2 -w 2 --network wan --chance 0.99
  althing calc staleness -n 3 -r 1 -w 2 --write-delay '0.9*pareto(0.2ms,10) + 0.1*exp(2ms)'

Networks are ssd, disk, ymmr and wan, as fitted by Bailis et al. (VLDB 2012). A delay is a sum of
parts: exp(MEAN), pareto(LEAST, SHAPE), or durations that were measured, each with its weight and *
before it. The same seed gives the same answer.`
}

// A stale is how stale reads are.
type stale struct {
	Replicas int       `json:"replicas"`
	Read     int       `json:"read"`
	Write    int       `json:"write"`
	Meet     bool      `json:"reads_meet_writes"`
	Agree    bool      `json:"writes_meet"`
	Missed   float64   `json:"missed"` // chance that a read's quorum has none of a write's
	Within   []within  `json:"within_versions"`
	Versions int       `json:"versions_for_chance"`
	Network  string    `json:"network"`
	Chance   float64   `json:"chance"`
	Reads    latencies `json:"read_latency"`
	Writes   latencies `json:"write_latency"`
	Visible  float64   `json:"visible_after_ms"` // with the chance
	Fresh    []fresh   `json:"fresh"`
	Trials   int       `json:"trials"`
	Seed     uint64    `json:"seed"`
}

type within struct {
	Versions int     `json:"versions"`
	Chance   float64 `json:"chance"`
}

type latencies struct {
	P50  float64 `json:"p50_ms"`
	P99  float64 `json:"p99_ms"`
	P999 float64 `json:"p99.9_ms"`
}

type fresh struct {
	After  float64 `json:"after_ms"`
	Chance float64 `json:"chance"`
	after  time.Duration
}

func (c *stalenessCommand) check() error {
	if err := whole("replicas", c.Replicas, 1, staleness.MaxReplicas); err != nil {
		return err
	}
	if !(c.Chance > 0 && c.Chance < 1) {
		return terminal.Wrong("chance", c.Chance, "expected between 0 and 1")
	}
	for _, t := range c.After {
		if err := span("after", t, 0, 1<<62); err != nil {
			return err
		}
	}
	return errors.Join(whole("read", c.Read, 1, c.Replicas), whole("write", c.Write, 1, c.Replicas),
		whole("trials", c.Trials, 1, staleness.MaxTrials))
}

// model is the network, with what was said otherwise.
func (c *stalenessCommand) model() (m staleness.Model, err error) {
	if m, err = staleness.Fit(c.Network); err != nil {
		return m, terminal.Wrong("network", c.Network, "expected %s", unnamed(err))
	}
	for _, d := range []struct {
		flag, text string
		to         *staleness.Dist
	}{
		{"write-delay", c.WriteDelay, &m.Write}, {"ack-delay", c.AckDelay, &m.Ack},
		{"read-delay", c.ReadDelay, &m.Read}, {"response-delay", c.ResponseDelay, &m.Response},
	} {
		if d.text == "" {
			continue
		}
		if *d.to, err = staleness.Parse(d.text); err != nil {
			return m, terminal.Wrong(d.flag, d.text, "expected a delay: %s", unnamed(err))
		}
	}
	if c.Apart != -1 {
		m.Apart = c.Apart
	}
	m.N, m.R, m.W = c.Replicas, c.Read, c.Write
	return m, span("apart", m.Apart, 0, time.Hour)
}

// Run counts versions, and draws races.
func (c *stalenessCommand) Run(to *terminal.Output) error {
	if err := c.check(); err != nil {
		return err
	}
	m, err := c.model()
	if err != nil {
		return err
	}
	a := stale{Replicas: c.Replicas, Read: c.Read, Write: c.Write, Network: c.Network, Chance: c.Chance,
		Trials: c.Trials, Seed: c.Seed}
	nrw := quorum.NRW{N: c.Replicas, R: c.Read, W: c.Write}
	a.Meet, a.Agree = nrw.ReadsMeetWrites() == nil, nrw.WritesMeet() == nil
	if a.Missed, err = staleness.Missed(c.Replicas, c.Read, c.Write); err != nil {
		return terminal.Usage(err)
	}
	for _, k := range []int{1, 2, 3, 5, 10} {
		p, err := staleness.Within(c.Replicas, c.Read, c.Write, k)
		if err != nil {
			return terminal.Usage(err)
		}
		a.Within = append(a.Within, within{k, p})
	}
	if a.Versions, err = staleness.Versions(c.Replicas, c.Read, c.Write, c.Chance); err != nil {
		return terminal.Usage(err)
	}
	r, err := m.Run(c.Trials, c.Seed)
	if err != nil {
		return terminal.Usage(err)
	}
	at := func(q func(float64) time.Duration) latencies {
		return latencies{milliseconds(q(.5)), milliseconds(q(.99)), milliseconds(q(.999))}
	}
	a.Reads, a.Writes, a.Visible = at(r.Read), at(r.Write), milliseconds(r.Visible(c.Chance))
	for _, t := range c.After {
		a.Fresh = append(a.Fresh, fresh{milliseconds(t), r.Fresh(t), t})
	}
	return c.print(to, a)
}

func (a stale) text(w io.Writer) {
	line(w, "replicas", "N=%d, read R=%d, write W=%d", a.Replicas, a.Read, a.Write)
	if a.Meet {
		line(w, "R+W > N", "a read asks a replica of the last complete write, and misses it with 0%%")
	} else {
		line(w, "R+W ≤ N", "a read misses the last write with %s, if quorums are drawn", chance(a.Missed))
	}
	if !a.Agree {
		line(w, "2W ≤ N", "no replica need see both of two writes: clocks decide between them")
	}
	for _, v := range a.Within {
		line(w, "", "within the last %d: %s", v.Versions, chance(v.Chance))
	}
	line(w, "", "%d versions for %s", a.Versions, chance(a.Chance))
	say := func(what string, l latencies) {
		line(w, what, "p50 %.4g ms, p99 %.4g ms, p99.9 %.4g ms", l.P50, l.P99, l.P999)
	}
	say("reads take", a.Reads)
	say("writes take", a.Writes)
	line(w, "visible", "%.4g ms after a write, with %s", a.Visible, chance(a.Chance))
	for _, f := range a.Fresh {
		line(w, "", "read %v after it, fresh with %s", f.after, chance(f.Chance))
	}
	line(w, "network", "%s, unless said otherwise; %d races drawn from seed %d", a.Network, a.Trials, a.Seed)
}
