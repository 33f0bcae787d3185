package e2e

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"go.etcd.io/etcd/client/v3/concurrency"
)

// TestRecipes runs the official client's lock and election against a cluster
// of processes: one holder at a time, each in its turn.
func TestRecipes(t *testing.T) {
	c := newCluster(t, 3)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	var all sync.WaitGroup
	var mu sync.Mutex
	holders, entered := 0, 0
	var led []string
	for id := range 3 {
		s, err := concurrency.NewSession(c.client(), concurrency.WithTTL(20))
		if err != nil {
			t.Fatal(err)
		}
		all.Go(func() {
			defer s.Close()
			lock := concurrency.NewMutex(s, "/lock")
			for range 5 {
				if err := lock.Lock(ctx); err != nil {
					t.Errorf("lock: %v", err)
					return
				}
				mu.Lock()
				if holders++; holders != 1 {
					t.Errorf("%d hold the lock", holders)
				}
				entered++
				mu.Unlock()
				mu.Lock()
				holders--
				mu.Unlock()
				if err := lock.Unlock(ctx); err != nil {
					t.Errorf("unlock: %v", err)
					return
				}
			}
			name := fmt.Sprint("candidate", id)
			e := concurrency.NewElection(s, "/election")
			if err := e.Campaign(ctx, name); err != nil {
				t.Errorf("campaign: %v", err)
				return
			}
			resp, err := e.Leader(ctx)
			if err != nil || string(resp.Kvs[0].Value) != name {
				t.Errorf("%s was elected, but the leader is %v, %v", name, resp, err)
			}
			mu.Lock()
			led = append(led, name)
			mu.Unlock()
			if err := e.Resign(ctx); err != nil {
				t.Errorf("resign: %v", err)
			}
		})
	}
	all.Wait()
	if entered != 15 || len(led) != 3 {
		t.Errorf("the lock was held %d times of 15; %v led", entered, led)
	}
}
