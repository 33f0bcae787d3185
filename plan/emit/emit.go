// Package emit turns a plan into what starts it: command lines, a Docker Compose file,
// or Kubernetes manifests, all of "althing serve". What they say beyond the numbers of
// the plan is in the templates beside this file, to be read there.
//
// A plan can be emitted only if such a cluster is all that it recommends
// (plan.Plan.Served). Manifests are checked by their structure alone: no test here
// runs Docker or Kubernetes.
package emit

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io"
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"text/template"

	"althing/plan"
)

// Forms are what a plan can be written as.
var Forms = []string{"serve", "compose", "kubernetes"}

// ErrNotServed says that a plan recommends what "althing serve" is not.
var ErrNotServed = errors.New(`"althing serve" does not run it`)

// Options are what a plan does not say.
type Options struct {
	Image string   // that runs althing, for containers; DefaultImage, if empty
	Hosts []string // where the nodes are, HOST or HOST:PORT of the port for clients; n1, n2, …, if empty
}

// DefaultImage is what the Dockerfile at the top of the repository is built as.
const DefaultImage = "althing:latest"

// The ports of a member: for clients; the next two for the others, and for probes and
// metrics.
const clientPort = 2379

// maxMembers bounds a cluster: each member is told of all, so what is written grows
// with their square; and no log is worth so many copies.
const maxMembers = 100

//go:embed template
var templates embed.FS

var parsed = template.Must(template.New("").Funcs(template.FuncMap{"join": strings.Join}).
	ParseFS(templates, "template/*"))

// A node is one member, as the templates see it.
type node struct {
	Name, Host, Region    string
	Client, Peer, Metrics int
}

// A cluster is what the templates are given.
type cluster struct {
	Plan     *plan.Plan
	Image    string
	Nodes    []node
	Options  []string // flags that all members have alike
	Founders string   // of --initial-cluster
	Lost     int      // members that may be away
	Spread   string   // the label of what must not be lost as one
	Regions  int      // 0: one, or none are named
	Leader   string   // the region where it is best, if there are several
}

// Published is the port of the machine by which clients reach node i of a Compose file.
func (c *cluster) Published(i int) int { return clientPort + 10*i }

// ReadySeconds is what a probe of readiness may take: it asks a quorum.
func (c *cluster) ReadySeconds() int { return max(5, (c.Plan.Configuration.RequestMS+999)/1000) }

// Write writes what starts a plan, in one of the Forms. Errors: ErrNotServed, a form,
// image or host that is none, as many hosts as there are not nodes, more than 100 nodes,
// and those of the writer.
func Write(to io.Writer, p *plan.Plan, form string, o Options) error {
	if !slices.Contains(Forms, form) {
		return fmt.Errorf("emit: %q is no form: want one of %s", form, strings.Join(Forms, ", "))
	}
	if !p.Served() {
		return fmt.Errorf("emit: %s: %w", p.Protocol.Name, ErrNotServed)
	}
	c, err := clusterOf(p, form, o)
	if err != nil {
		return err
	}
	var b bytes.Buffer // all or nothing
	if err := parsed.ExecuteTemplate(&b, form, c); err != nil {
		return fmt.Errorf("emit: %w", err)
	}
	_, err = to.Write(b.Bytes())
	return err
}

var (
	images = regexp.MustCompile(`^[a-z0-9][A-Za-z0-9._/:@-]{0,255}$`)
	hosts  = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9.-]{0,252}$`)
)

func clusterOf(p *plan.Plan, form string, o Options) (*cluster, error) {
	n := p.Configuration.Voters
	c := &cluster{Plan: p, Image: o.Image, Options: options(p), Lost: p.FaultTolerance.Crashes,
		Spread: "topology.kubernetes.io/zone"}
	if c.Image == "" {
		c.Image = DefaultImage
	}
	switch {
	case n > maxMembers:
		return nil, fmt.Errorf("emit: %d nodes: no more than %d can be emitted", n, maxMembers)
	case !images.MatchString(c.Image):
		return nil, fmt.Errorf("emit: %q is no name of an image", c.Image)
	case len(o.Hosts) > 0 && form != "serve":
		return nil, fmt.Errorf("emit: %s names its hosts itself", form)
	case len(o.Hosts) > 0 && len(o.Hosts) != n:
		return nil, fmt.Errorf("emit: %d hosts for %d nodes", len(o.Hosts), n)
	}
	if p.Placement != nil && len(p.Placement.Replicas) > 1 {
		c.Spread, c.Regions = "topology.kubernetes.io/region", len(p.Placement.Replicas)
		c.Leader = p.Placement.Leader
	}
	var founders []string
	for i := range n {
		m, err := member(i, p, form, o)
		if err != nil {
			return nil, err
		}
		c.Nodes = append(c.Nodes, m)
		founders = append(founders, fmt.Sprintf("%s=http://%s", m.Name, address(m.Host, m.Peer)))
	}
	c.Founders = strings.Join(founders, ",")
	return c, nil
}

func member(i int, p *plan.Plan, form string, o Options) (node, error) {
	m := node{Name: fmt.Sprint("n", i+1), Region: p.Region(i)}
	m.Host = m.Name
	if form == "kubernetes" { // as a StatefulSet called althing calls them
		m.Name = fmt.Sprint("althing-", i)
		m.Host = m.Name + ".althing"
	}
	m.Client = clientPort
	if len(o.Hosts) > 0 {
		host, port, err := net.SplitHostPort(o.Hosts[i])
		if err != nil {
			host, port = o.Hosts[i], strconv.Itoa(clientPort)
		}
		m.Host = host
		m.Client, err = strconv.Atoi(port)
		if err != nil || m.Client < 1 || m.Client > 65533 ||
			!hosts.MatchString(host) && net.ParseIP(host) == nil {
			return m, fmt.Errorf("emit: %q is no host, or host and port up to 65533", o.Hosts[i])
		}
	}
	m.Peer, m.Metrics = m.Client+1, m.Client+2
	return m, nil
}

func address(host string, port int) string { return net.JoinHostPort(host, strconv.Itoa(port)) }

// ClientURL, PeerURL and MetricsURL are where others reach a node.
func (m node) ClientURL() string  { return "http://" + address(m.Host, m.Client) }
func (m node) PeerURL() string    { return "http://" + address(m.Host, m.Peer) }
func (m node) MetricsURL() string { return "http://" + address(m.Host, m.Metrics) }

// options are the flags of "althing serve" that say what the plan says.
func options(p *plan.Plan) []string {
	c := &p.Configuration
	all := []string{
		"--protocol=" + p.Row,
		fmt.Sprint("--heartbeat-interval=", c.HeartbeatMS),
		fmt.Sprint("--election-timeout=", c.TimeoutMS),
	}
	if c.Election > 0 && p.Row == "multipaxos" {
		all = append(all, fmt.Sprintf("--quorums=%d,%d", c.Election, c.Quorum))
	}
	if c.Acknowledged > 0 {
		all = append(all, fmt.Sprint("--acks=", c.Acknowledged))
	}
	return all
}
