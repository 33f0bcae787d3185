package front_test

import (
	"context"
	"fmt"
	"net"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"

	"althing/front"
)

// A service is registered as with grpc.Server, and any gRPC client may call it.
func Example() {
	s := front.New(front.Options{MaxRequestBytes: 1 << 20, PingMin: 5 * time.Second})
	grpc_health_v1.RegisterHealthServer(s, health.NewServer())
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	served := make(chan error)
	go func() { served <- s.Serve(l) }()

	c, err := grpc.NewClient(l.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		fmt.Println(err)
		return
	}
	r, err := grpc_health_v1.NewHealthClient(c).Check(context.Background(), new(grpc_health_v1.HealthCheckRequest))
	fmt.Println(r.GetStatus(), err)
	_ = c.Close()

	s.GracefulStop()
	fmt.Println(<-served)
	// Output:
	// SERVING <nil>
	// <nil>
}
