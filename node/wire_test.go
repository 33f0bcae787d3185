package node

import (
	"reflect"
	"testing"

	"althing/process"
)

// FuzzFrames: what another member sends is read without trust, and what is
// read as sound is what was written.
func FuzzFrames(f *testing.F) {
	reqs := requests{
		{Kind: process.Command, Client: 7, Seq: 9, Cmd: []byte("abc")}, {Kind: process.Transfer, Cmd: []byte{2}},
	}
	b, _ := reqs.AppendBinary(nil)
	f.Add(b)
	b, _ = (&answer{why: process.Busy, leader: 3, reqs: reqs}).AppendBinary(nil)
	f.Add(b)
	b, _ = (&served{index: 5, ids: []uint64{1, 1 << 40}}).AppendBinary(nil)
	f.Add(b)
	h := &stateHeader{state: process.State{Index: 4, Group: process.Group{Voters: []process.ID{1}}}}
	b, _ = h.AppendBinary(nil)
	f.Add(b)
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		if rs, err := decodeForward(b); err == nil {
			one, _ := rs.AppendBinary(nil)
			if again, err := decodeForward(one); err != nil || !reflect.DeepEqual(rs, again) {
				t.Fatalf("%+v became %+v, %v", rs, again, err)
			}
		}
		if a, err := decodeAnswer(b); err == nil {
			one, _ := a.AppendBinary(nil)
			if again, err := decodeAnswer(one); err != nil || again.why != a.why || len(again.reqs) != len(a.reqs) {
				t.Fatalf("%+v became %+v, %v", a, again, err)
			}
		}
		if s, err := decodeServed(b); err == nil {
			one, _ := s.AppendBinary(nil)
			if again, err := decodeServed(one); err != nil || !reflect.DeepEqual(s, again) {
				t.Fatalf("%+v became %+v, %v", s, again, err)
			}
		}
		if h, err := decodeStateHeader(b); err == nil {
			one, _ := h.AppendBinary(nil)
			if again, err := decodeStateHeader(one); err != nil || again.state.Index != h.state.Index {
				t.Fatalf("%+v became %+v, %v", h, again, err)
			}
		}
	})
}
