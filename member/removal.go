package member

import (
	"context"
	"errors"
	"slices"
	"time"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
)

// lonely is how many elections a member goes without a leader before it asks
// the others whether it still belongs to them.
const lonely = 5

// watchRemoval finds out that the member was removed, if its log does not say
// so: a leader sends nothing more to one that it has removed, not even that.
func (m *Member) watchRemoval(ctx context.Context) {
	tick := time.NewTicker(watchInterval)
	defer tick.Stop()
	led := m.now()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		if st, _ := m.group.Status(); st.Leader != 0 {
			led = m.now()
		}
		if m.now()-led < lonely*m.c.Election {
			continue
		}
		led = m.now() // ask again after as long
		switch removed, err := m.askOthers(ctx); {
		case err != nil:
			m.log.Debug("asked whether this member was removed", "error", err)
		case removed:
			m.fail(ErrRemoved)
			return
		}
	}
}

// askOthers reports whether a member list that is linearizable lacks this one.
// It is an error if nobody can say.
func (m *Member) askOthers(ctx context.Context) (removed bool, err error) {
	var endpoints []string
	for _, r := range m.store.Members() {
		if r.ID != m.id.Member {
			endpoints = append(endpoints, r.ClientURLs...)
		}
	}
	if len(endpoints) == 0 {
		return false, errors.New("nobody to ask")
	}
	config, err := m.c.ClientTLS.Client()
	if err != nil {
		return false, err
	}
	client, err := clientv3.New(clientv3.Config{Endpoints: endpoints, TLS: config, Logger: zap.NewNop(), Context: ctx})
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, client.Close()) }()
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	list, err := client.MemberList(ctx)
	if err != nil {
		return false, err
	}
	if list.Header.GetClusterId() != m.id.Cluster {
		return false, errors.New("another cluster answers there")
	}
	here := slices.ContainsFunc(list.Members, func(r *pb.Member) bool { return r.ID == m.id.Member })
	return !here, nil
}
