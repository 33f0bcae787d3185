package etcd

import (
	"math"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/mvccpb"

	"althing/kv"
)

// Byte slices go from one form to the other without a copy: neither side
// changes them.

// enum keeps a number on the wire that is none of an enumeration from turning
// into one that is.
func enum(v int32) uint8 {
	if v < 0 || v > math.MaxUint8 {
		return math.MaxUint8
	}
	return uint8(v)
}

func rangeOf(r *pb.RangeRequest) *kv.Range {
	return &kv.Range{
		Key:       r.GetKey(),
		End:       r.GetRangeEnd(),
		Revision:  r.GetRevision(),
		Limit:     r.GetLimit(),
		Target:    kv.SortTarget(enum(int32(r.GetSortTarget()))),
		Order:     kv.SortOrder(enum(int32(r.GetSortOrder()))),
		KeysOnly:  r.GetKeysOnly(),
		CountOnly: r.GetCountOnly(),
		MinMod:    r.GetMinModRevision(),
		MaxMod:    r.GetMaxModRevision(),
		MinCreate: r.GetMinCreateRevision(),
		MaxCreate: r.GetMaxCreateRevision(),
	}
}

func putOf(r *pb.PutRequest) *kv.Put {
	return &kv.Put{
		Key:         r.GetKey(),
		Value:       r.GetValue(),
		Lease:       r.GetLease(),
		PrevKV:      r.GetPrevKv(),
		IgnoreValue: r.GetIgnoreValue(),
		IgnoreLease: r.GetIgnoreLease(),
	}
}

func deleteOf(r *pb.DeleteRangeRequest) *kv.DeleteRange {
	return &kv.DeleteRange{Key: r.GetKey(), End: r.GetRangeEnd(), PrevKV: r.GetPrevKv()}
}

// txnOf returns kv.ErrKeyNotFound for an operation that is none, as clients
// expect, and kv.ErrTooManyOps for transactions nested deeper than the store
// decodes.
func txnOf(r *pb.TxnRequest, depth int) (*kv.Txn, error) {
	if depth > kv.MaxDepth {
		return nil, kv.ErrTooManyOps
	}
	t := &kv.Txn{Compare: make([]kv.Compare, len(r.GetCompare()))}
	for i, c := range r.GetCompare() {
		compareOf(c, &t.Compare[i])
	}
	var err error
	if t.Then, err = opsOf(r.GetSuccess(), depth); err == nil {
		t.Else, err = opsOf(r.GetFailure(), depth)
	}
	return t, err
}

func compareOf(from *pb.Compare, c *kv.Compare) {
	c.Key, c.End = from.GetKey(), from.GetRangeEnd()
	c.Target = kv.CompareTarget(enum(int32(from.GetTarget())))
	c.Result = kv.CompareResult(enum(int32(from.GetResult())))
	// The number of another target than the one named does not count.
	switch c.Target {
	case kv.CompareVersion:
		c.Number = from.GetVersion()
	case kv.CompareCreate:
		c.Number = from.GetCreateRevision()
	case kv.CompareMod:
		c.Number = from.GetModRevision()
	case kv.CompareLease:
		c.Number = from.GetLease()
	case kv.CompareValue:
		c.Value = from.GetValue()
	}
}

func opsOf(from []*pb.RequestOp, depth int) (ops []kv.Op, err error) {
	if len(from) == 0 {
		return nil, nil
	}
	ops = make([]kv.Op, len(from))
	for i, o := range from {
		switch r := o.GetRequest().(type) {
		case *pb.RequestOp_RequestRange:
			ops[i] = rangeOf(r.RequestRange)
		case *pb.RequestOp_RequestPut:
			ops[i] = putOf(r.RequestPut)
		case *pb.RequestOp_RequestDeleteRange:
			ops[i] = deleteOf(r.RequestDeleteRange)
		case *pb.RequestOp_RequestTxn:
			if ops[i], err = txnOf(r.RequestTxn, depth+1); err != nil {
				return nil, err
			}
		default:
			return nil, kv.ErrKeyNotFound
		}
	}
	return ops, nil
}

// serializable reports whether all that a transaction does is to read ranges
// that need not be the newest.
func serializable(r *pb.TxnRequest) bool {
	for _, ops := range [...][]*pb.RequestOp{r.GetSuccess(), r.GetFailure()} {
		for _, o := range ops {
			if !o.GetRequestRange().GetSerializable() {
				return false
			}
		}
	}
	return true
}

func fillKV(to *mvccpb.KeyValue, from *kv.KeyValue) {
	to.Key, to.Value = from.Key, from.Value
	to.CreateRevision, to.ModRevision = from.Create, from.Mod
	to.Version, to.Lease = from.Version, from.Lease
}

func pbKV(from *kv.KeyValue) *mvccpb.KeyValue {
	if from == nil {
		return nil
	}
	to := new(mvccpb.KeyValue)
	fillKV(to, from)
	return to
}

func pbKVs(from []kv.KeyValue) []*mvccpb.KeyValue {
	if len(from) == 0 {
		return nil
	}
	all := make([]mvccpb.KeyValue, len(from)) // one allocation for all
	to := make([]*mvccpb.KeyValue, len(from))
	for i := range from {
		fillKV(&all[i], &from[i])
		to[i] = &all[i]
	}
	return to
}

func pbRange(h *pb.ResponseHeader, r *kv.RangeReply) *pb.RangeResponse {
	return &pb.RangeResponse{Header: h, Kvs: pbKVs(r.KVs), Count: r.Count, More: r.More}
}

func pbTxn(h *pb.ResponseHeader, t *kv.TxnReply) *pb.TxnResponse {
	to := &pb.TxnResponse{Header: h, Succeeded: t.Succeeded}
	for _, r := range t.Replies {
		to.Responses = append(to.Responses, pbReply(r))
	}
	return to
}

// pbReply translates a reply within a transaction: its header has the revision
// and nothing else.
func pbReply(r kv.Reply) *pb.ResponseOp {
	inner := func(revision int64) *pb.ResponseHeader { return &pb.ResponseHeader{Revision: revision} }
	switch r := r.(type) {
	case *kv.RangeReply:
		return &pb.ResponseOp{Response: &pb.ResponseOp_ResponseRange{
			ResponseRange: pbRange(inner(r.Revision), r),
		}}
	case *kv.PutReply:
		return &pb.ResponseOp{Response: &pb.ResponseOp_ResponsePut{
			ResponsePut: &pb.PutResponse{Header: inner(r.Revision), PrevKv: pbKV(r.Prev)},
		}}
	case *kv.DeleteReply:
		return &pb.ResponseOp{Response: &pb.ResponseOp_ResponseDeleteRange{
			ResponseDeleteRange: &pb.DeleteRangeResponse{
				Header: inner(r.Revision), Deleted: r.Deleted, PrevKvs: pbKVs(r.Prev),
			},
		}}
	case *kv.TxnReply:
		return &pb.ResponseOp{Response: &pb.ResponseOp_ResponseTxn{
			ResponseTxn: pbTxn(inner(r.Revision), r),
		}}
	}
	return new(pb.ResponseOp)
}

func pbMember(m *kv.Member) *pb.Member {
	return &pb.Member{
		ID: m.ID, Name: m.Name, PeerURLs: m.PeerURLs, ClientURLs: m.ClientURLs, IsLearner: m.Learner,
	}
}

func pbMembers(ms []kv.Member) []*pb.Member {
	to := make([]*pb.Member, len(ms))
	for i := range ms {
		to[i] = pbMember(&ms[i])
	}
	return to
}

func pbAlarms(as []kv.Alarm) []*pb.AlarmMember {
	var to []*pb.AlarmMember
	for _, a := range as {
		to = append(to, &pb.AlarmMember{MemberID: a.Member, Alarm: pb.AlarmType(a.Kind)})
	}
	return to
}
