package front_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/peer"

	"althing/front"
)

// certificate makes one for name, signed by parent, or by itself.
func certificate(t *testing.T, name string, parent *tls.Certificate) *tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, IsCA: parent == nil,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, BasicConstraintsValid: true,
	}
	signer, by := c, any(key)
	if parent != nil {
		signer, by = parent.Leaf, parent.PrivateKey
	}
	b, err := x509.CreateCertificate(rand.Reader, c, signer, &key.PublicKey, by)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(b)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Certificate{Certificate: [][]byte{b}, PrivateKey: key, Leaf: leaf}
}

// TestTLS: with certificates of both sides, and handlers know the client by it.
func TestTLS(t *testing.T) {
	ca := certificate(t, "ca", nil)
	pool := x509.NewCertPool()
	pool.AddCert(ca.Leaf)
	var name atomic.Value
	s := serve(t, front.Options{
		TLS: &tls.Config{
			Certificates: []tls.Certificate{*certificate(t, "server", ca)},
			ClientCAs:    pool, ClientAuth: tls.RequireAndVerifyClientCert,
		},
		Unary: func(ctx context.Context, r any, _ *grpc.UnaryServerInfo, h grpc.UnaryHandler) (any, error) {
			if p, ok := peer.FromContext(ctx); ok {
				if info, ok := p.AuthInfo.(credentials.TLSInfo); ok {
					name.Store(info.State.PeerCertificates[0].Subject.CommonName)
				}
			}
			return h(ctx, r)
		},
	})
	own := []tls.Certificate{*certificate(t, "client", ca)}
	c := dial(t, s.address, &tls.Config{RootCAs: pool, Certificates: own})
	text := strings.Repeat("x", 1<<20)
	answers(t, c, text, text)
	if name.Load() != "client" {
		t.Errorf("the handler knows the client as %q", name.Load())
	}
	fails(t, dial(t, s.address, &tls.Config{RootCAs: pool}), "hello", codes.Unavailable, "")
	fails(t, dial(t, s.address, nil), "hello", codes.Unavailable, "")
	// TLS without the protocol's name is no HTTP/2: RFC 9113 §3.3.
	nc, err := tls.Dial("tcp", s.address, &tls.Config{RootCAs: pool, Certificates: own})
	if err == nil {
		defer nc.Close()
		_ = nc.SetDeadline(time.Now().Add(patience))
		if _, err = nc.Read(make([]byte, 1)); err == nil {
			t.Error("a client without ALPN is spoken to")
		}
	}
	answers(t, c, "hello", "hello")
}
