package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"althing/internal/terminal"
)

const example = "http://10.0.0.1:2379"

// parseURLs reads a list of http or https URLs of host and port.
func parseURLs(flag string, list []string) ([]*url.URL, error) {
	var urls []*url.URL
	for _, raw := range list {
		u, err := url.Parse(strings.TrimSpace(raw))
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Path != "" && u.Path != "/" ||
			u.RawQuery != "" || u.Fragment != "" || u.User != nil {
			return nil, terminal.Wrong(flag, raw,
				"expected http:// or https://, a host and a port, such as %s", example)
		}
		u.Path = ""
		if port, err := strconv.ParseUint(u.Port(), 10, 16); err != nil || u.Hostname() == "" {
			return nil, terminal.Wrong(flag, raw, "expected a host and a port from 0 to 65535, such as %s", example)
		} else if u.Host != net.JoinHostPort(u.Hostname(), strconv.FormatUint(port, 10)) {
			return nil, terminal.Wrong(flag, raw, "expected the port as a plain number")
		}
		if slices.ContainsFunc(urls, func(v *url.URL) bool { return v.Host == u.Host }) && u.Port() != "0" {
			return nil, terminal.Wrong(flag, strings.Join(list, ","), "%s is there twice", u.Host)
		}
		urls = append(urls, u)
	}
	return urls, nil
}

func texts(urls []*url.URL) []string {
	s := make([]string, len(urls))
	for i, u := range urls {
		s[i] = u.String()
	}
	return s
}

// reachable returns where others reach what listens at these URLs.
func reachable(flag string, listen []*url.URL, advertised []string) ([]*url.URL, error) {
	if len(advertised) > 0 {
		return parseURLs(flag, advertised)
	}
	for _, u := range listen {
		if ip := net.ParseIP(u.Hostname()); ip != nil && ip.IsUnspecified() {
			return nil, terminal.Wrong(flag, "",
				"expected the URL that others reach this member by, for they cannot by %s", u)
		}
	}
	return listen, nil
}

// listen opens a listener, and says in plain words why it cannot.
func listen(flag, address string) (net.Listener, error) {
	l, err := net.Listen("tcp", address)
	var dns *net.DNSError
	switch {
	case err == nil:
		return l, nil
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("--%s: another program listens at %s: stop it, or choose another port", flag, address)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return nil, fmt.Errorf("--%s: this machine has no address %s: expected one of its own, or 127.0.0.1", flag,
			address)
	case errors.Is(err, syscall.EACCES):
		return nil, fmt.Errorf("--%s: not allowed to listen at %s: expected a port from 1024 on", flag, address)
	case errors.As(err, &dns):
		return nil, fmt.Errorf("--%s: there is no host %s: expected an IP address or a name that resolves", flag,
			dns.Name)
	}
	return nil, fmt.Errorf("--%s: listen at %s: %w", flag, address, err)
}

// directory makes sure that a directory is there and can be written to.
func directory(flag, dir string) error {
	err := os.MkdirAll(dir, 0o700)
	if err == nil {
		var probe *os.File
		if probe, err = os.CreateTemp(dir, ".probe-*"); err == nil {
			err = errors.Join(probe.Close(), os.Remove(probe.Name()))
		}
	}
	var path *fs.PathError
	switch {
	case err == nil:
		return nil
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		return fmt.Errorf("--%s=%s: not allowed to write there: expected a directory of the user who runs this",
			flag, dir)
	case errors.Is(err, syscall.ENOTDIR) && errors.As(err, &path):
		return fmt.Errorf("--%s=%s: %s is a file: expected a directory", flag, dir, path.Path)
	}
	return fmt.Errorf("--%s=%s: %w", flag, dir, err)
}
