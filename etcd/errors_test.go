package etcd

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"althing/kv"
	"althing/node"
	"althing/process"
)

// Every error has one translation, also when it is wrapped; what is not known
// is said to be so.
func TestClientError(t *testing.T) {
	live := context.Background()
	canceled, cancel := context.WithCancel(live)
	cancel()
	late, stop := context.WithTimeout(live, 0)
	defer stop()
	<-late.Done()
	for _, x := range []struct {
		ctx  context.Context
		err  error
		want error
	}{
		{live, nil, nil},
		{live, kv.ErrCompacted, rpctypes.ErrGRPCCompacted},
		{live, kv.ErrFutureRev, rpctypes.ErrGRPCFutureRev},
		{live, kv.ErrEmptyKey, rpctypes.ErrGRPCEmptyKey},
		{live, kv.ErrKeyNotFound, rpctypes.ErrGRPCKeyNotFound},
		{live, kv.ErrValueProvided, rpctypes.ErrGRPCValueProvided},
		{live, kv.ErrLeaseProvided, rpctypes.ErrGRPCLeaseProvided},
		{live, kv.ErrDuplicateKey, rpctypes.ErrGRPCDuplicateKey},
		{live, kv.ErrTooManyOps, rpctypes.ErrGRPCTooManyOps},
		{live, kv.ErrInvalidSort, rpctypes.ErrGRPCInvalidSortOption},
		{live, kv.ErrLeaseNotFound, rpctypes.ErrGRPCLeaseNotFound},
		{live, kv.ErrLeaseExists, rpctypes.ErrGRPCLeaseExist},
		{live, kv.ErrLeaseTTL, rpctypes.ErrGRPCLeaseTTLTooLarge},
		{live, kv.ErrMemberNotFound, rpctypes.ErrGRPCMemberNotFound},
		{live, kv.ErrNoSpace, rpctypes.ErrGRPCNoSpace},
		{live, kv.ErrCorrupt, rpctypes.ErrGRPCCorrupt},
		{live, kv.ErrNotLessor, rpctypes.ErrGRPCLeaderChanged},
		{live, kv.ErrStale, rpctypes.ErrGRPCLeaderChanged},
		{live, kv.ErrClosed, rpctypes.ErrGRPCStopped},
		{live, kv.ErrDuplicate, rpctypes.ErrGRPCTimeout},
		{live, kv.ErrExpired, rpctypes.ErrGRPCTimeout},
		{live, node.ErrClosed, rpctypes.ErrGRPCStopped},
		{live, node.ErrBusy, rpctypes.ErrGRPCRequestTooManyRequests},
		{live, node.ErrNoLeader, rpctypes.ErrGRPCNoLeader},
		{live, node.ErrLost, rpctypes.ErrGRPCTimeout},
		{live, context.DeadlineExceeded, rpctypes.ErrGRPCTimeout}, // the server's own bound
		{late, node.ErrLost, rpctypes.ErrGRPCDeadlineExceeded},
		{late, context.DeadlineExceeded, rpctypes.ErrGRPCDeadlineExceeded},
		{canceled, context.Canceled, rpctypes.ErrGRPCCanceled},
		{canceled, kv.ErrCompacted, rpctypes.ErrGRPCCompacted}, // what is known comes first
		{live, &node.RefusedError{Why: process.NotLeader}, rpctypes.ErrGRPCLeaderChanged},
		{live, &node.RefusedError{Why: process.Busy}, rpctypes.ErrGRPCRequestTooManyRequests},
		{live, &node.RefusedError{Why: process.Changing}, rpctypes.ErrGRPCUnhealthy},
		{live, &node.RefusedError{Why: process.Behind}, rpctypes.ErrGRPCLearnerNotReady},
		{live, &node.RefusedError{Why: process.Unsupported}, errUnsupported},
		{live, rpctypes.ErrGRPCNotLeader, rpctypes.ErrGRPCNotLeader},
	} {
		err := x.err
		if err != nil && status.Code(err) == codes.Unknown {
			err = fmt.Errorf("do something: %w", err)
		}
		if got := clientError(x.ctx, err); got != x.want {
			t.Errorf("%v is told as %v, not as %v", x.err, got, x.want)
		}
	}
	other := clientError(live, errors.New("the disk is on fire"))
	if status.Code(other) != codes.Internal {
		t.Errorf("an error of no kind: %v", other)
	}
	odd := clientError(live, &node.RefusedError{Why: 99})
	if status.Code(odd) != codes.Internal {
		t.Errorf("a refusal of no kind: %v", odd)
	}
}
