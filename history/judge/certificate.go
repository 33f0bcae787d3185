package judge

import (
	"bufio"
	"encoding/json"
	"io"

	"althing/history"
	"althing/history/txn"
	"althing/history/weak"
)

// A part of a certificate is a line of JSON. Operations and transactions are told
// by number, from 0, in order of their calls as they came: transactions with those
// that were aborted, operations without those that failed.
type part struct {
	Verdict string     `json:"verdict,omitempty"` // the first line has this, and what was promised
	Promise string     `json:"promise,omitempty"`
	Session *int       `json:"session,omitempty"` // whose order follows; none: it is one for all
	Order   []int32    `json:"order,omitempty"`
	Starts  []int32    `json:"starts,omitempty"` // of an order of snapshots: after how many commits each began
	State   []int32    `json:"state,omitempty"`  // reads: what all sessions came to see
	Core    []int32    `json:"core,omitempty"`   // what cannot be
	Anomaly string     `json:"anomaly,omitempty"`
	Cycle   []txn.Edge `json:"cycle,omitempty"`
	Steps   []txn.Step `json:"steps,omitempty"` // that lead to it
}

// certificate returns what writes parts, after what they are of.
func certificate(v history.Verdict, promise string, parts func(add func(part))) func(io.Writer) error {
	if v == history.Unknown {
		return nil
	}
	return func(w io.Writer) (err error) {
		b := bufio.NewWriter(w)
		e := json.NewEncoder(b)
		add := func(p part) {
			if err == nil {
				err = e.Encode(&p)
			}
		}
		add(part{Verdict: v.String(), Promise: promise})
		if parts(add); err != nil {
			return err
		}
		return b.Flush()
	}
}

// ofWeak is the certificate of a promise about sessions.
func ofWeak(p weak.Promise, r *weak.Report) func(io.Writer) error {
	return certificate(r.Verdict, string(p), func(add func(part)) {
		for i := range r.Views {
			add(part{Session: &r.Views[i].Client, Order: r.Views[i].Order})
		}
		if r.Order != nil || r.State != nil || r.Core != nil {
			add(part{Order: r.Order, State: r.State, Core: r.Core})
		}
	})
}

// ofTransactions is the certificate of a level of isolation.
func ofTransactions(level string, r *txn.Report, begun func() []int32) func(io.Writer) error {
	return certificate(r.Verdict, level, func(add func(part)) {
		add(part{Order: r.Order, Starts: begun(), Core: r.Core, Anomaly: r.Anomaly, Cycle: r.Cycle, Steps: r.Steps})
	})
}
