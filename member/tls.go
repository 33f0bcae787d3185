package member

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
)

// TLS names the files of one side of a connection. The zero value is none.
type TLS struct {
	Cert, Key  string // PEM; read anew for each connection, so that they can be renewed
	CA         string // PEM; who is trusted
	ClientAuth bool   // whoever calls must show a certificate that CA trusts
}

// On reports whether there is any TLS.
func (t *TLS) On() bool { return t.Cert != "" || t.Key != "" || t.CA != "" || t.ClientAuth }

// server returns the configuration of one that is called; nil without TLS.
func (t *TLS) server() (*tls.Config, error) {
	if !t.On() {
		return nil, nil
	}
	if t.Cert == "" || t.Key == "" {
		return nil, errors.New("TLS needs a certificate and its key")
	}
	if t.ClientAuth && t.CA == "" {
		return nil, errors.New("certificates of clients cannot be checked without a trusted CA")
	}
	pool, err := t.pool()
	if err != nil {
		return nil, err
	}
	if _, err := t.load(); err != nil {
		return nil, err
	}
	c := &tls.Config{
		MinVersion: tls.VersionTLS12, RootCAs: pool, ClientCAs: pool,
		GetCertificate:       func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return t.load() },
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return t.load() },
	}
	switch {
	case t.ClientAuth:
		c.ClientAuth = tls.RequireAndVerifyClientCert
	case pool != nil:
		c.ClientAuth = tls.VerifyClientCertIfGiven
	}
	return c, nil
}

// Client returns the configuration of one that calls; nil without TLS.
func (t *TLS) Client() (*tls.Config, error) {
	if !t.On() {
		return nil, nil
	}
	pool, err := t.pool()
	if err != nil {
		return nil, err
	}
	c := &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: pool}
	if t.Cert != "" || t.Key != "" {
		if _, err := t.load(); err != nil {
			return nil, err
		}
		c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return t.load() }
	}
	return c, nil
}

func (t *TLS) load() (*tls.Certificate, error) {
	c, err := tls.LoadX509KeyPair(t.Cert, t.Key)
	if err != nil {
		return nil, fmt.Errorf("load certificate %s with key %s: %w", t.Cert, t.Key, err)
	}
	return &c, nil
}

// pool returns who is trusted; nil: whom the machine trusts.
func (t *TLS) pool() (*x509.CertPool, error) {
	if t.CA == "" {
		return nil, nil
	}
	b, err := os.ReadFile(t.CA)
	if err != nil {
		return nil, fmt.Errorf("load trusted CA: %w", err)
	}
	p := x509.NewCertPool()
	if !p.AppendCertsFromPEM(b) {
		return nil, fmt.Errorf("load trusted CA: there is no certificate in %s", t.CA)
	}
	return p, nil
}
