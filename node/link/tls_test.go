package link

import (
	"crypto/ed25519"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"net"
	"testing"
	"time"

	"althing/process"
)

// authority issues certificates whose names are IDs.
type authority struct {
	key  ed25519.PrivateKey
	cert *x509.Certificate
	pool *x509.CertPool
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	pub, key, err := ed25519.GenerateKey(nil)
	must(t, err)
	m := template("authority")
	m.IsCA, m.BasicConstraintsValid, m.KeyUsage = true, true, x509.KeyUsageCertSign
	der, err := x509.CreateCertificate(nil, m, m, pub, key)
	must(t, err)
	cert, err := x509.ParseCertificate(der)
	must(t, err)
	pool := x509.NewCertPool()
	pool.AddCert(cert)
	return &authority{key, cert, pool}
}

func template(name string) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
}

func (a *authority) config(t *testing.T, id process.ID) *tls.Config {
	t.Helper()
	pub, key, err := ed25519.GenerateKey(nil)
	must(t, err)
	der, err := x509.CreateCertificate(nil, template(fmt.Sprint(id)), a.cert, pub, a.key)
	must(t, err)
	return &tls.Config{
		Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}},
		RootCAs:      a.pool, ClientCAs: a.pool, ClientAuth: tls.RequireAndVerifyClientCert,
		MinVersion: tls.VersionTLS13,
	}
}

func named(id process.ID, s tls.ConnectionState) error {
	if name := s.PeerCertificates[0].Subject.CommonName; name != fmt.Sprint(id) {
		return fmt.Errorf("the certificate is of %s", name)
	}
	return nil
}

func TestTLS(t *testing.T) {
	noLeaks(t)
	ca := newAuthority(t)
	out := make(chan delivery, 1)
	a, b := pair(t, func(c *Config) {
		streaming(out)(c)
		c.TLS, c.Verify = ca.config(t, c.Self), named
	})
	a.Send(2, 1, 1, text("hello"))
	if f := wait(t, b.frames); string(f.Payload) != "hello" {
		t.Fatalf("got %q", f.Payload)
	}
	w, err := a.Stream(t.Context(), 2, 1, text("h"))
	must(t, err)
	w.Write([]byte("content"))
	must(t, w.Close())
	if d := wait(t, out); string(d.body) != "content" || d.err != nil {
		t.Fatalf("%q, %v", d.body, d.err)
	}
}

// Who has no certificate, one of another authority, or one of another node,
// does not get in; and nobody talks to a node that is not who it should be.
func TestTLSRefuses(t *testing.T) {
	noLeaks(t)
	ca, other := newAuthority(t), newAuthority(t)
	b := start(t, 2, "127.0.0.1:0", func(c *Config) { c.TLS, c.Verify = ca.config(t, 2), named })
	for _, bad := range []struct {
		who    string
		config *tls.Config
		verify func(process.ID, tls.ConnectionState) error
	}{
		{"no TLS", nil, nil},
		{"another authority", other.config(t, 1), nil},
		{"certificate of node 3", ca.config(t, 3), nil},
		{"wants another node", ca.config(t, 1), func(process.ID, tls.ConnectionState) error {
			return fmt.Errorf("not the one")
		}},
	} {
		a := start(t, 1, "127.0.0.1:0", func(c *Config) {
			c.TLS, c.Verify, c.Timeout = bad.config, bad.verify, time.Second
		})
		a.Add(2, b.Addr().String())
		until(t, "the failure is logged", func() bool { return a.log.has("not connected") })
		if a.Connected(2) || len(a.up) > 0 {
			t.Fatalf("%s: connected", bad.who)
		}
		a.Close()
	}
	if len(b.frames) > 0 {
		t.Fatal("a frame came in")
	}
}
