package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/url"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"althing/internal/terminal"
	"althing/member"
	"althing/process"
	"althing/protocol"
	"althing/telemetry"
)

// serveCommand is one member. Its flags are called as etcd's where they mean
// the same.
type serveCommand struct {
	ConfigFile configFile `placeholder:"FILE"`

	Name    string `default:"default"`
	DataDir string `placeholder:"DIR"`

	ListenClientURLs    []string `name:"listen-client-urls" default:"http://localhost:2379"`
	AdvertiseClientURLs []string `name:"advertise-client-urls"`
	ListenPeerURLs      []string `name:"listen-peer-urls" default:"http://localhost:2380"`
	ListenMetricsURLs   []string `name:"listen-metrics-urls" default:"http://localhost:2381"`

	InitialAdvertisePeerURLs []string `name:"initial-advertise-peer-urls"`
	InitialCluster           []string `placeholder:"NAME=URL"`
	InitialClusterState      string   `enum:"new,existing" default:"new"`
	InitialClusterToken      string   `default:"althing-cluster"`
	Join                     []string `placeholder:"URL"`

	HeartbeatInterval int `default:"100" placeholder:"MS"`
	ElectionTimeout   int `default:"500" placeholder:"MS"`
	LeaseReads        bool
	Acks              int     `default:"1" placeholder:"N"`
	Quorums           quorums `placeholder:"Q1,Q2"`

	QuotaBackendBytes int64  `default:"2147483648"`
	MaxRequestBytes   int    `default:"1572864"`
	MaxTxnOps         int    `default:"128"`
	SnapshotCount     uint64 `default:"100000"`
	Protocol          string `default:"raft"`

	EnablePprof bool

	LogLevel  string `default:"info"`
	LogFormat string `enum:"auto,json,text" default:"auto"`
	LogFile   string `placeholder:"FILE"`

	CertFile           string `placeholder:"FILE"`
	KeyFile            string `placeholder:"FILE"`
	TrustedCAFile      string `name:"trusted-ca-file" placeholder:"FILE"`
	ClientCertAuth     bool
	PeerCertFile       string `placeholder:"FILE"`
	PeerKeyFile        string `placeholder:"FILE"`
	PeerTrustedCAFile  string `name:"peer-trusted-ca-file" placeholder:"FILE"`
	PeerClientCertAuth bool
}

// Run serves until a signal or a failure.
func (s *serveCommand) Run(to *terminal.Output) error {
	p, err := s.plan()
	if err != nil {
		return err
	}
	ctx, stop := interrupted()
	defer stop()
	outlet := telemetry.Outlet{To: to.Err, Format: telemetry.Format(s.LogFormat), Level: p.level}
	if s.LogFormat == "auto" {
		outlet.Format = telemetry.JSON
		if terminal.Interactive(to.Err) {
			outlet.Format = telemetry.Text
		}
	}
	m, err := p.start(ctx, outlet)
	if err != nil {
		if ctx.Err() != nil {
			return nil // asked to stop before it had begun
		}
		return err
	}
	defer m.journal.Close()
	select {
	case <-ctx.Done():
		m.log.Info("stopping")
		handOver(m.Member, m.log)
	case <-m.Failed():
		m.log.Error("failed", "error", m.Err())
	}
	err = errors.Join(m.Err(), m.Close())
	m.log.Info("stopped")
	return err
}

// handOverTimeout bounds how long a stop waits for another leader.
const handOverTimeout = 2 * time.Second

func handOver(m *member.Member, log *slog.Logger) {
	ctx, cancel := context.WithTimeout(context.Background(), handOverTimeout)
	defer cancel()
	if err := m.HandOver(ctx); err != nil {
		log.Warn("nobody took over", "error", err)
	}
}

// interrupted returns a context that ends with the first signal to stop. The
// second ends the program.
func interrupted() (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	go func() {
		for n := 1; ; n++ {
			if <-signals; n > 1 {
				os.Exit(terminal.ExitBad)
			}
			cancel()
		}
	}()
	return ctx, cancel
}

// A plan is a serveCommand that makes sense.
type plan struct {
	config                member.Config
	client, peer, metrics []*url.URL
	dir, logFile          string
	level                 slog.Level
}

// plan checks the flags, and each against the others.
func (s *serveCommand) plan() (*plan, error) {
	p := &plan{dir: s.DataDir, logFile: s.LogFile}
	c := &p.config
	c.Name, c.Token = s.Name, s.InitialClusterToken
	if s.Name == "" || strings.ContainsAny(s.Name, "=,/\\ ") {
		return nil, terminal.Wrong("name", s.Name, "expected a name without spaces, commas, slashes or =")
	}
	if p.dir == "" {
		p.dir = s.Name + ".althing"
	}
	var err error
	if c.Protocol, err = served(s.Protocol); err != nil {
		return nil, err
	}
	if p.level, err = telemetry.ParseLevel(s.LogLevel); err != nil {
		return nil, terminal.Wrong("log-level", s.LogLevel, "expected debug, info, warn or error")
	}
	c.ClientTLS = member.TLS{Cert: s.CertFile, Key: s.KeyFile, CA: s.TrustedCAFile, ClientAuth: s.ClientCertAuth}
	c.PeerTLS = member.TLS{
		Cert: s.PeerCertFile, Key: s.PeerKeyFile, CA: s.PeerTrustedCAFile, ClientAuth: s.PeerClientCertAuth,
	}
	for _, check := range []func(*plan) error{s.numbers, s.urls, s.tls, s.founders} {
		if err := check(p); err != nil {
			return nil, err
		}
	}
	c.Protocol, err = s.Quorums.of(c.Protocol, len(c.Founders))
	return p, err
}

// served returns a protocol that can serve.
func served(name string) (process.Protocol, error) {
	p, ok := protocol.Find(name)
	switch {
	case !ok:
		return p, terminal.Wrong("protocol", name, "expected one of %s", strings.Join(protocols(), ", "))
	case !p.Facts.Serves():
		return p, terminal.Wrong("protocol", name, "a store of keys needs one order of all, without end")
	}
	return p, nil
}

func protocols() (names []string) {
	for _, p := range protocol.All {
		names = append(names, p.Name)
	}
	return names
}

func (s *serveCommand) numbers(p *plan) error {
	for _, n := range []struct {
		flag           string
		value, low, up int64
	}{
		{"heartbeat-interval", int64(s.HeartbeatInterval), 1, 60_000},
		{"election-timeout", int64(s.ElectionTimeout), 5, 600_000},
		{"quota-backend-bytes", s.QuotaBackendBytes, 1 << 20, 1 << 50},
		{"max-request-bytes", int64(s.MaxRequestBytes), 1 << 10, 32 << 20},
		{"max-txn-ops", int64(s.MaxTxnOps), 1, 1 << 16},
		{"acks", int64(s.Acks), 1, 1 << 10},
		{"snapshot-count", int64(min(s.SnapshotCount, 1<<62)), 1, 1 << 40},
	} {
		if n.value < n.low || n.value > n.up {
			return terminal.Wrong(n.flag, n.value, "expected from %d to %d", n.low, n.up)
		}
	}
	if s.ElectionTimeout < 5*s.HeartbeatInterval {
		return terminal.Wrong("election-timeout", s.ElectionTimeout,
			"expected at least 5 times --heartbeat-interval=%d, "+
				"or a few lost heartbeats would cost the leader its lead", s.HeartbeatInterval)
	}
	c := &p.config
	c.Heartbeat = time.Duration(s.HeartbeatInterval) * time.Millisecond
	c.Election = time.Duration(s.ElectionTimeout) * time.Millisecond
	c.LeaseReads, c.CompactEvery, c.Profiles = s.LeaseReads, s.SnapshotCount, s.EnablePprof
	c.Acks = s.Acks
	c.QuotaBytes, c.RequestBytes, c.TxnOps = s.QuotaBackendBytes, s.MaxRequestBytes, s.MaxTxnOps
	return nil
}

func (s *serveCommand) urls(p *plan) (err error) {
	if p.client, err = parseURLs("listen-client-urls", s.ListenClientURLs); err != nil {
		return err
	}
	if p.peer, err = parseURLs("listen-peer-urls", s.ListenPeerURLs); err != nil {
		return err
	}
	if p.metrics, err = parseURLs("listen-metrics-urls", s.ListenMetricsURLs); err != nil {
		return err
	}
	if len(p.client) == 0 {
		return terminal.Wrong("listen-client-urls", "", "expected at least one URL")
	}
	if len(p.peer) != 1 {
		return terminal.Wrong("listen-peer-urls", strings.Join(s.ListenPeerURLs, ","), "expected one URL")
	}
	client, err := reachable("advertise-client-urls", p.client, s.AdvertiseClientURLs)
	if err != nil {
		return err
	}
	peer, err := reachable("initial-advertise-peer-urls", p.peer, s.InitialAdvertisePeerURLs)
	if err != nil {
		return err
	}
	p.config.ClientURLs, p.config.PeerURLs = texts(client), texts(peer)
	return nil
}

func (s *serveCommand) tls(p *plan) error {
	for _, side := range []struct {
		prefix, urlFlag string
		urls            []*url.URL
		tls             *member.TLS
	}{
		{"", "listen-client-urls", p.client, &p.config.ClientTLS},
		{"peer-", "listen-peer-urls", p.peer, &p.config.PeerTLS},
	} {
		t := side.tls
		if (t.Cert == "") != (t.Key == "") {
			return terminal.Wrong(side.prefix+"cert-file", t.Cert, "expected together with --%skey-file", side.prefix)
		}
		if t.ClientAuth && t.CA == "" {
			return terminal.Wrong(side.prefix+"client-cert-auth", true,
				"expected with --%strusted-ca-file", side.prefix)
		}
		for _, u := range side.urls {
			switch secure := u.Scheme == "https"; {
			case secure && t.Cert == "":
				return terminal.Wrong(side.urlFlag, u,
					"expected --%[1]scert-file and --%[1]skey-file with https", side.prefix)
			case !secure && t.On():
				return terminal.Wrong(side.urlFlag, u, "expected https, for there is a certificate or a CA")
			}
		}
	}
	for _, u := range p.metrics {
		if u.Scheme == "https" && p.config.ClientTLS.Cert == "" {
			return terminal.Wrong("listen-metrics-urls", u, "expected --cert-file and --key-file with https")
		}
	}
	return nil
}

// founders reads who founds the cluster, or whom to join.
func (s *serveCommand) founders(p *plan) error {
	c := &p.config
	if s.InitialClusterState == "existing" || len(s.Join) > 0 {
		// One that has begun is not asked again; so no --join is no error here.
		urls, err := parseURLs("join", s.Join)
		c.Join = texts(urls)
		return err
	}
	c.Founders = make(map[string][]string)
	if len(s.InitialCluster) == 0 {
		c.Founders[s.Name] = c.PeerURLs
		return nil
	}
	all := strings.Join(s.InitialCluster, ",")
	for _, entry := range s.InitialCluster {
		name, raw, ok := strings.Cut(strings.TrimSpace(entry), "=")
		if !ok || name == "" {
			return terminal.Wrong("initial-cluster", all, "expected NAME=URL, not %q", entry)
		}
		urls, err := parseURLs("initial-cluster", []string{raw})
		if err != nil {
			return err
		}
		c.Founders[name] = append(c.Founders[name], urls[0].String())
	}
	mine := c.Founders[s.Name]
	if mine == nil {
		return terminal.Wrong("initial-cluster", all, "expected --name=%s among the names", s.Name)
	}
	slices.Sort(mine)
	if !slices.Equal(mine, slices.Sorted(slices.Values(c.PeerURLs))) {
		return terminal.Wrong("initial-cluster", all,
			"%s is there with %s, but --initial-advertise-peer-urls is %s: expected "+
				"the same", s.Name, strings.Join(mine, ","), strings.Join(c.PeerURLs, ","))
	}
	return nil
}

// A running member, with the journal that has to be closed after it.
type running struct {
	*member.Member
	log     *slog.Logger
	journal io.Closer
}

type nothing struct{}

func (nothing) Close() error { return nil }

// start makes the directory, listens and starts the member.
func (p *plan) start(ctx context.Context, outlets ...telemetry.Outlet) (_ *running, err error) {
	if err := directory("data-dir", p.dir); err != nil {
		return nil, err
	}
	r := &running{journal: nothing{}}
	if p.logFile != "" {
		if err := directory("log-file", filepath.Dir(p.logFile)); err != nil {
			return nil, err
		}
		f, err := telemetry.OpenFile(p.logFile)
		if err != nil {
			return nil, fmt.Errorf("--log-file=%s: %w", p.logFile, err)
		}
		r.journal = f
		outlets = append(outlets, telemetry.Outlet{To: f, Format: telemetry.JSON, Level: p.level})
	}
	c := p.config
	c.Dir = p.dir
	c.Version, _ = build()
	c.Journal = telemetry.NewJournal(c.Name, outlets...)
	r.log = c.Journal.Log()
	if err = p.listen(&c); err == nil {
		r.Member, err = member.Start(ctx, c)
	}
	if err != nil {
		return nil, errors.Join(err, r.journal.Close())
	}
	return r, nil
}

// listen opens all that the member listens at, or nothing.
func (p *plan) listen(c *member.Config) (err error) {
	var open []net.Listener
	defer func() {
		for _, l := range open {
			if err != nil {
				l.Close()
			}
		}
	}()
	for _, of := range []struct {
		flag string
		urls []*url.URL
		add  func(net.Listener, *url.URL)
	}{
		{"listen-peer-urls", p.peer, func(l net.Listener, _ *url.URL) { c.Peer = l }},
		{"listen-client-urls", p.client, func(l net.Listener, _ *url.URL) { c.Clients = append(c.Clients, l) }},
		{"listen-metrics-urls", p.metrics, func(l net.Listener, u *url.URL) {
			if u.Scheme == "https" {
				l = member.Secure(l)
			}
			c.HTTP = append(c.HTTP, l)
		}},
	} {
		for _, u := range of.urls {
			l, err := listen(of.flag, u.Host)
			if err != nil {
				return err
			}
			open = append(open, l)
			of.add(l, u)
		}
	}
	return nil
}
