package etcd

import (
	"context"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"althing/etcd/feed"
	"althing/kv"
)

var errNoStream = status.Error(codes.Unimplemented,
	"etcdserver: a range that is sorted or filtered by revision cannot be streamed")

// keys is the service etcdserverpb.KV.
type keys struct {
	pb.UnimplementedKVServer
	*Server
}

// Range implements pb.KVServer.
func (s *keys) Range(ctx context.Context, r *pb.RangeRequest) (*pb.RangeResponse, error) {
	q := rangeOf(r)
	if err := kv.Validate(q, 0); err != nil {
		return nil, clientError(ctx, err)
	}
	if !r.GetSerializable() {
		if err := s.barrier(ctx); err != nil {
			return nil, err
		}
	}
	reply, err := s.Store.Range(q)
	if err != nil {
		return nil, clientError(ctx, err)
	}
	return pbRange(s.header(reply.Revision), reply), nil
}

// Put implements pb.KVServer.
func (s *keys) Put(ctx context.Context, r *pb.PutRequest) (*pb.PutResponse, error) {
	c := putOf(r)
	if err := kv.Validate(c, 0); err != nil {
		return nil, clientError(ctx, err)
	}
	result, err := s.propose(ctx, c)
	if err != nil {
		return nil, err
	}
	response := &pb.PutResponse{Header: s.header(result.Revision)}
	if p, ok := result.Reply.(*kv.PutReply); ok {
		response.PrevKv = pbKV(p.Prev)
	}
	return response, nil
}

// DeleteRange implements pb.KVServer.
func (s *keys) DeleteRange(
	ctx context.Context, r *pb.DeleteRangeRequest,
) (*pb.DeleteRangeResponse, error) {
	c := deleteOf(r)
	if err := kv.Validate(c, 0); err != nil {
		return nil, clientError(ctx, err)
	}
	result, err := s.propose(ctx, c)
	if err != nil {
		return nil, err
	}
	response := &pb.DeleteRangeResponse{Header: s.header(result.Revision)}
	if d, ok := result.Reply.(*kv.DeleteReply); ok {
		response.Deleted, response.PrevKvs = d.Deleted, pbKVs(d.Prev)
	}
	return response, nil
}

// Txn implements pb.KVServer. One that only reads does not go through the log.
func (s *keys) Txn(ctx context.Context, r *pb.TxnRequest) (*pb.TxnResponse, error) {
	t, err := txnOf(r, 0)
	if err == nil {
		err = kv.Validate(t, s.TxnOps)
	}
	if err != nil {
		return nil, clientError(ctx, err)
	}
	if !t.ReadOnly() {
		result, err := s.propose(ctx, t)
		if err != nil {
			return nil, err
		}
		reply, ok := result.Reply.(*kv.TxnReply)
		if !ok {
			return nil, status.Error(codes.Internal, "etcdserver: transaction without a reply")
		}
		return pbTxn(s.header(result.Revision), reply), nil
	}
	if !serializable(r) {
		if err := s.barrier(ctx); err != nil {
			return nil, err
		}
	}
	reply, err := s.Store.Txn(t)
	if err != nil {
		return nil, clientError(ctx, err)
	}
	return pbTxn(s.header(reply.Revision), reply), nil
}

// Compact implements pb.KVServer.
func (s *keys) Compact(
	ctx context.Context, r *pb.CompactionRequest,
) (*pb.CompactionResponse, error) {
	result, err := s.propose(ctx, &kv.Compact{Revision: r.GetRevision()})
	if err != nil {
		return nil, err
	}
	if r.GetPhysical() {
		if err := s.Store.WaitSwept(ctx, r.GetRevision()); err != nil {
			return nil, clientError(ctx, err)
		}
	}
	return &pb.CompactionResponse{Header: s.header(result.Revision)}, nil
}

// firstChunkKeys is how many keys the first response of a stream holds: few,
// so that a client sees the first soon. Each further one holds twice as many,
// up to RequestBytes.
const firstChunkKeys = 10

// RangeStream implements pb.KVServer: a Range in pieces that, merged, are its
// response. All are of one revision. Only the last has header, count and more.
func (s *keys) RangeStream(r *pb.RangeRequest, to pb.KV_RangeStreamServer) error {
	ctx := to.Context()
	q := rangeOf(r)
	if err := kv.Validate(q, 0); err != nil {
		return clientError(ctx, err)
	}
	if !r.GetSerializable() {
		if err := s.barrier(ctx); err != nil {
			return err
		}
	}
	scan, err := s.Store.Scan(q)
	if err == kv.ErrInvalidSort { // it was validated: so it is only too much for a stream
		return errNoStream
	}
	if err != nil {
		return clientError(ctx, err)
	}
	chunk, err := s.sendChunks(scan, to)
	if err != nil {
		_ = scan.Close() // the first error is the one to tell
		return err
	}
	reply, err := scan.Finish()
	if err != nil {
		return clientError(ctx, err)
	}
	last := &pb.RangeResponse{
		Header: s.header(reply.Revision), Kvs: pbKVs(chunk), Count: reply.Count, More: reply.More,
	}
	return to.Send(&pb.RangeStreamResponse{RangeResponse: last})
}

// sendChunks sends all that scan gives but what is to go with the last response.
func (s *keys) sendChunks(
	scan *kv.Scan, to pb.KV_RangeStreamServer,
) (chunk []kv.KeyValue, err error) {
	most, size := firstChunkKeys, 0
	for {
		pair, ok := scan.Next()
		if !ok {
			return chunk, nil
		}
		if len(chunk) == most || size >= s.RequestBytes {
			response := &pb.RangeResponse{Kvs: pbKVs(chunk)}
			if err := to.Send(&pb.RangeStreamResponse{RangeResponse: response}); err != nil {
				return nil, err
			}
			most, size, chunk = 2*most, 0, chunk[:0]
		}
		chunk = append(chunk, pair)
		size += len(pair.Key) + len(pair.Value) + feed.EventOverhead
	}
}
