package emit_test

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"althing/plan"
	"althing/plan/emit"
)

func made(t *testing.T, context string) *plan.Plan {
	t.Helper()
	r, err := plan.Parse([]byte("distributed_context: " + context))
	if err != nil {
		t.Fatal(err)
	}
	p, err := plan.Make(r)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

var served = []string{
	"{problem_type: consensus, cluster_config: {nodes: 1}}",
	"{problem_type: consensus, cluster_config: {nodes: 5, regions: [VA, OR, IR]}, " +
		"consistency_requirement: linearizable}",
	"{problem_type: consensus, cluster_config: {nodes: 10, failure_tolerance: 2}, " +
		"consistency_requirement: linearizable}",
	"{problem_type: replication, cluster_config: {nodes: 3}, consistency_requirement: sequential}",
	"{problem_type: replication, cluster_config: {nodes: 3}, workload: {loss_acceptable: true}}",
	"{problem_type: replication, cluster_config: {nodes: 3}, consistency_requirement: linearizable, " +
		"workload: {request_bytes: 100000}}",
}

func written(t *testing.T, p *plan.Plan, form string, o emit.Options) string {
	t.Helper()
	var b strings.Builder
	if err := emit.Write(&b, p, form, o); err != nil {
		t.Fatalf("%s, %s: %v", p.Protocol.Name, form, err)
	}
	return b.String()
}

// flags are those that say what the plan says, as any member has them.
func flags(p *plan.Plan) []string {
	c := &p.Configuration
	all := []string{"serve", "--protocol=" + p.Row, fmt.Sprint("--heartbeat-interval=", c.HeartbeatMS),
		fmt.Sprint("--election-timeout=", c.TimeoutMS)}
	if p.Row == "multipaxos" {
		all = append(all, fmt.Sprintf("--quorums=%d,%d", c.Election, c.Quorum))
	}
	return all
}

func lacks(t *testing.T, where string, args, want []string) {
	t.Helper()
	for _, w := range want {
		if !slices.Contains(args, w) {
			t.Errorf("%s lacks %s: %q", where, w, args)
		}
	}
}

type compose struct {
	Services map[string]struct {
		Image   string
		Command []string
		Volumes []string
		Ports   []string
		Restart string
		Grace   string `yaml:"stop_grace_period"`
	}
	Name    string
	Volumes map[string]map[string]any
}

// A Compose file has a service for each node, with the plan's numbers, a volume and a
// port of its own.
func TestCompose(t *testing.T) {
	for _, context := range served {
		p := made(t, context)
		var c compose
		text := written(t, p, "compose", emit.Options{Image: "registry.example/althing:1.2"})
		if err := yaml.UnmarshalWithOptions([]byte(text), &c, yaml.Strict()); err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		if len(c.Services) != p.Configuration.Voters || len(c.Volumes) != p.Configuration.Voters {
			t.Errorf("%d services, %d volumes for %d nodes", len(c.Services), len(c.Volumes), p.Configuration.Voters)
		}
		ports := map[string]bool{}
		for name, s := range c.Services {
			if _, ok := c.Volumes[name]; !ok || !slices.Equal(s.Volumes, []string{name + ":/data"}) {
				t.Errorf("%s keeps its data in %v", name, s.Volumes)
			}
			if s.Image != "registry.example/althing:1.2" {
				t.Errorf("%s runs %s", name, s.Image)
			}
			lacks(t, name, s.Command, append(flags(p), "--name="+name, "--data-dir=/data",
				"--advertise-client-urls=http://"+name+":2379", "--initial-advertise-peer-urls=http://"+name+":2380"))
			for _, port := range s.Ports {
				ports[port] = true
			}
		}
		if len(ports) != len(c.Services) {
			t.Errorf("ports %v", ports)
		}
	}
}

type manifest struct {
	APIVersion string `yaml:"apiVersion"`
	Kind       string
	Metadata   struct {
		Name   string
		Labels map[string]string
	}
	Spec struct {
		ClusterIP      string `yaml:"clusterIP"`
		Publish        bool   `yaml:"publishNotReadyAddresses"`
		MaxUnavailable *int   `yaml:"maxUnavailable"`
		ServiceName    string `yaml:"serviceName"`
		Replicas       int
		Selector       any
		Template       struct {
			Metadata struct{ Labels map[string]string }
			Spec     struct {
				Affinity struct {
					PodAntiAffinity struct {
						Required []struct {
							TopologyKey string `yaml:"topologyKey"`
						} `yaml:"requiredDuringSchedulingIgnoredDuringExecution"`
					} `yaml:"podAntiAffinity"`
				}
				Spread []struct {
					TopologyKey string `yaml:"topologyKey"`
					MaxSkew     int    `yaml:"maxSkew"`
					When        string `yaml:"whenUnsatisfiable"`
					MinDomains  int    `yaml:"minDomains"`
				} `yaml:"topologySpreadConstraints"`
				Containers []struct {
					Image     string
					Args      []string
					Liveness  probe `yaml:"livenessProbe"`
					Readiness probe `yaml:"readinessProbe"`
					Startup   probe `yaml:"startupProbe"`
				}
			}
		}
		Claims []struct {
			Metadata struct{ Name string }
		} `yaml:"volumeClaimTemplates"`
	}
}

type probe struct {
	HTTPGet struct{ Path, Port string } `yaml:"httpGet"`
}

func manifests(t *testing.T, text string) map[string]manifest {
	t.Helper()
	all := map[string]manifest{}
	for d := yaml.NewDecoder(strings.NewReader(text)); ; {
		var m manifest
		err := d.Decode(&m)
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		all[m.Kind+" "+m.Metadata.Name] = m
	}
}

// Manifests have as many members as the plan, with its numbers; a budget of what it
// bears; members apart, by region if there are several; and probes.
func TestKubernetes(t *testing.T) {
	for _, context := range served {
		p := made(t, context)
		all := manifests(t, written(t, p, "kubernetes", emit.Options{}))
		if len(all) != 4 {
			t.Errorf("%d manifests", len(all))
		}
		if s := all["Service althing"].Spec; s.ClusterIP != "None" || !s.Publish {
			t.Errorf("the service of names: %+v", s)
		}
		b := all["PodDisruptionBudget althing"].Spec.MaxUnavailable
		if b == nil || *b != p.FaultTolerance.Crashes {
			t.Errorf("%s: a budget of %v, not %d", p.Protocol.Name, b, p.FaultTolerance.Crashes)
		}
		s := all["StatefulSet althing"].Spec
		if s.Replicas != p.Configuration.Voters || s.ServiceName != "althing" || len(s.Claims) != 1 {
			t.Errorf("%+v", s)
		}
		pod := s.Template.Spec
		if r := pod.Affinity.PodAntiAffinity.Required; len(r) != 1 || r[0].TopologyKey != "kubernetes.io/hostname" {
			t.Errorf("apart by %+v", r)
		}
		spread, key, domains := pod.Spread, "topology.kubernetes.io/zone", 0
		if p.Placement != nil {
			key, domains = "topology.kubernetes.io/region", len(p.Placement.Replicas)
		}
		if len(spread) != 1 || spread[0].TopologyKey != key || spread[0].MinDomains != domains ||
			(spread[0].When == "DoNotSchedule") != (domains > 0) {
			t.Errorf("spread by %+v", spread)
		}
		c := pod.Containers[0]
		if c.Liveness.HTTPGet.Path != "/livez" || c.Readiness.HTTPGet.Path != "/readyz" ||
			c.Startup.HTTPGet.Path != "/livez" || c.Image != emit.DefaultImage {
			t.Errorf("%+v", c)
		}
		founders := "--initial-cluster="
		for i := range s.Replicas {
			founders += fmt.Sprintf("althing-%[1]d=http://althing-%[1]d.althing:2380,", i)
		}
		lacks(t, "a pod", c.Args, append(flags(p), "--name=$(POD_NAME)", strings.TrimSuffix(founders, ",")))
	}
}

// What cannot be emitted says why, and writes nothing.
func TestRefused(t *testing.T) {
	three := made(t, served[3])
	for _, c := range []struct {
		context, form string
		o             emit.Options
		want          string
	}{
		{served[3], "helm", emit.Options{}, "serve, compose, kubernetes"},
		{"{problem_type: transaction, cluster_config: {nodes: 3}, consistency_requirement: linearizable}", "serve",
			emit.Options{}, "does not run it"},
		{"{problem_type: partitioning, cluster_config: {nodes: 3}}", "compose", emit.Options{}, "does not run it"},
		{"{problem_type: consensus, cluster_config: {nodes: 101}}", "serve", emit.Options{}, "no more than 100"},
		{served[3], "compose", emit.Options{Image: "a\nb"}, "image"},
		{served[3], "compose", emit.Options{Hosts: []string{"a", "b", "c"}}, "itself"},
		{served[3], "serve", emit.Options{Hosts: []string{"a"}}, "1 hosts for 3 nodes"},
		{served[3], "serve", emit.Options{Hosts: []string{"a", "b", "c d"}}, `"c d" is no host`},
		{served[3], "serve", emit.Options{Hosts: []string{"a", "b", "c:65534"}}, "65533"},
		{served[3], "serve", emit.Options{Hosts: []string{"a", "b", "$(x)"}}, "is no host"},
	} {
		p := three
		if c.context != served[3] {
			p = made(t, c.context)
		}
		var b strings.Builder
		if err := emit.Write(&b, p, c.form, c.o); err == nil || !strings.Contains(err.Error(), c.want) || b.Len() > 0 {
			t.Errorf("%s, %+v: %v, and %q; want %s", c.form, c.o, err, b.String(), c.want)
		}
	}
}
