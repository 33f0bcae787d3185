package etcd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"

	"althing/kv"
)

// Health returns the handler of /health, /livez, /readyz and /version, which
// load balancers and kubelets ask.
func (s *Server) Health() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /health", s.serveHealth)
	mux.Handle("GET /livez", s.checks("livez", "serializable_read"))
	mux.Handle("GET /livez/{check}", s.checks("livez", "serializable_read"))
	ready := []string{"data_corruption", "serializable_read", "linearizable_read", "non_learner"}
	mux.Handle("GET /readyz", s.checks("readyz", ready...))
	mux.Handle("GET /readyz/{check}", s.checks("readyz", ready...))
	mux.HandleFunc("GET /version", s.serveVersion)
	return mux
}

func (s *Server) serveHealth(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	reason := ""
	for _, a := range pbAlarms(s.Store.Alarms()) {
		if !slices.Contains(q["exclude"], a.Alarm.String()) {
			reason = "ALARM " + a.Alarm.String()
		}
	}
	check := s.linearizableRead
	if q.Get("serializable") == "true" {
		check = s.serializableRead
	}
	if reason == "" {
		if err := check(r.Context()); err != nil {
			reason = "RANGE ERROR:" + err.Error()
		}
	}
	code := http.StatusOK
	if reason != "" {
		code = http.StatusServiceUnavailable
	}
	writeJSON(w, code, struct {
		Health string `json:"health"`
		Reason string `json:"reason"`
	}{fmt.Sprint(reason == ""), reason})
}

func writeJSON(w http.ResponseWriter, code int, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_, _ = w.Write(b) // whoever asked is gone: nobody to tell
}

func (s *Server) serveVersion(w http.ResponseWriter, _ *http.Request) {
	cluster := majorMinor(s.Version) + ".0"
	writeJSON(w, http.StatusOK, struct {
		Server  string `json:"etcdserver"`
		Cluster string `json:"etcdcluster"`
		Storage string `json:"storage"`
	}{s.Version, cluster, cluster})
}

// checks serves checks by name, all of them or the one that the path names.
// Those in the query's exclude are left out; verbose tells of each.
func (s *Server) checks(name string, names ...string) http.Handler {
	run := map[string]func(context.Context) error{
		"data_corruption":   s.noCorruption,
		"serializable_read": s.serializableRead,
		"linearizable_read": s.linearizableRead,
		"non_learner":       s.nonLearner,
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		todo := names
		if one := r.PathValue("check"); one != "" {
			if !slices.Contains(names, one) {
				http.NotFound(w, r)
				return
			}
			todo = []string{one}
		}
		q := r.URL.Query()
		var told strings.Builder
		failed := false
		for _, n := range todo {
			if slices.Contains(q["exclude"], n) {
				fmt.Fprintf(&told, "[+]%s excluded: ok\n", n)
				continue
			}
			if err := run[n](r.Context()); err != nil {
				failed = true
				fmt.Fprintf(&told, "[-]%s failed: %v\n", n, err)
				continue
			}
			fmt.Fprintf(&told, "[+]%s ok\n", n)
		}
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		switch {
		case failed:
			http.Error(w, told.String()+name+" check failed", http.StatusServiceUnavailable)
		case q.Has("verbose"):
			fmt.Fprintf(w, "%sok\n", told.String())
		default:
			fmt.Fprintln(w, "ok")
		}
	})
}

func (s *Server) serializableRead(context.Context) error {
	_, err := s.Store.Range(&kv.Range{Key: []byte("a"), Limit: 1})
	return err
}

func (s *Server) linearizableRead(ctx context.Context) error {
	if !s.led() {
		return rpctypes.ErrGRPCNoLeader // whoever asks need not wait for one
	}
	if err := s.barrier(ctx); err != nil {
		return err
	}
	return s.serializableRead(ctx)
}

func (s *Server) noCorruption(context.Context) error {
	for _, a := range s.Store.Alarms() {
		if a.Kind == kv.Corrupt {
			return fmt.Errorf("member %x raised the alarm CORRUPT", a.Member)
		}
	}
	return nil
}

func (s *Server) nonLearner(context.Context) error {
	if !s.votes() {
		return errors.New("this member is a learner")
	}
	return nil
}
