package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"althing/internal/terminal"
	"althing/member"
	"althing/protocol/raft"
	"althing/telemetry"
)

const (
	clusterFile   = "cluster.json"
	clusterFormat = 1
	defaultNodes  = 3
	maxNodes      = 15 // beyond it one machine shows nothing that it does not with fewer
	// portStep lies between the client ports of two members. A member's peer
	// and metrics ports are the next two after its client port.
	portStep = 10
	// maxPortTries bounds the search for free ports.
	maxPortTries = 100
	// readyTimeout is when a cluster that is not ready is said to be late.
	readyTimeout = 30 * time.Second
)

type upCommand struct {
	Nodes     int    `placeholder:"N"`
	Data      string `default:"althing.data" placeholder:"DIR"`
	Client    string `placeholder:"HOST:PORT"`
	Processes bool
	Protocol  string  `placeholder:"NAME"`
	Quorums   quorums `placeholder:"Q1,Q2"`
	LogLevel  string  `enum:"debug,info,warn,error" default:"info"`
}

// A cluster is what up keeps of one, in its directory.
type cluster struct {
	Format  int         `json:"format"`
	Token   string      `json:"token"`
	Founded bool        `json:"founded"` // all members have been started
	Members []placement `json:"members"`
	// Protocol is what they speak; "" is raft.
	Protocol string  `json:"protocol,omitempty"`
	Quorums  quorums `json:"quorums,omitempty"`
}

func (c *cluster) protocol() string { return cmp.Or(c.Protocol, raft.Protocol.Name) }

// A placement is where a member of a cluster on this machine is.
type placement struct {
	Name    string `json:"name"`
	Client  string `json:"client"` // host:port, like the others
	Peer    string `json:"peer"`
	Metrics string `json:"metrics"`
}

// Run runs the cluster until a signal.
func (u *upCommand) Run(to *terminal.Output) error {
	if err := u.check(); err != nil {
		return err
	}
	if err := directory("data", u.Data); err != nil {
		return err
	}
	c, err := u.cluster()
	if err != nil {
		return err
	}
	ctx, stop := interrupted()
	defer stop()
	if u.Processes {
		return u.superviseAll(ctx, c, to)
	}
	return u.runAll(ctx, c, to)
}

func (u *upCommand) check() error {
	if u.Nodes < 0 || u.Nodes > maxNodes {
		return terminal.Wrong("nodes", u.Nodes, "expected from 1 to %d", maxNodes)
	}
	if u.Protocol != "" {
		if _, err := served(u.Protocol); err != nil {
			return err
		}
	}
	if u.Client == "" {
		return nil
	}
	host, port, err := net.SplitHostPort(u.Client)
	if err != nil || host == "" {
		return terminal.Wrong("client", u.Client,
			"expected an address of this machine and a port, such as 127.0.0.1:2379")
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n > 0 && n > 1<<16-1-uint64(portStep*maxNodes) {
		return terminal.Wrong("client", u.Client, "expected a port that leaves room for the others after it")
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		return terminal.Wrong("client", u.Client, "expected one address: members are told it to reach one another")
	}
	return nil
}

// cluster reads which cluster is in the directory, or lays out a new one.
func (u *upCommand) cluster() (*cluster, error) {
	name := filepath.Join(u.Data, clusterFile)
	b, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return u.layOut()
	}
	if err != nil {
		return nil, err
	}
	c := new(cluster)
	if err := json.Unmarshal(b, c); err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	if c.Format != clusterFormat || len(c.Members) == 0 || len(c.Members) > maxNodes {
		return nil, fmt.Errorf("read %s: expected format %d and 1 to %d members", name, clusterFormat, maxNodes)
	}
	if u.Nodes != 0 && u.Nodes != len(c.Members) {
		return nil, terminal.Wrong("nodes", u.Nodes,
			"%s holds a cluster of %d: expected that number, or another --data", u.Data, len(c.Members))
	}
	if u.Client != "" && u.Client != c.Members[0].Client && !strings.HasSuffix(u.Client, ":0") {
		return nil, terminal.Wrong("client", u.Client,
			"%s holds a cluster at %s: expected that address, or another --data", u.Data, c.Members[0].Client)
	}
	if u.Protocol != "" && u.Protocol != c.protocol() {
		return nil, terminal.Wrong("protocol", u.Protocol,
			"%s holds a cluster of %s: expected that, or another --data", u.Data, c.protocol())
	}
	if u.Quorums != nil && !slices.Equal(u.Quorums, c.Quorums) {
		return nil, terminal.Wrong("quorums", u.Quorums,
			"%s holds a cluster with other quorums: expected those, or another --data", u.Data)
	}
	for _, m := range c.Members {
		own := filepath.Join(u.Data, m.Name, "member.json")
		if _, err := os.Stat(own); c.Founded && errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("%s is gone, and with it what %s has promised the others: bring it back, or begin "+
				"anew with another --data", own, m.Name)
		}
	}
	return c, nil
}

// layOut finds ports for a new cluster, and writes down where it will be.
func (u *upCommand) layOut() (*cluster, error) {
	others, err := os.ReadDir(u.Data)
	if err != nil {
		return nil, err
	}
	if len(others) > 0 {
		return nil, terminal.Wrong("data", u.Data,
			"it holds %s but no cluster: expected an empty directory", others[0].Name())
	}
	nodes, client := u.Nodes, u.Client
	if nodes == 0 {
		nodes = defaultNodes
	}
	if client == "" {
		client = "127.0.0.1:2379"
	}
	host, text, _ := net.SplitHostPort(client) // checked before
	port, _ := strconv.Atoi(text)
	c := &cluster{Format: clusterFormat, Protocol: u.Protocol, Quorums: u.Quorums}
	if p, err := served(c.protocol()); err != nil {
		return nil, err
	} else if _, err = c.Quorums.of(p, nodes); err != nil {
		return nil, err
	}
	c.Token = "up-" + strconv.FormatInt(time.Now().UnixNano(), 36)
	var held []net.Listener // until all are found, so that none is found twice
	defer func() {
		for _, l := range held {
			l.Close()
		}
	}()
	for tries := 0; len(c.Members) < nodes; tries++ {
		ls, err := three(host, port)
		held = append(held, ls...)
		switch first := len(c.Members) == 0; {
		case err == nil:
			c.Members = append(c.Members, placement{Name: fmt.Sprintf("n%d", len(c.Members)+1),
				Client: ls[0].Addr().String(), Peer: ls[1].Addr().String(), Metrics: ls[2].Addr().String()})
		case first || tries >= maxPortTries:
			return nil, err
		}
		if port != 0 {
			port += portStep
		}
	}
	return c, c.save(u.Data)
}

// three listens on a port and the two after it; on any three if it is 0.
func three(host string, port int) (ls []net.Listener, err error) {
	for i := range 3 {
		p := port
		if p != 0 {
			p += i
		}
		l, err := listen("client", net.JoinHostPort(host, strconv.Itoa(p)))
		if err != nil {
			return ls, err
		}
		ls = append(ls, l)
	}
	return ls, nil
}

func (c *cluster) save(dir string) error {
	b, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return err
	}
	return member.WriteFile(filepath.Join(dir, clusterFile), append(b, '\n'))
}

// serve returns the flags that the i-th member serves with.
func (u *upCommand) serve(c *cluster, i int) []string {
	m := &c.Members[i]
	var founders []string
	for _, o := range c.Members {
		founders = append(founders, o.Name+"=http://"+o.Peer)
	}
	dir := filepath.Join(u.Data, m.Name)
	flags := []string{
		"--name=" + m.Name, "--data-dir=" + dir, "--log-file=" + filepath.Join(dir, "log.jsonl"),
		"--listen-client-urls=http://" + m.Client, "--listen-peer-urls=http://" + m.Peer,
		"--listen-metrics-urls=http://" + m.Metrics, "--initial-cluster=" + strings.Join(founders, ","),
		"--initial-cluster-token=" + c.Token, "--log-level=" + u.LogLevel, "--log-format=text",
		"--protocol=" + c.protocol(),
	}
	if c.Quorums != nil {
		flags = append(flags, "--quorums="+c.Quorums.String())
	}
	return flags
}

// runAll runs all members in this process.
func (u *upCommand) runAll(ctx context.Context, c *cluster, to *terminal.Output) (err error) {
	plans := make([]*plan, len(c.Members))
	for i := range c.Members {
		s, err := parseServe(u.serve(c, i))
		if err != nil {
			return err
		}
		if plans[i], err = s.plan(); err != nil {
			return err
		}
	}
	level := new(slog.LevelVar)
	level.Set(plans[0].level)
	outlet := telemetry.Outlet{To: to.Err, Format: telemetry.Text, Level: level}
	members := make([]*running, len(plans))
	each := func(f func(i int) error) error {
		errs := make([]error, len(plans))
		var group sync.WaitGroup
		for i := range plans {
			group.Go(func() { errs[i] = f(i) })
		}
		group.Wait()
		return errors.Join(errs...)
	}
	defer func() {
		// What members say of one another while all of them go is of no use.
		level.Set(slog.LevelError)
		err = errors.Join(err, each(func(i int) error {
			if members[i] == nil {
				return nil
			}
			return errors.Join(members[i].Close(), members[i].journal.Close())
		}))
	}()
	failed := make(chan *running, len(plans))
	err = each(func(i int) (err error) {
		members[i], err = plans[i].start(ctx, outlet)
		return err
	})
	if err != nil {
		return err
	}
	for _, m := range members {
		go func() {
			<-m.Failed() // never, if all goes well
			failed <- m
		}()
	}
	if err := u.founded(c); err != nil {
		return err
	}
	u.tell(c, to)
	go u.awaitReady(ctx, c, to)
	select {
	case <-ctx.Done():
		fmt.Fprintln(to.Out, "Stopping; once more and it ends at once.")
		return nil
	case m := <-failed:
		return fmt.Errorf("member %s: %w", m.Name(), m.Err())
	}
}

// founded remembers that all members have been started.
func (u *upCommand) founded(c *cluster) error {
	if c.Founded {
		return nil
	}
	c.Founded = true
	return c.save(u.Data)
}

// tell tells people what is where.
func (u *upCommand) tell(c *cluster, to *terminal.Output) {
	dir := u.Data
	if abs, err := filepath.Abs(dir); err == nil {
		dir = abs
	}
	var endpoints []string
	var b strings.Builder
	for _, m := range c.Members {
		endpoints = append(endpoints, m.Client)
		fmt.Fprintf(&b, "  %-4s http://%s   metrics http://%s/metrics   log %s\n", m.Name, m.Client, m.Metrics,
			filepath.Join(dir, m.Name, "log.jsonl"))
	}
	fmt.Fprintf(to.Out, "\nA cluster of %d, with its data in %s:\n\n%s\nTry it:\n\n"+
		"  etcdctl --endpoints %s put greeting hello\n  etcdctl --endpoints %s get greeting\n\nCtrl-C stops it.\n\n",
		len(c.Members), dir, b.String(), strings.Join(endpoints, ","), strings.Join(endpoints, ","))
}

// awaitReady says when every member is ready, or which is not.
func (u *upCommand) awaitReady(ctx context.Context, c *cluster, to *terminal.Output) {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	began := time.Now()
	for _, m := range c.Members {
		for why := ready(ctx, m.Metrics); why != nil; why = ready(ctx, m.Metrics) {
			select {
			case <-time.After(100 * time.Millisecond):
			case <-ctx.Done():
				if errors.Is(ctx.Err(), context.DeadlineExceeded) {
					fmt.Fprintf(to.Out, "Member %s is not ready after %v: %v\n", m.Name, readyTimeout, why)
				}
				return
			}
		}
	}
	fmt.Fprintf(to.Out, "Ready after %v.\n", time.Since(began).Round(10*time.Millisecond))
}

func ready(ctx context.Context, address string) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/readyz", nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return errors.New(response.Status)
	}
	return nil
}
