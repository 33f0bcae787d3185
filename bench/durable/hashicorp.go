package durable

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"
	wal "github.com/hashicorp/raft-wal"
)

// theirs is a member of hashicorp/raft over raft-wal and its own TCP
// transport, put together as their own programs do.
type theirs struct {
	id        int
	config    *raft.Config
	log       *wal.WAL
	cache     *raft.LogCache
	snapshots *raft.FileSnapshotStore
	transport *raft.NetworkTransport
	raft      *raft.Raft
}

const (
	// cached is how many entries the cache before the log holds: as Consul has
	// it, or as many as one message may have.
	cached      = 512
	cachedTuned = 4096
	// tunedAppend is the most that ValidateConfig allows.
	tunedAppend = 1024
)

func openHashicorp(id int, dir string, tuned bool) (*theirs, error) {
	t := &theirs{id: id, config: raft.DefaultConfig()}
	logger := hclog.New(&hclog.LoggerOptions{Output: os.Stderr, Level: hclog.Warn})
	t.config.LocalID, t.config.Logger = serverID(id), logger
	size := cached
	if tuned {
		t.config.MaxAppendEntries, t.config.BatchApplyCh, size = tunedAppend, true, cachedTuned
	}
	path := filepath.Join(dir, "log")
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, err
	}
	var err error
	if t.log, err = wal.Open(path, wal.WithLogger(logger)); err != nil {
		return nil, fmt.Errorf("open the log: %w", err)
	}
	if t.cache, err = raft.NewLogCache(size, t.log); err != nil {
		return nil, err
	}
	if t.snapshots, err = raft.NewFileSnapshotStoreWithLogger(dir, 1, logger); err != nil {
		return nil, fmt.Errorf("open the snapshots: %w", err)
	}
	if t.transport, err = raft.NewTCPTransportWithLogger("127.0.0.1:0", nil, 3, patience, logger); err != nil {
		return nil, fmt.Errorf("open the transport: %w", err)
	}
	return t, nil
}

func serverID(id int) raft.ServerID { return raft.ServerID(fmt.Sprint("s", id)) }

func (t *theirs) addr() string { return string(t.transport.LocalAddr()) }

// join founds the group at the first member, which so becomes its leader.
func (t *theirs) join(peers []string) (err error) {
	if t.id == 1 {
		var c raft.Configuration
		for i, addr := range peers {
			c.Servers = append(c.Servers, raft.Server{ID: serverID(i + 1), Address: raft.ServerAddress(addr)})
		}
		err = raft.BootstrapCluster(t.config, t.cache, t.log, t.snapshots, t.transport, c)
		if err != nil {
			return fmt.Errorf("found the group: %w", err)
		}
	}
	t.raft, err = raft.NewRaft(t.config, new(tally), t.cache, t.log, t.snapshots, t.transport)
	if err != nil {
		return fmt.Errorf("open the server: %w", err)
	}
	if t.id != 1 {
		return nil
	}
	select {
	case <-t.raft.LeaderCh():
		return t.raft.Barrier(patience).Error()
	case <-time.After(patience):
		return errors.New("member 1 does not lead")
	}
}

func (t *theirs) propose(_ int, cmd []byte) error { return t.raft.Apply(cmd, patience).Error() }

func (t *theirs) close() error {
	if t.raft != nil {
		if err := t.raft.Shutdown().Error(); err != nil {
			return err
		}
	}
	return errors.Join(t.transport.Close(), t.log.Close())
}

// tally is about the least that their machine can be.
type tally struct{ count uint64 }

// Apply implements raft.FSM.
func (t *tally) Apply(*raft.Log) any { t.count++; return nil }

// Snapshot implements raft.FSM.
func (t *tally) Snapshot() (raft.FSMSnapshot, error) { return tallied(t.count), nil }

// Restore implements raft.FSM.
func (t *tally) Restore(r io.ReadCloser) error {
	_, err := fmt.Fscan(r, &t.count)
	return errors.Join(err, r.Close())
}

type tallied uint64

// Persist implements raft.FSMSnapshot.
func (c tallied) Persist(s raft.SnapshotSink) error {
	if _, err := fmt.Fprintln(s, uint64(c)); err != nil {
		return errors.Join(err, s.Cancel())
	}
	return s.Close()
}

// Release implements raft.FSMSnapshot.
func (tallied) Release() {}
