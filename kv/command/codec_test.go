package command

import (
	"bytes"
	"errors"
	"reflect"
	"testing"

	"althing/process"
)

// commands is one of each, every field set, and the odd ones.
func commands() []Command {
	deep := &Txn{}
	for range MaxDepth - 1 {
		deep = &Txn{Then: []Op{deep}}
	}
	return []Command{
		&Put{Key: []byte("k"), Value: []byte("v"), Lease: -7, PrevKV: true},
		&Put{Key: []byte("k"), IgnoreValue: true, IgnoreLease: true},
		&DeleteRange{Key: []byte("k"), End: []byte{0}, PrevKV: true},
		&Range{Key: []byte("k"), End: []byte("l"), Revision: 5, Limit: -1, Target: SortValue,
			Order: SortDescend, KeysOnly: true, CountOnly: true, MinMod: 1, MaxMod: 2, MinCreate: 3, MaxCreate: 4},
		&Txn{},
		deep,
		&Txn{
			Compare: []Compare{{Key: []byte("a"), End: []byte("b"), Target: CompareValue, Result: NotEqual,
				Value: []byte("x")}, {Key: []byte("c"), Target: CompareLease, Result: Less, Number: -9}},
			Then: []Op{put("a", "2"), del("b"), key("c"), &Txn{Else: []Op{put("d", "1")}}},
			Else: []Op{&Range{Key: []byte{0}, End: []byte{0}}},
		},
		&Compact{Revision: 1 << 60},
		&LeaseGrant{ID: -1 << 63, TTL: MaxTTL},
		&LeaseRevoke{IDs: []int64{1, -2, 3}},
		&LeasePromote{},
		&LeaseExpire{Reign: 1<<64 - 1, Leases: []Expiry{{1, 2}, {-3, 4}}},
		&LeaseCheckpoint{Reign: 3, Seq: 4, Leases: []Remaining{{1, 2, 3}}},
		&SetAlarm{Alarm: Alarm{Member: 1<<64 - 1, Kind: Corrupt}, Raise: true},
		&UpdateMember{ID: 8, Name: "n", ClientURLs: []string{"http://a", ""}},
	}
}

func TestCommandsRoundTrip(t *testing.T) {
	for _, c := range commands() {
		got, err := Decode(Encode(c))
		if err != nil || !reflect.DeepEqual(got, c) {
			t.Errorf("%T: got %+v, %v; want %+v", c, got, err, c)
		}
	}
}

func TestDecodeRefuses(t *testing.T) {
	for _, c := range commands() {
		b := Encode(c)
		for n := range b {
			if got, err := Decode(b[:n]); !errors.Is(err, ErrCommand) {
				t.Fatalf("%T cut to %d bytes: %+v, %v", c, n, got, err)
			}
		}
		if _, err := Decode(append(bytes.Clone(b), 0)); !errors.Is(err, ErrCommand) {
			t.Errorf("%T with a byte too many: %v", c, err)
		}
	}
	deep := &Txn{}
	for range MaxDepth {
		deep = &Txn{Then: []Op{deep}}
	}
	for name, b := range map[string][]byte{
		"another version":     {2, tagLeasePromote},
		"no such tag":         {1, 200},
		"tag zero":            {1, 0},
		"unknown flag":        {1, tagPut, 8, 1, 'k', 0, 0},
		"varint not shortest": {1, tagCompact, 0x82, 0},
		"varint too long":     {1, tagCompact, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1},
		"many leases":         {1, tagLeaseRevoke, 255, 255, 255, 255, 15},
		"many operations":     {1, tagTxn, 0, 255, 255, 255, 255, 15},
		"compact in a txn":    {1, tagTxn, 0, 1, tagCompact, 2, 0, 0},
		"too deep":            Encode(deep),
	} {
		if got, err := Decode(b); !errors.Is(err, ErrCommand) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, c := range commands() {
		f.Add(Encode(c))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := Decode(b)
		if err != nil {
			return
		}
		if again := Encode(c); !bytes.Equal(again, b) {
			t.Fatalf("%x and %x are the same %T", b, again, c)
		}
		_ = Validate(c, 128)
	})
}

func memberChanges() []MemberChange {
	return []MemberChange{
		{},
		{Remove: 5},
		{Upsert: &Member{Replica: 65535, ID: 9, Name: "n", PeerURLs: []string{"http://p"},
			ClientURLs: []string{"http://c", "http://d"}, Learner: true}, Remove: 1},
	}
}

func TestMemberChangesRoundTrip(t *testing.T) {
	g := process.Group{Voters: []process.ID{1, 2}, Outgoing: []process.ID{1}, Learners: []process.ID{3}}
	for _, c := range memberChanges() {
		b := EncodeMembers(g, c)
		got, change, err := DecodeMembers(b)
		if err != nil || !got.Equal(&g) || !reflect.DeepEqual(change, c) {
			t.Errorf("got %+v %+v, %v; want %+v", got, change, err, c)
		}
		group := len(process.AppendGroup(nil, g))
		for n := group + 1; n < len(b); n++ {
			if got, _, err := DecodeMembers(b[:n]); !errors.Is(err, ErrCommand) || !got.Equal(&g) {
				t.Fatalf("cut to %d bytes: %v, group %+v", n, err, got)
			}
		}
	}
}

func FuzzDecodeMembers(f *testing.F) {
	for _, c := range memberChanges() {
		f.Add(EncodeMembers(process.Group{Voters: []process.ID{1, 2, 300}}, c))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		g, c, err := DecodeMembers(b)
		if err != nil {
			return
		}
		g2, c2, err := DecodeMembers(EncodeMembers(g, c))
		if err != nil || !g2.Equal(&g) || !reflect.DeepEqual(c2, c) {
			t.Fatalf("%+v %+v became %+v %+v, %v", g, c, g2, c2, err)
		}
	})
}

func put(key, value string) *Put { return &Put{Key: []byte(key), Value: []byte(value)} }

func del(key string) *DeleteRange { return &DeleteRange{Key: []byte(key)} }

func key(k string) *Range { return &Range{Key: []byte(k)} }
