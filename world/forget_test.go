package world

import (
	"testing"

	"althing/process"
)

// Three replicas make way for three others: until two of these have begun, two of
// those before must remember.
func TestWhoMayForget(t *testing.T) {
	b := newBench(t)
	change := commit(1, "")
	change.Entries[0].Req.Kind = process.Members
	change.Entries[0].Req.Cmd = process.AppendGroup(nil, process.Group{Voters: []process.ID{4, 5, 6}})
	for range 3 {
		if _, err := b.Join(); err != nil {
			t.Fatal(err)
		}
	}
	may := func(want string) {
		t.Helper()
		got := ""
		for id := process.ID(1); id <= 6; id++ {
			if b.MayForget(id) {
				got += string('0' + rune(id))
			}
		}
		if got != want {
			t.Errorf("%q may, want %q", got, want)
		}
	}
	may("123456") // one at a time; 4, 5 and 6 are nobody yet
	b.must(b.tell(1, change))
	may("123456")
	b.must(b.Crash(2, 0))
	may("2456") // it has forgotten
	b.must(b.tell(4, change))
	may("2456")
	b.must(b.tell(5, change))
	may("123456") // the new group has begun
	b.must(b.Crash(6, 0))
	may("1236") // 1 and 3 know nothing that 4 and 5 do not
	b.must(b.Crash(5, 0))
	may("2") // beyond what the group survives
}
