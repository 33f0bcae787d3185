package member

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"slices"
	"strings"
	"time"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"

	"althing/process"
	"althing/retry"
)

// askTimeout bounds one question to a running member.
const askTimeout = 5 * time.Second

// join asks running members who the one with these peer URLs is.
func join(ctx context.Context, name string, endpoints, urls []string, config *tls.Config) (*identity, error) {
	client, err := clientv3.New(clientv3.Config{Endpoints: endpoints, TLS: config, Logger: zap.NewNop(),
		DialTimeout: askTimeout, Context: ctx})
	if err != nil {
		return nil, fmt.Errorf("join through %s: %w", strings.Join(endpoints, ","), err)
	}
	var id *identity
	err = retry.Do(ctx, retry.Consensus, rand.Float64, func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, askTimeout)
		defer cancel()
		list, err := client.MemberList(ctx)
		if err != nil {
			return err
		}
		id, err = identify(name, urls, list.Header.GetClusterId(), list.Members)
		return retry.Permanent(err)
	})
	if err = errors.Join(err, client.Close()); err != nil {
		return nil, fmt.Errorf("join through %s: %w", strings.Join(endpoints, ","), err)
	}
	return id, nil
}

// identify finds, in a member list, the one with these peer URLs.
func identify(name string, urls []string, cluster uint64, members []*pb.Member) (*identity, error) {
	id := &identity{Format: identityFormat, Cluster: cluster, Name: name, Peers: make(map[process.ID]string)}
	var added []string
	for _, m := range members {
		if sameURLs(m.PeerURLs, urls) {
			if m.Name != "" {
				return nil, fmt.Errorf("member %s (%x) at %s has been started before, and its data are not in this "+
					"directory: remove it, and add it again", m.Name, m.ID, strings.Join(urls, ","))
			}
			id.Member, id.Replica = m.ID, replicaOf(m.ID)
			continue
		}
		added = append(added, m.PeerURLs...)
		if address := hostOf(m.PeerURLs); address != "" {
			id.Peers[replicaOf(m.ID)] = address
		}
	}
	if id.Replica == 0 || cluster == 0 {
		return nil, fmt.Errorf("no member with the peer URL %s has been added; there are %s",
			strings.Join(urls, ","), strings.Join(added, ", "))
	}
	return id, nil
}

func sameURLs(a, b []string) bool {
	return len(a) > 0 && slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}

// hostOf returns host and port of the first URL that has them.
func hostOf(urls []string) string {
	for _, raw := range urls {
		if u, err := url.Parse(raw); err == nil && u.Host != "" {
			return u.Host
		}
	}
	return ""
}
