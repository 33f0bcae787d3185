package telemetry

import "github.com/prometheus/client_golang/prometheus"

// A Method is one that clients may call.
type Method struct {
	Service, Name                string // "etcdserverpb.KV", "Put"
	ClientStreams, ServerStreams bool
}

func (m *Method) kind() string {
	switch {
	case m.ClientStreams && m.ServerStreams:
		return "bidi_stream"
	case m.ClientStreams:
		return "client_stream"
	case m.ServerStreams:
		return "server_stream"
	}
	return "unary"
}

// calls counts what clients call, under the names that gRPC servers use.
type calls struct {
	started, handled *prometheus.CounterVec
	methods          map[string]*method // by full name; not changed once calls come
}

type method struct {
	labels      [3]string // type, service, name
	started, ok prometheus.Counter
}

func (c *calls) begin(r *prometheus.Registry) {
	labels := []string{"grpc_type", "grpc_service", "grpc_method"}
	c.started = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "grpc_server_started_total", Help: "Calls that began.",
	}, labels)
	c.handled = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "grpc_server_handled_total", Help: "Calls that ended, by how.",
	}, append(labels, "grpc_code"))
	c.methods = make(map[string]*method)
	r.MustRegister(c.started, c.handled)
}

// Serve names the methods that are counted, before the first call.
func (c *calls) Serve(methods []Method) {
	for i := range methods {
		m := &methods[i]
		l := [3]string{m.kind(), m.Service, m.Name}
		c.methods["/"+m.Service+"/"+m.Name] = &method{
			labels: l, started: c.started.WithLabelValues(l[:]...),
			ok: c.handled.WithLabelValues(l[0], l[1], l[2], "OK"),
		}
	}
}

// Started counts a call that begins, by its full name. One of another name is
// not counted, or whoever calls could make series without end.
func (c *calls) Started(full string) {
	if m := c.methods[full]; m != nil {
		m.started.Inc()
	}
}

// Handled counts a call that ended with a code, as gRPC writes it.
func (c *calls) Handled(full, code string) {
	switch m := c.methods[full]; {
	case m == nil:
	case code == "OK":
		m.ok.Inc()
	default:
		c.handled.WithLabelValues(m.labels[0], m.labels[1], m.labels[2], code).Inc()
	}
}
