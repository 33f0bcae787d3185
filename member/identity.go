package member

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"althing/kv"
	"althing/process"
	"althing/protocol/raft"
)

const (
	identityFile   = "member.json"
	identityFormat = 1
	logDir         = "wal"
	storeDir       = "kv"
	// replicaBits of the number that clients know are the replica's.
	replicaBits = 16
)

// ErrLost is wrapped by the error for a directory whose data are gone.
var ErrLost = errors.New("data are missing")

// An identity is who a member is, as its directory keeps it.
type identity struct {
	Format  int        `json:"format"`
	Cluster uint64     `json:"cluster"`
	Member  uint64     `json:"member"`
	Replica process.ID `json:"replica"`
	Name    string     `json:"name"`
	// Protocol is what the log is of; "" is raft.
	Protocol string `json:"protocol,omitempty"`
	// Variant is process.Protocol.Variant.
	Variant string `json:"variant,omitempty"`
	// Peers is where to find the others until the store says so.
	Peers map[process.ID]string `json:"peers,omitempty"`
	// Life names the data of this directory, and Lives those of the other
	// replicas as they were when first met: see Member.meet.
	Life  uint64                `json:"life"`
	Lives map[process.ID]uint64 `json:"lives,omitempty"`
	// Started says that log and store have been there.
	Started bool `json:"started"`
}

// loadIdentity returns nil if the directory has none.
func loadIdentity(dir string) (*identity, error) {
	name := filepath.Join(dir, identityFile)
	b, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		for _, d := range []string{logDir, storeDir} {
			if _, err := os.Stat(filepath.Join(dir, d)); err == nil {
				return nil, fmt.Errorf("%s has %s but no %s: %w", dir, d, identityFile, ErrLost)
			}
		}
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	id := new(identity)
	if err := json.Unmarshal(b, id); err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	if id.Format != identityFormat {
		return nil, fmt.Errorf("read %s: it is of format %d, this program knows %d", name, id.Format, identityFormat)
	}
	if id.Cluster == 0 || id.Replica == 0 || replicaOf(id.Member) != id.Replica {
		return nil, fmt.Errorf("read %s: it names no member of a cluster", name)
	}
	return id, id.whole(dir)
}

// whole checks that what a member that ran has written is there.
func (id *identity) whole(dir string) error {
	if !id.Started {
		return nil
	}
	for _, d := range []string{logDir, storeDir} {
		inside, err := os.ReadDir(filepath.Join(dir, d))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if len(inside) == 0 {
			return fmt.Errorf("%s of member %s (%x) is empty or gone: remove the member from the cluster and add "+
				"it again with an empty directory: %w", filepath.Join(dir, d), id.Name, id.Member, ErrLost)
		}
	}
	return nil
}

// protocol is what the log of a member is of.
func (id *identity) protocol() string { return cmp.Or(id.Protocol, raft.Protocol.Name) }

// channel names the cluster to the members' links: those that run another
// protocol, or it with other quorums, are not talked to.
func (id *identity) channel() uint64 {
	c := id.Cluster
	if p := id.protocol(); p != raft.Protocol.Name {
		c ^= digest("protocol", p)
	}
	if id.Variant != "" {
		c ^= digest("variant", id.Variant)
	}
	return c
}

// save writes the identity so that a crash leaves the old file or the new.
func (id *identity) save(dir string) error {
	b, err := json.MarshalIndent(id, "", "  ")
	if err != nil {
		return err
	}
	return WriteFile(filepath.Join(dir, identityFile), append(b, '\n'))
}

// WriteFile puts a file in place durably: whatever happens, there is the old
// one or the new.
func WriteFile(name string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(name), filepath.Base(name)+".*")
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return syncDir(filepath.Dir(name))
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

func replicaOf(member uint64) process.ID { return process.ID(member & (1<<replicaBits - 1)) }

// number makes the number that clients know a replica by.
func number(replica process.ID, token, name string, urls []string) uint64 {
	return digest(append([]string{"member", token, name}, urls...)...)<<replicaBits | uint64(replica)
}

// digest is the same on all members and in all releases.
func digest(words ...string) uint64 {
	h := sha256.New()
	for _, w := range words {
		h.Write(binary.AppendUvarint(nil, uint64(len(w)))) // so that no two lists look alike
		h.Write([]byte(w))
	}
	return binary.BigEndian.Uint64(h.Sum(nil))
}

// found returns who the member of that name is among founders, and all their
// records.
func found(name, token string, founders map[string][]string) (*identity, process.Group, []kv.Member, error) {
	if len(founders) == 0 {
		return nil, process.Group{}, nil, errors.New("a new member needs to know the founders, or a member to join")
	}
	if len(founders) > process.MaxGroup {
		return nil, process.Group{}, nil, fmt.Errorf("%d founders, of %d at most", len(founders), process.MaxGroup)
	}
	names := slices.Sorted(maps.Keys(founders))
	words := []string{"cluster", token}
	var group process.Group
	var members []kv.Member
	id := &identity{Format: identityFormat, Name: name}
	for i, n := range names {
		urls := slices.Sorted(slices.Values(founders[n]))
		if n == "" || len(urls) == 0 {
			return nil, process.Group{}, nil, fmt.Errorf("founder %q has no name or no peer URL", n)
		}
		words = append(words, n, strings.Join(urls, ","))
		replica := process.ID(i + 1)
		group.Voters = append(group.Voters, replica)
		m := kv.Member{Replica: uint16(replica), ID: number(replica, token, n, urls), PeerURLs: urls}
		members = append(members, m)
		if n == name {
			id.Replica, id.Member = replica, m.ID
		}
	}
	if id.Cluster = digest(words...); id.Cluster == 0 {
		id.Cluster = 1
	}
	if id.Replica == 0 {
		return nil, process.Group{}, nil, fmt.Errorf("%q is none of the founders %s", name, strings.Join(names, ", "))
	}
	return id, group, members, nil
}
