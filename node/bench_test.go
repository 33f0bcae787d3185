package node_test

import (
	"fmt"
	"sync"
	"syscall"
	"testing"
	"time"

	"althing/process"
)

// BenchmarkPropose commits entries of 256 bytes on three members in this
// process, over real logs and connections, with a bound of requests in flight
// at the leader.
func BenchmarkPropose(b *testing.B) {
	for _, inflight := range []int{1, 64, 1000} {
		b.Run(fmt.Sprintf("inflight=%d", inflight), func(b *testing.B) {
			c := newCluster(b, 3, nil)
			g := c.group(c.leader())
			cmd := make([]byte, 256)
			slots := make(chan struct{}, inflight)
			var wg sync.WaitGroup
			cpu := cpuTime()
			b.ResetTimer()
			for range b.N {
				slots <- struct{}{}
				wg.Add(1)
				g.Submit(b.Context(), process.Command, cmd, func(_ any, err error) {
					if err != nil {
						b.Error(err)
					}
					<-slots
					wg.Done()
				})
			}
			wg.Wait()
			b.StopTimer()
			b.ReportMetric(float64((cpuTime()-cpu).Microseconds())/float64(b.N), "cpu-µs/entry")
		})
	}
}

func cpuTime() time.Duration {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		panic(err)
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}
