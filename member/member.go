package member

import (
	"cmp"
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/pprof"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"google.golang.org/grpc"

	"althing/etcd"
	"althing/front"
	"althing/kv"
	"althing/node"
	"althing/process"
	"althing/protocol/raft"
	"althing/telemetry"
)

const (
	// groupID is that of the one group a member has.
	groupID = 1
	// graceful bounds how long calls under way may go on after the end.
	graceful = 2 * time.Second
	// headerTimeout keeps one who dawdles from holding a connection.
	headerTimeout = 10 * time.Second

	defaultHeartbeat = 100 * time.Millisecond
	defaultElection  = 500 * time.Millisecond
)

// Config is what a member is told.
type Config struct {
	Name     string           // of its own; not empty
	Dir      string           // see Package member; must be there
	Protocol process.Protocol // Raft if it has no name

	// A member that begins is told either of all founders, by name with their
	// peer URLs, or of client URLs of running members to join. One that has
	// begun needs neither.
	Token    string
	Founders map[string][]string
	Join     []string

	// Listeners are closed with the member, and if it does not start.
	Peer    net.Listener   // for the other members
	Clients []net.Listener // for clients
	HTTP    []net.Listener // for /metrics, /health, /readyz, /livez and /version

	PeerURLs   []string // where the other members reach Peer
	ClientURLs []string // where clients reach Clients

	ClientTLS, PeerTLS TLS

	Heartbeat  time.Duration // 100 ms
	Election   time.Duration // a replica waits for a leader between this and twice this; 500 ms
	LeaseReads bool          // the leader answers reads by its lease, and clocks have to run alike
	Acks       int           // see process.Config.Acks

	CompactEvery uint64 // applied entries between two checkpoints; see node.Limits
	etcd.Limits

	Profiles bool // serve the profiles of package net/http/pprof beside /metrics

	Journal *telemetry.Journal // nil: nowhere
	Version string             // of the program, for metrics
}

func (c *Config) complete() error {
	if c.Name == "" || c.Dir == "" || c.Peer == nil || len(c.Clients) == 0 {
		return errors.New("a member needs a name, a directory, and listeners for members and clients")
	}
	if len(c.PeerURLs) == 0 || len(c.ClientURLs) == 0 {
		return errors.New("a member needs to know the URLs that it is reached by")
	}
	if c.Protocol.New == nil {
		c.Protocol = raft.Protocol
	}
	if c.Heartbeat == 0 {
		c.Heartbeat = defaultHeartbeat
	}
	if c.Election == 0 {
		c.Election = defaultElection
	}
	if c.Journal == nil {
		c.Journal = telemetry.NewJournal(c.Name)
	}
	return nil
}

// A Member is running from Start until Close.
type Member struct {
	c       Config
	id      *identity
	idMu    sync.Mutex // of what changes in id while the node runs: Lives, Started
	origin  time.Time
	log     *slog.Logger
	store   *kv.Store
	node    *node.Node
	group   *node.Group
	server  *etcd.Server
	front   *front.Server
	http    *http.Server
	metrics *telemetry.Metrics
	record  *telemetry.Recorder
	names   map[process.ID]string // of the members, as last seen; of watchMembers alone

	end    context.CancelFunc
	work   sync.WaitGroup
	once   sync.Once
	failed chan struct{}
	err    error // set before failed is closed
	closed sync.Once
}

// Start starts a member; ctx bounds only that. It serves at once: until there
// is a leader, and while one that joins waits for its state, requests wait or
// are refused.
func Start(ctx context.Context, c Config) (*Member, error) {
	m := &Member{c: c, origin: time.Now(), failed: make(chan struct{}), names: make(map[process.ID]string)}
	steps := []func(context.Context) error{
		func(context.Context) error { return m.c.complete() }, m.begin, m.openNode, m.openServer,
	}
	for _, step := range steps {
		if err := step(ctx); err != nil {
			return nil, errors.Join(fmt.Errorf("start member %s: %w", c.Name, err), m.undo())
		}
	}
	background, end := context.WithCancel(context.Background())
	m.end = end
	m.work.Go(func() { m.watchNode(background) })
	m.work.Go(func() { m.watchMembers(background) })
	m.work.Go(func() { m.watchRemoval(background) })
	for _, l := range m.c.Clients {
		m.work.Go(func() { m.serve("clients", l, m.front.Serve(l)) })
		m.log.Info("serving clients", "address", l.Addr().String())
	}
	for _, l := range m.c.HTTP {
		m.work.Go(func() { m.serve("metrics", l, m.http.Serve(l)) })
		m.log.Info("serving metrics", "address", l.Addr().String())
	}
	return m, nil
}

// begin finds out who the member is, and opens its store.
func (m *Member) begin(ctx context.Context) error {
	c := &m.c
	m.log = c.Journal.Log()
	id, err := loadIdentity(c.Dir)
	if err != nil {
		return err
	}
	o := kv.Options{Dir: filepath.Join(c.Dir, storeDir), Log: m.log}
	switch {
	case id != nil && id.Name != c.Name:
		return fmt.Errorf("%s belongs to member %s", c.Dir, id.Name)
	case id != nil && id.protocol() != c.Protocol.Name:
		return fmt.Errorf("%s was begun with the protocol %s: a log of it cannot be read by %s", c.Dir, id.protocol(),
			c.Protocol.Name)
	case id != nil && id.Variant != c.Protocol.Variant:
		return fmt.Errorf("%s was begun with %s, and not with %s: what was decided with some quorums may be missed "+
			"with others", c.Dir, quorums(id.Variant), quorums(c.Protocol.Variant))
	case id != nil && id.Started:
	case len(c.Join) > 0:
		if id == nil {
			config, err := c.ClientTLS.Client()
			if err != nil {
				return err
			}
			if id, err = join(ctx, c.Name, c.Join, c.PeerURLs, config); err != nil {
				return err
			}
		}
	default:
		fresh, group, members, err := found(c.Name, c.Token, c.Founders)
		if err != nil {
			return err
		}
		if id != nil && id.Member != fresh.Member {
			return fmt.Errorf("%s was begun as another member than the founders make it", c.Dir)
		}
		id, o.Group, o.Members = fresh, group, members
		id.Peers = make(map[process.ID]string)
		for i := range members {
			id.Peers[process.ID(members[i].Replica)] = hostOf(members[i].PeerURLs)
		}
	}
	id.Protocol, id.Variant = c.Protocol.Name, c.Protocol.Variant
	delete(id.Peers, id.Replica)
	if id.Life == 0 {
		id.Life = rand.Uint64() | 1
	}
	if !id.Started { // or it would be known before it is durable
		if err := id.save(c.Dir); err != nil {
			return err
		}
	}
	m.id = id
	m.store, err = kv.Open(o)
	return err
}

// quorums names a process.Protocol.Variant.
func quorums(variant string) string { return cmp.Or(variant, "the protocol's own quorums") }

func (m *Member) openNode(context.Context) error {
	c := &m.c
	config, err := c.PeerTLS.server()
	if err != nil {
		return err
	}
	m.metrics = telemetry.NewMetrics(c.Version, hex(m.id.Member), m.sample)
	m.record = telemetry.NewRecorder(c.Journal, m.metrics, m.now)
	m.record.Name(m.id.Replica, c.Name)
	for _, r := range m.store.Members() {
		m.record.Name(process.ID(r.Replica), m.nameOf(&r))
	}
	o := node.Options{
		Self: m.id.Replica, Cluster: m.id.channel(), Dir: c.Dir, Started: m.id.Started, Protocol: c.Protocol,
		Life: m.id.Life, Meet: m.meet,
		Config: process.Config{
			Heartbeat: c.Heartbeat, Election: process.Span{Min: c.Election, Max: 2 * c.Election},
			Lease: c.LeaseReads, Drift: maxDrift, Acks: c.Acks,
		},
		Listener: c.Peer, TLS: config, Groups: map[uint32]process.Machine{groupID: m.store},
		Log: m.log, Hooks: m.hooks(),
	}
	o.CompactEvery = c.CompactEvery
	if m.node, err = node.Open(o); err != nil {
		return err
	}
	m.group = m.node.Group(groupID)
	for id, address := range m.id.Peers {
		m.node.SetPeer(id, address)
	}
	return m.started()
}

// maxDrift is how much faster one clock may run than another while the leader
// reads by its lease: a hundred times what clocks that are looked after do.
const maxDrift = 0.05

func (m *Member) openServer(context.Context) error {
	c := &m.c
	config, err := c.ClientTLS.server()
	if err != nil {
		return err
	}
	o := etcd.Options{
		Store: m.store, Group: m.group, Node: m.node, Cluster: m.id.Cluster, Member: m.id.Member,
		Self: m.id.Replica, Name: c.Name, ClientURLs: c.ClientURLs, Election: 2 * c.Election,
		Log: m.log, Observe: m.called, Limits: c.Limits,
	}
	if o.ClientTLS, err = c.ClientTLS.Client(); err != nil {
		return err
	}
	if m.server, err = etcd.New(o); err != nil {
		return err
	}
	m.front = m.server.Front(config, m.metrics.Started)
	m.metrics.Serve(methods(m.front))
	mux := http.NewServeMux()
	mux.Handle("/", m.server.Health())
	mux.Handle("GET /metrics", m.metrics.Handler(m.log))
	if c.Profiles {
		mux.HandleFunc("GET /debug/pprof/", pprof.Index)
		mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
		mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	}
	m.http = &http.Server{Handler: mux, ReadHeaderTimeout: headerTimeout,
		ErrorLog: slog.NewLogLogger(m.log.Handler(), slog.LevelWarn)}
	for i, l := range c.HTTP {
		if l, ok := l.(*secure); ok && config == nil {
			return fmt.Errorf("metrics over TLS at %s need a certificate", l.Addr())
		} else if ok {
			c.HTTP[i] = tls.NewListener(l.Listener, config)
		}
	}
	return nil
}

// Secure marks a listener for HTTP that speaks TLS, with the files of clients.
func Secure(l net.Listener) net.Listener { return &secure{l} }

type secure struct{ net.Listener }

func (m *Member) now() time.Duration { return time.Since(m.origin) }

// serve looks at why a listener came to its end.
func (m *Member) serve(whom string, l net.Listener, err error) {
	if err != nil && !errors.Is(err, http.ErrServerClosed) && !errors.Is(err, grpc.ErrServerStopped) {
		m.fail(fmt.Errorf("serve %s at %s: %w", whom, l.Addr(), err))
	}
}

func (m *Member) fail(err error) {
	m.once.Do(func() {
		m.err = err
		close(m.failed)
	})
}

// Failed is closed when the member can go on no longer: then Err tells why,
// and it should be closed.
func (m *Member) Failed() <-chan struct{} { return m.failed }

// ErrRemoved says that the member was removed from the cluster.
var ErrRemoved = errors.New("removed from the cluster")

// Err returns why the member failed, nil if it did not.
func (m *Member) Err() error {
	select {
	case <-m.failed:
		return m.err
	default:
		return nil
	}
}

// Name returns the name of the member.
func (m *Member) Name() string { return m.c.Name }

// ID returns the number that clients know the member by.
func (m *Member) ID() uint64 { return m.id.Member }

// Status returns the member's replica as it is, and a channel that is closed
// when its role, term or leader changes.
func (m *Member) Status() (process.Status, <-chan struct{}) { return m.group.Status() }

// HandOver has the member that has the most of the log lead in place of this
// one, if this one leads: then a stop is no outage. It does nothing if there
// is nobody else.
func (m *Member) HandOver(ctx context.Context) error {
	st, _ := m.group.Status()
	if st.Leader != m.id.Replica {
		return nil
	}
	up := make(map[process.ID]bool)
	for _, p := range m.node.Peers() {
		up[p.ID] = p.Connected
	}
	var to process.Progress
	for _, p := range m.group.Progress() {
		if !p.Learner && up[p.ID] && (to.ID == 0 || p.Match > to.Match) {
			to = p
		}
	}
	if to.ID == 0 {
		return nil
	}
	_, err := m.group.Do(ctx, process.Transfer, binary.AppendUvarint(nil, uint64(to.ID)))
	for err == nil {
		st, changed := m.group.Status()
		if st.Leader != m.id.Replica {
			break
		}
		select {
		case <-changed:
		case <-ctx.Done():
			err = ctx.Err()
		}
	}
	if err != nil {
		return fmt.Errorf("hand over to replica %d: %w", to.ID, err)
	}
	return nil
}

// Close stops the member: no more clients, then the node, then the store. What
// it acknowledged stays.
func (m *Member) Close() (err error) {
	m.closed.Do(func() {
		m.end()
		m.record.Close()
		err = m.undo()
		m.work.Wait()
	})
	return err
}

// undo closes what was opened, in the opposite order.
func (m *Member) undo() (err error) {
	keep := func(name string, e error) {
		if e != nil && !errors.Is(e, net.ErrClosed) {
			err = errors.Join(err, fmt.Errorf("close %s: %w", name, e))
		}
	}
	if m.http != nil {
		keep("HTTP", m.http.Close())
	}
	if m.server != nil {
		keep("server", m.server.Close())
	}
	if m.front != nil {
		late := time.AfterFunc(graceful, m.front.Stop)
		m.front.GracefulStop()
		late.Stop()
	}
	for _, l := range slices.Concat(m.c.Clients, m.c.HTTP) {
		keep("listener", l.Close())
	}
	switch {
	case m.node != nil:
		keep("node", m.node.Close())
	case m.c.Peer != nil:
		keep("listener", m.c.Peer.Close())
	}
	if m.store != nil {
		keep("store", m.store.Close())
	}
	return err
}

func hex(id uint64) string { return fmt.Sprintf("%x", id) }
