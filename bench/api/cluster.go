// Package api measures servers of the etcd API from outside: three processes
// on loopback, durable, and one client process with the official client. Both
// servers are run with their defaults, on files of their own, by the same
// flags, for Althing's are called as etcd's.
package api

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"

	"althing/bench/child"
)

const (
	members = 3
	// patience bounds the wait for a cluster to be led, and grace for a member
	// to end by itself.
	patience = 30 * time.Second
	grace    = 10 * time.Second
	// look is how often a cluster is asked meanwhile.
	look = 100 * time.Millisecond
)

// A Server is a program that serves the etcd API.
type Server struct {
	Name string
	Path string
	Args []string // before those that both servers know
}

// A Cluster is three members of a server.
type Cluster struct {
	name      string
	members   []*child.Child
	log       *os.File
	endpoints []string
}

// Start starts a cluster with its files in dir, and waits until it is led.
func Start(ctx context.Context, s Server, dir string) (*Cluster, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("start %s: %w", s.Name, err)
	}
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", s.Name, err)
	}
	c := &Cluster{name: s.Name, log: log}
	err = c.start(ctx, s, dir)
	if err == nil {
		_, err = c.Leader(ctx)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start %s: %w", s.Name, err), c.Stop())
	}
	return c, nil
}

func (c *Cluster) start(ctx context.Context, s Server, dir string) error {
	ports, err := free(2 * members)
	if err != nil {
		return fmt.Errorf("find free ports: %w", err)
	}
	url := func(i int) string { return "http://" + ports[i] }
	var founders []string
	for i := range members {
		founders = append(founders, fmt.Sprintf("m%d=%s", i, url(members+i)))
	}
	for i := range members {
		name := fmt.Sprintf("m%d", i)
		args := append(s.Args[:len(s.Args):len(s.Args)],
			"--name", name, "--data-dir", filepath.Join(dir, name),
			"--listen-client-urls", url(i), "--advertise-client-urls", url(i),
			"--listen-peer-urls", url(members+i), "--initial-advertise-peer-urls", url(members+i),
			"--listen-metrics-urls", "http://127.0.0.1:0",
			"--initial-cluster", strings.Join(founders, ","), "--initial-cluster-token", "bench",
			"--initial-cluster-state", "new", "--log-level", "warn")
		m, err := child.Start(ctx, c.log, s.Path, args...)
		if err != nil {
			return err
		}
		c.members = append(c.members, m)
		c.endpoints = append(c.endpoints, ports[i])
	}
	return nil
}

// free finds ports that nobody listens on now.
func free(n int) (addrs []string, err error) {
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer l.Close() // held until all are found, so that none is found twice
		addrs = append(addrs, l.Addr().String())
	}
	return addrs, nil
}

// PIDs returns the members' processes.
func (c *Cluster) PIDs() (pids []int) {
	for _, m := range c.members {
		pids = append(pids, m.PID())
	}
	return pids
}

// Leader waits until all members know the same leader, and returns its
// endpoint.
func (c *Cluster) Leader(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	client, err := clientv3.New(clientv3.Config{Endpoints: c.endpoints, Logger: zap.NewNop(), Context: ctx})
	if err != nil {
		return "", err
	}
	defer client.Close()
	for {
		endpoint, err := c.ask(ctx, client)
		if err == nil {
			return endpoint, nil
		}
		select {
		case <-time.After(look):
		case <-ctx.Done():
			return "", c.told(fmt.Errorf("no leader after %v: %w", patience, err))
		}
	}
}

func (c *Cluster) ask(ctx context.Context, client *clientv3.Client) (endpoint string, err error) {
	leaders := make(map[uint64]bool)
	for _, e := range c.endpoints {
		one, cancel := context.WithTimeout(ctx, time.Second)
		s, err := client.Status(one, e)
		cancel()
		if err != nil {
			return "", err
		}
		leaders[s.Leader] = true
		if s.Leader == s.Header.MemberId {
			endpoint = e
		}
	}
	if len(leaders) != 1 || endpoint == "" {
		return "", errors.New("members do not agree who leads")
	}
	return endpoint, nil
}

// told adds the last that members wrote to their log to an error.
func (c *Cluster) told(err error) error {
	const last = 2000
	b, e := os.ReadFile(c.log.Name())
	if e != nil {
		return errors.Join(err, e)
	}
	return fmt.Errorf("%w: %s", err, b[max(0, len(b)-last):])
}

// Stop ends the members.
func (c *Cluster) Stop() (err error) {
	for _, m := range c.members {
		err = errors.Join(err, m.Interrupt(grace))
	}
	return errors.Join(err, c.log.Close())
}
