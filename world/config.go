package world

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// String returns all of c in one line, as ParseConfig reads it.
func (c *Config) String() string {
	p := &c.Process
	return fmt.Sprintf("replicas=%d seed=%d wire=%t lease=%t drift=%g heartbeat=%v election=%v..%v trailing=%d "+
		"batch=%d window=%d", c.Replicas, c.Seed, c.Wire, p.Lease, p.Drift, p.Heartbeat, p.Election.Min,
		p.Election.Max, p.Trailing, p.BatchBytes, p.Window)
}

// ParseConfig reads what String wrote; each key at most once, in any order.
func ParseConfig(text string) (Config, error) {
	var c Config
	seen := map[string]bool{}
	for _, word := range strings.Fields(text) {
		key, value, _ := strings.Cut(word, "=")
		if err := c.set(key, value); err != nil || seen[key] {
			return Config{}, fmt.Errorf("parse the world: %q is no key with its value, or is there twice", word)
		}
		seen[key] = true
	}
	if c.Replicas < 1 || c.Replicas > MaxReplicas {
		return Config{}, fmt.Errorf("parse the world: %d replicas: expected from 1 to %d", c.Replicas, MaxReplicas)
	}
	return c, nil
}

func (c *Config) set(key, value string) (err error) {
	p := &c.Process
	switch key {
	case "replicas":
		c.Replicas, err = strconv.Atoi(value)
	case "seed":
		c.Seed, err = strconv.ParseUint(value, 10, 64)
	case "wire":
		c.Wire, err = strconv.ParseBool(value)
	case "lease":
		p.Lease, err = strconv.ParseBool(value)
	case "drift":
		p.Drift, err = strconv.ParseFloat(value, 64)
	case "heartbeat":
		p.Heartbeat, err = time.ParseDuration(value)
	case "election":
		low, high, _ := strings.Cut(value, "..")
		if p.Election.Min, err = time.ParseDuration(low); err == nil {
			p.Election.Max, err = time.ParseDuration(high)
		}
	case "trailing":
		p.Trailing, err = strconv.ParseUint(value, 10, 64)
	case "batch":
		p.BatchBytes, err = strconv.Atoi(value)
	case "window":
		p.Window, err = strconv.Atoi(value)
	default:
		err = errNobody
	}
	return err
}

// Sent returns the number of the event in which the message left its sender.
func (f *Flight) Sent() uint64 { return f.since }
