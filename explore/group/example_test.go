package group_test

import (
	"context"
	"fmt"

	"althing/explore"
	"althing/explore/group"
	"althing/protocol/raft"
)

// Every state that three replicas can get into with one election and one
// request.
func ExampleNew() {
	g, err := group.New(raft.Protocol, group.Bounds{Replicas: 3, Elections: 1, Requests: 1, Ordered: true})
	if err != nil {
		panic(err)
	}
	r, err := explore.Run(context.Background(), g, explore.Options{})
	if err != nil {
		panic(err)
	}
	fmt.Println(&r)
	fmt.Println("broken:", r.Broken())
	// Output:
	// 10564 generated, 4096 distinct, depth 29
	// broken: <nil>
}
