package etcd

import (
	"context"
	"errors"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"althing/kv"
	"althing/node"
	"althing/process"
)

// The text of these is not in rpctypes: no client acts on them.
var (
	errInvalidCompare = status.Error(codes.InvalidArgument, "etcdserver: invalid compare")
	errInvalidRequest = status.Error(codes.InvalidArgument, "etcdserver: invalid request")
	errUnsupported    = status.Error(codes.Unimplemented,
		"etcdserver: the protocol of this cluster cannot do this")
)

// translations are the errors that clients know, by what they are to us.
// Clients compare the text, so it is the values of rpctypes that they get.
var translations = []struct{ ours, theirs error }{
	{kv.ErrCompacted, rpctypes.ErrGRPCCompacted},
	{kv.ErrFutureRev, rpctypes.ErrGRPCFutureRev},
	{kv.ErrEmptyKey, rpctypes.ErrGRPCEmptyKey},
	{kv.ErrKeyNotFound, rpctypes.ErrGRPCKeyNotFound},
	{kv.ErrValueProvided, rpctypes.ErrGRPCValueProvided},
	{kv.ErrLeaseProvided, rpctypes.ErrGRPCLeaseProvided},
	{kv.ErrDuplicateKey, rpctypes.ErrGRPCDuplicateKey},
	{kv.ErrTooManyOps, rpctypes.ErrGRPCTooManyOps},
	{kv.ErrInvalidSort, rpctypes.ErrGRPCInvalidSortOption},
	{kv.ErrInvalidCompare, errInvalidCompare},
	{kv.ErrLeaseNotFound, rpctypes.ErrGRPCLeaseNotFound},
	{kv.ErrLeaseExists, rpctypes.ErrGRPCLeaseExist},
	{kv.ErrLeaseTTL, rpctypes.ErrGRPCLeaseTTLTooLarge},
	{kv.ErrMemberNotFound, rpctypes.ErrGRPCMemberNotFound},
	{kv.ErrNoSpace, rpctypes.ErrGRPCNoSpace},
	{kv.ErrCorrupt, rpctypes.ErrGRPCCorrupt},
	{kv.ErrCommand, errInvalidRequest},
	{kv.ErrStale, rpctypes.ErrGRPCLeaderChanged},
	{kv.ErrNotLessor, rpctypes.ErrGRPCLeaderChanged},
	{kv.ErrClosed, rpctypes.ErrGRPCStopped},
	// It was done, or perhaps was, but what came of it is not known any more:
	// to a client that is a request that timed out.
	{kv.ErrDuplicate, rpctypes.ErrGRPCTimeout},
	{kv.ErrExpired, rpctypes.ErrGRPCTimeout},
	{node.ErrClosed, rpctypes.ErrGRPCStopped},
	{node.ErrBusy, rpctypes.ErrGRPCRequestTooManyRequests},
	{node.ErrNoLeader, rpctypes.ErrGRPCNoLeader},
}

var refusals = [...]error{
	process.NotLeader:   rpctypes.ErrGRPCLeaderChanged,
	process.Busy:        rpctypes.ErrGRPCRequestTooManyRequests,
	process.Changing:    rpctypes.ErrGRPCUnhealthy,
	process.Behind:      rpctypes.ErrGRPCLearnerNotReady,
	process.Invalid:     errInvalidRequest,
	process.Unsupported: errUnsupported,
}

// clientError returns what a client is told of err. ctx is that of its request,
// without the bound that the server puts on it.
func clientError(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	for i := range translations {
		if errors.Is(err, translations[i].ours) {
			return translations[i].theirs
		}
	}
	var refused *node.RefusedError
	if errors.As(err, &refused) && int(refused.Why) < len(refusals) && refused.Why != 0 {
		return refusals[refused.Why]
	}
	late := errors.Is(err, node.ErrLost) || errors.Is(err, context.DeadlineExceeded) ||
		errors.Is(err, context.Canceled)
	switch {
	case late && errors.Is(ctx.Err(), context.Canceled):
		return rpctypes.ErrGRPCCanceled
	case late && ctx.Err() != nil:
		return rpctypes.ErrGRPCDeadlineExceeded
	case late:
		return rpctypes.ErrGRPCTimeout
	}
	if _, ok := status.FromError(err); ok {
		return err
	}
	return status.Error(codes.Internal, "etcdserver: "+err.Error())
}
