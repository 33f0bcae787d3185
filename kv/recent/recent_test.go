package recent

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"althing/kv/command"
)

// What is forgotten is not known; what is known is the newest; and there is an
// end to what is kept.
func TestForgets(t *testing.T) {
	var v Versions
	rnd := rand.New(rand.NewPCG(1, 2))
	newest, forgot, young := map[string]int64{}, 0, 0
	for rev := int64(1); rev <= 3000; rev++ {
		k := fmt.Sprint(rnd.IntN(300))
		kv := command.KeyValue{Key: []byte(k), Value: make([]byte, rnd.IntN(200<<10)), Mod: rev, Version: 1}
		v.Put(&kv)
		newest[k] = rev
		k = fmt.Sprint(rnd.IntN(300))
		switch kv := v.Find([]byte(k), rev); {
		case kv == nil && newest[k] != 0:
			forgot++
		case kv != nil && kv.Mod != newest[k]:
			t.Fatalf("%s: version %d, and the newest is %d", k, kv.Mod, newest[k])
		}
		young = 0
		for _, kv := range v.young {
			young += size(kv)
		}
		if young != v.bytes || young > halfBytes+200<<10 {
			t.Fatalf("%d bytes are kept, and %d are counted", young, v.bytes)
		}
	}
	if forgot == 0 || v.old == nil {
		t.Error("nothing was ever forgotten")
	}
}

// What is held shares nothing with what was put.
func TestPutCopies(t *testing.T) {
	var v Versions
	kv := command.KeyValue{Key: []byte("k"), Value: []byte("v"), Mod: 2, Version: 1}
	v.Put(&kv)
	kv.Key[0], kv.Value[0], kv.Mod = 'x', 'x', 3
	got := v.Find([]byte("k"), 2)
	if got == nil || string(got.Key) != "k" || string(got.Value) != "v" || got.Mod != 2 {
		t.Errorf("%+v", got)
	}
	if cap(got.Key) != 1 || cap(got.Value) != 1 {
		t.Error("what is appended to one goes into the other")
	}
	v.Put(&command.KeyValue{Key: []byte("k"), Mod: 4})
	if got := v.Find([]byte("k"), 3); got != nil {
		t.Errorf("at 3: %+v", got)
	}
	if got := v.Find([]byte("k"), 4); got == nil || got.Version != 0 {
		t.Errorf("at 4: %+v", got)
	}
}
