package solo

import "testing"

// Each group decides what it is asked to, over several compactions of its log.
func TestCommit(t *testing.T) {
	for name, open := range map[string]func() (group, error){
		"althing": newOurs, "etcd": newEtcd(false), "etcd, joined": newEtcd(true),
	} {
		t.Run(name, func(t *testing.T) {
			g, err := open()
			if err != nil {
				t.Fatal(err)
			}
			for range 3 * compactEvery / 64 {
				for _, n := range []int{1, 63} {
					if err := g.commit(n); err != nil {
						t.Fatal(err)
					}
				}
			}
		})
	}
}
