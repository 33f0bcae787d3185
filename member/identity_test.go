package member

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"

	"althing/process"
)

var three = map[string][]string{"b": {"http://b:1"}, "a": {"http://a:1"}, "c": {"http://c:2", "http://c:1"}}

// clusterNumber is that of the cluster which three found with the token "token".
const clusterNumber = 0xb32ed1abfaeb90

// All founders come to the same group, whatever order they were told in, and
// every release must: the numbers are what clusters are known by.
func TestFound(t *testing.T) {
	for i, name := range []string{"a", "b", "c"} {
		id, group, members, err := found(name, "token", three)
		if err != nil {
			t.Fatal(err)
		}
		if id.Cluster != clusterNumber || id.Replica != process.ID(i+1) || id.Member != members[i].ID ||
			replicaOf(id.Member) != id.Replica || !slices.Equal(group.Voters, []process.ID{1, 2, 3}) {
			t.Errorf("%s: %x, %+v, %+v", name, id.Cluster, id, group)
		}
	}
	id, _, _, err := found("a", "another", three)
	if err != nil || id.Cluster == clusterNumber {
		t.Errorf("two tokens make one cluster: %v", err)
	}
	for name, founders := range map[string]map[string][]string{
		"nobody": nil, "not me": {"b": {"http://b:1"}}, "no URL": {"a": nil}, "no name": {"a": {"x"}, "": {"y"}},
	} {
		if _, _, _, err := found("a", "token", founders); err == nil {
			t.Errorf("%s: founded", name)
		}
	}
}

func TestDigest(t *testing.T) {
	if digest("ab", "c") == digest("a", "bc") || digest("a") == digest("a", "") {
		t.Error("two lists have one digest")
	}
}

// TestChannel: members that would not count alike do not talk to one another.
func TestChannel(t *testing.T) {
	seen := map[uint64]identity{}
	for _, id := range []identity{
		{}, {Protocol: "vr"}, {Protocol: "multipaxos"}, {Variant: "4, 2"},
		{Protocol: "multipaxos", Variant: "4, 2"}, {Protocol: "multipaxos", Variant: "3, 3"},
	} {
		id.Cluster = clusterNumber
		c := id.channel()
		if other, ok := seen[c]; ok {
			t.Errorf("%+v and %+v have one channel", id, other)
		}
		seen[c] = id
	}
	if raft := (identity{Cluster: clusterNumber, Protocol: "raft"}); raft.channel() != clusterNumber {
		t.Error("the channel of Raft has changed: releases no longer talk to one another")
	}
}

func TestIdentify(t *testing.T) {
	list := []*pb.Member{
		{ID: 0xaa0001, Name: "a", PeerURLs: []string{"http://a:1"}},
		{ID: 0xbb0007, PeerURLs: []string{"http://b:1", "http://b:2"}},
	}
	id, err := identify("b", []string{"http://b:2", "http://b:1"}, 9, list)
	if err != nil || id.Replica != 7 || id.Member != 0xbb0007 || id.Cluster != 9 || len(id.Peers) != 1 ||
		id.Peers[1] != "a:1" {
		t.Errorf("%+v: %v", id, err)
	}
	for _, c := range []struct {
		urls    []string
		cluster uint64
		want    string
	}{
		{[]string{"http://a:1"}, 9, "has been started before"},
		{[]string{"http://b:1"}, 9, "no member with the peer URL"}, // only one of its two
		{[]string{"http://c:1"}, 9, "there are http://a:1, http://b:1"},
		{nil, 9, "no member"},
		{[]string{"http://b:1", "http://b:2"}, 0, "no member"},
	} {
		if _, err := identify("x", c.urls, c.cluster, list); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: %v, want %q", c.urls, err, c.want)
		}
	}
}

// A directory says who it is, or is refused: never is it taken for a new one.
func TestLoadIdentity(t *testing.T) {
	fresh := t.TempDir()
	if id, err := loadIdentity(fresh); id != nil || err != nil {
		t.Errorf("an empty directory: %+v, %v", id, err)
	}
	good := &identity{Format: 1, Cluster: 9, Member: 0xaa0002, Replica: 2, Name: "b",
		Peers: map[process.ID]string{1: "a:1"}}
	if err := good.save(fresh); err != nil {
		t.Fatal(err)
	}
	id, err := loadIdentity(fresh)
	if err != nil || id.Member != good.Member || id.Peers[1] != "a:1" || id.Started {
		t.Errorf("%+v: %v", id, err)
	}
	for _, text := range []string{
		"", "{", "[]", `{"format":2}`, `{"format":1}`, `{"format":1,"cluster":9,"member":1,"replica":2}`,
		`{"format":1,"cluster":0,"member":2,"replica":2}`, `{"format":1,"cluster":9,"member":0,"replica":0}`,
		`{"format":1,"cluster":9,"member":2,"replica":70000}`, strings.Repeat("{", 10_000),
	} {
		if err := os.WriteFile(filepath.Join(fresh, identityFile), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if id, err := loadIdentity(fresh); err == nil {
			t.Errorf("%.60s: %+v", text, id)
		}
	}
	for _, left := range []string{logDir, storeDir} {
		dir := t.TempDir()
		if err := os.Mkdir(filepath.Join(dir, left), 0o700); err != nil {
			t.Fatal(err)
		}
		if _, err := loadIdentity(dir); !errors.Is(err, ErrLost) {
			t.Errorf("%s without %s: %v", left, identityFile, err)
		}
	}
}

func TestTLSFiles(t *testing.T) {
	var none TLS
	if c, err := none.server(); c != nil || err != nil || none.On() {
		t.Error(c, err)
	}
	garbage := filepath.Join(t.TempDir(), "x.pem")
	if err := os.WriteFile(garbage, []byte("not PEM"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, f := range map[string]TLS{
		"no certificate":  {CA: garbage},
		"no key":          {Cert: garbage},
		"no CA":           {Cert: garbage, Key: garbage, ClientAuth: true},
		"not there":       {Cert: garbage + "0", Key: garbage},
		"not PEM":         {Cert: garbage, Key: garbage},
		"CA is not there": {Cert: garbage, Key: garbage, CA: garbage + "0"},
	} {
		if _, err := f.server(); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if _, err := (&TLS{CA: garbage}).Client(); err == nil {
		t.Error("a client trusts what is no certificate")
	}
}
