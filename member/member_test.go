package member

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"

	"althing/internal/freeport"
	"althing/node"
	"althing/process"
	"althing/protocol/raft"
	"althing/protocol/vr"
)

// patience bounds what these tests wait for: much longer than it takes.
const patience = 20 * time.Second

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// A seat is a place for a member: its directory and addresses last longer than
// it does.
type seat struct {
	name, dir            string
	peer, client, metric string // host:port
	scheme               string
	tls                  TLS
}

func newSeat(t *testing.T, name string) *seat {
	s := &seat{name: name, dir: t.TempDir(), scheme: "http"}
	for _, a := range []*string{&s.peer, &s.client, &s.metric} {
		*a = freeport.Addr(t)
	}
	return s
}

func (s *seat) peerURLs() []string { return []string{s.scheme + "://" + s.peer} }

// start starts a member there; it is closed with the test.
func (s *seat) start(t *testing.T, change func(*Config)) (*Member, error) {
	t.Helper()
	c := Config{Name: s.name, Dir: s.dir, PeerURLs: s.peerURLs(), ClientURLs: []string{s.scheme + "://" + s.client},
		ClientTLS: s.tls, PeerTLS: s.tls, Version: "test"}
	listen := func(address string) net.Listener {
		l, err := net.Listen("tcp", address)
		must(t, err)
		return l
	}
	c.Peer, c.Clients, c.HTTP = listen(s.peer), []net.Listener{listen(s.client)}, []net.Listener{listen(s.metric)}
	if change != nil {
		change(&c)
	}
	m, err := Start(t.Context(), c)
	if err == nil {
		t.Cleanup(func() { m.Close() })
	}
	return m, err
}

func (s *seat) dial(t *testing.T, config *tls.Config) *clientv3.Client {
	c, err := clientv3.New(clientv3.Config{Endpoints: []string{s.scheme + "://" + s.client}, TLS: config,
		Logger: zap.NewNop()})
	must(t, err)
	t.Cleanup(func() { c.Close() })
	return c
}

// eventually tries until f succeeds.
func eventually(t *testing.T, what string, f func(ctx context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for {
		err := f(ctx)
		if err == nil {
			return
		}
		if ctx.Err() != nil {
			t.Fatalf("%s: %v", what, err)
		}
		time.Sleep(20 * time.Millisecond) // between two looks
	}
}

func (s *seat) get(t *testing.T, path string) string {
	t.Helper()
	r, err := http.Get("http://" + s.metric + path)
	must(t, err)
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	must(t, err)
	return fmt.Sprint(r.StatusCode, " ", string(b))
}

// A member joins a cluster of one, votes, comes back without being told how
// it began, and is removed.
func TestJoin(t *testing.T) {
	for _, p := range []process.Protocol{raft.Protocol, vr.Protocol} { // by voters; by epochs
		t.Run(p.Name, func(t *testing.T) { joinAndLeave(t, p) })
	}
}

func joinAndLeave(t *testing.T, p process.Protocol) {
	ctx := t.Context()
	a, b := newSeat(t, "a"), newSeat(t, "b")
	_, err := a.start(t, func(c *Config) {
		c.Protocol, c.Founders = p, map[string][]string{"a": a.peerURLs()}
	})
	must(t, err)
	if got := a.get(t, "/debug/pprof/"); !strings.HasPrefix(got, "404") {
		t.Errorf("profiles that nobody asked for are served: %s", got)
	}
	ca := a.dial(t, nil)
	_, err = ca.Put(ctx, "k", "v")
	must(t, err)
	joining := func(c *Config) { c.Protocol, c.Join, c.Profiles = p, []string{"http://" + a.client}, true }
	if _, err := b.start(t, joining); err == nil || !strings.Contains(err.Error(), "no member with the peer URL") {
		t.Fatalf("one that nobody has added: %v", err)
	}
	added, err := ca.MemberAddAsLearner(ctx, b.peerURLs())
	must(t, err)
	mb, err := b.start(t, joining)
	must(t, err)
	if got := b.get(t, "/debug/pprof/"); !strings.HasPrefix(got, "200") {
		t.Errorf("profiles: %s", got)
	}
	if mb.ID() != added.Member.ID || replicaOf(mb.ID()) != 2 {
		t.Fatalf("it takes itself for %x, and was added as %x", mb.ID(), added.Member.ID)
	}
	eventually(t, "promote", func(ctx context.Context) error {
		_, err := ca.MemberPromote(ctx, mb.ID())
		return err
	})
	cb := b.dial(t, nil)
	holds := func(want string) {
		t.Helper()
		eventually(t, "read what was put", func(ctx context.Context) error {
			r, err := cb.Get(ctx, "k")
			if err == nil && (len(r.Kvs) != 1 || string(r.Kvs[0].Value) != want) {
				err = fmt.Errorf("got %v", r.Kvs)
			}
			return err
		})
	}
	holds("v")
	must(t, mb.Close())
	mb, err = b.start(t, func(c *Config) { c.Protocol = p })
	must(t, err)
	eventually(t, "put with both", func(ctx context.Context) error { _, err := ca.Put(ctx, "k", "w"); return err })
	holds("w")
	eventually(t, "remove", func(ctx context.Context) error {
		_, err := ca.MemberRemove(ctx, mb.ID())
		if errors.Is(err, rpctypes.ErrMemberNotFound) { // an earlier try did
			err = nil
		}
		return err
	})
	select {
	case <-mb.Failed():
		if !errors.Is(mb.Err(), ErrRemoved) {
			t.Errorf("it ended with %v", mb.Err())
		}
	case <-time.After(patience):
		t.Error("it does not know that it was removed")
	}
}

// A directory that has lost something is refused, or its member could vote
// twice; so is that of another member.
func TestLost(t *testing.T) {
	a := newSeat(t, "a")
	founding := func(c *Config) { c.Founders = map[string][]string{"a": a.peerURLs()} }
	m, err := a.start(t, founding)
	must(t, err)
	_, err = a.dial(t, nil).Put(t.Context(), "k", "v")
	must(t, err)
	must(t, m.Close())
	for _, part := range []string{logDir, storeDir, identityFile} {
		path := filepath.Join(a.dir, part)
		must(t, os.Rename(path, path+".away"))
		if m, err := a.start(t, founding); !errors.Is(err, ErrLost) {
			t.Errorf("without %s: %v, %v", part, m, err)
		}
		must(t, os.RemoveAll(path))
		must(t, os.Rename(path+".away", path))
	}
	if _, err := a.start(t, func(c *Config) { c.Name = "b" }); err == nil {
		t.Error("a member took another's directory")
	}
	m, err = a.start(t, nil) // whole again, and told nothing
	must(t, err)
	r, err := a.dial(t, nil).Get(t.Context(), "k")
	if err != nil || len(r.Kvs) != 1 {
		t.Errorf("%v: %v", r, err)
	}
	must(t, m.Close())
	if err := m.Close(); err != nil {
		t.Errorf("closed twice: %v", err)
	}
}

// A member that comes back without its data has no part in any decision: with
// it alone for company, a member is without a quorum.
func TestBlank(t *testing.T) {
	seats, founders := make(map[string]*seat), make(map[string][]string)
	for _, n := range []string{"a", "b", "c"} {
		seats[n] = newSeat(t, n)
		founders[n] = seats[n].peerURLs()
	}
	founding := func(c *Config) { c.Founders = founders }
	members := make(map[string]*Member)
	for _, n := range []string{"a", "b", "c"} {
		m, err := seats[n].start(t, founding)
		must(t, err)
		members[n] = m
	}
	client := seats["a"].dial(t, nil)
	put := func(ctx context.Context) error { _, err := client.Put(ctx, "k", "v"); return err }
	eventually(t, "put", put)
	eventually(t, "meeting", func(context.Context) error {
		a := members["a"]
		a.idMu.Lock()
		defer a.idMu.Unlock()
		if a.id.Lives[3] == 0 {
			return errors.New("a has not met c")
		}
		return nil
	})
	must(t, members["c"].Close())
	must(t, os.RemoveAll(seats["c"].dir))
	must(t, os.Mkdir(seats["c"].dir, 0o700))
	if _, err := seats["c"].start(t, founding); err != nil {
		t.Fatal(err)
	}
	eventually(t, "put without c", put)
	must(t, members["b"].Close())
	must(t, members["a"].Close()) // it remembers whom it met
	a, err := seats["a"].start(t, nil)
	must(t, err)
	if err := a.meet(3, 77); err == nil || !strings.Contains(err.Error(), "lost its data") {
		t.Errorf("the blank replica is let in: %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	if err := put(ctx); err == nil {
		t.Error("a blank replica made a quorum")
	}
}

// Three members that trust certificates alone serve, tell how they are, and
// one hands over to another.
func TestThree(t *testing.T) {
	files, config := certificates(t)
	seats := make(map[string]*seat)
	founders := make(map[string][]string)
	for _, n := range []string{"a", "b", "c"} {
		s := newSeat(t, n)
		s.scheme, s.tls = "https", files
		seats[n], founders[n] = s, s.peerURLs()
	}
	members := make(map[string]*Member)
	var mu sync.Mutex
	var group sync.WaitGroup
	for n, s := range seats {
		group.Go(func() {
			m, err := s.start(t, func(c *Config) { c.Founders = founders })
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			members[n] = m
			mu.Unlock()
		})
	}
	if group.Wait(); t.Failed() {
		t.FailNow()
	}
	ca := seats["a"].dial(t, config)
	eventually(t, "put", func(ctx context.Context) error { _, err := ca.Put(ctx, "k", "v"); return err })

	stranger := config.Clone()
	stranger.Certificates = nil
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if _, err := seats["a"].dial(t, stranger).Put(ctx, "k", "v"); err == nil {
		t.Error("a client without a certificate was served")
	}
	for n, s := range seats {
		eventually(t, "health", func(context.Context) error {
			for path, want := range map[string]string{
				"/health": `200 {"health":"true"`, "/readyz": "200 ok", "/livez": "200 ok", "/version": "200 ",
			} {
				if got := s.get(t, path); !strings.HasPrefix(got, want) {
					return fmt.Errorf("%s says of %s: %s", n, path, got)
				}
			}
			return nil
		})
		for _, want := range []string{
			"etcd_server_has_leader 1", "etcd_network_active_peers{", "leader_elections_total{",
			`grpc_server_started_total{grpc_method="Put",grpc_service="etcdserverpb.KV",grpc_type="unary"} `} {
			if got := s.get(t, "/metrics"); !strings.Contains(got, want) {
				t.Errorf("%s has no %s", n, want)
			}
		}
	}
	handOver(t, members)
}

func handOver(t *testing.T, members map[string]*Member) {
	leader := func() (name string) {
		for _, n := range slices.Sorted(maps.Keys(members)) {
			m := members[n]
			if st, _ := m.Status(); st.Leader == m.id.Replica {
				name = n
			}
		}
		return name
	}
	eventually(t, "hand over", func(ctx context.Context) error {
		from := leader()
		if from == "" {
			return errors.New("nobody leads")
		}
		if err := members[from].HandOver(ctx); err != nil {
			var refused *node.RefusedError
			if errors.As(err, &refused) {
				return err
			}
			t.Fatal(err)
		}
		if st, _ := members[from].Status(); st.Leader == members[from].id.Replica {
			t.Fatalf("%s has handed over and leads", from)
		}
		for n, m := range members { // of one that does not lead it does nothing
			if n != leader() {
				return m.HandOver(ctx)
			}
		}
		return nil
	})
}

// certificates returns files that trust one another, and a client's side.
func certificates(t *testing.T) (TLS, *tls.Config) {
	t.Helper()
	pub, key, err := ed25519.GenerateKey(rand.Reader)
	must(t, err)
	of := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "althing"},
		IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{{127, 0, 0, 1}},
		KeyUsage:    x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, of, of, pub, key)
	must(t, err)
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	must(t, err)
	dir := t.TempDir()
	write := func(name, kind string, b []byte) string {
		path := filepath.Join(dir, name)
		must(t, os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: b}), 0o600))
		return path
	}
	cert := write("cert.pem", "CERTIFICATE", der)
	files := TLS{Cert: cert, Key: write("key.pem", "PRIVATE KEY", pkcs8), CA: cert, ClientAuth: true}
	pool := x509.NewCertPool()
	ca, err := x509.ParseCertificate(der)
	must(t, err)
	pool.AddCert(ca)
	return files, &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12,
		Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
}
