package sim

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"althing/sim/fault"
)

// ErrDrawn is returned for options from which a seed draws something else now.
var ErrDrawn = errors.New("the seed draws something else now")

// ParseOptions reads what Options.String wrote: what the seed drew of nodes, clients,
// keys and rate is taken as it stands there. It returns ErrDrawn if the same text does
// not come of them again.
func ParseOptions(text string) (Options, error) {
	var o Options
	if !strings.HasPrefix(text, "seed=") {
		return o, fmt.Errorf("parse options: %q are not those of a simulation", text)
	}
	for _, word := range strings.Fields(text) {
		key, value, ok := strings.Cut(word, "=")
		if !ok || strings.HasSuffix(value, "ppm") {
			continue // "| drawn:", and kinds of faults
		}
		var err error
		switch key {
		case "seed":
			o.Seed, err = strconv.ParseUint(value, 10, 64)
		case "duration":
			o.Duration, err = time.ParseDuration(value)
		case "settle":
			o.Settle, err = time.ParseDuration(value)
		case "faults":
			o.Faults, err = fault.Parse(value)
		case "drift":
			o.Process.Drift, err = strconv.ParseFloat(value, 64)
		case "nodes":
			o.Nodes, err = strconv.Atoi(value)
		case "clients":
			o.Clients, err = strconv.Atoi(value)
		case "keys":
			o.Keys, err = strconv.Atoi(value)
		case "rate":
			o.Rate, err = strconv.Atoi(value)
		}
		if err != nil {
			return Options{}, fmt.Errorf("parse options: %q: %w", word, err)
		}
	}
	if o.Nodes < 1 || o.Nodes > MaxNodes || o.Clients < 1 || o.Clients > MaxClients || o.Duration <= 0 ||
		o.Duration > 24*time.Hour || o.Settle <= 0 || o.Settle > 24*time.Hour || o.Keys < 1 || o.Rate < 1 ||
		o.Rate > 100_000 || o.Keys > 1000 {
		return Options{}, fmt.Errorf("parse options: %q are not those of a simulation", text)
	}
	if now := o.String(); now != text {
		return Options{}, fmt.Errorf("%w:\nwas  %s\nis   %s", ErrDrawn, text, now)
	}
	return o, nil
}
