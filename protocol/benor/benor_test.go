package benor

import (
	"math/rand/v2"
	"testing"
	"time"

	"althing/process"
	"althing/process/processtest"
	"althing/sim"
	"althing/world"
)

func TestRules(t *testing.T) { processtest.Run(t, Protocol) }

func FuzzDecode(f *testing.F) {
	processtest.Fuzz(f, Protocol, &Report{1, One}, &Proposal{300, Zero, One}, &Proposal{2, One, None},
		&Decided{One}, &Ask{})
}

// Two of four are no majority, and two that propose a bit are more than f.
func TestFour(t *testing.T) {
	o := sim.Options{Seed: 1, Nodes: 4, Faults: sim.All, Duration: 2 * time.Second}
	sim.Swarm(Protocol, 300, o, func(r sim.Result) bool {
		if r.Violation != nil {
			t.Errorf("seed %d: %v", r.Seed, r.Violation)
		}
		return r.Violation == nil
	})
}

// run plays a group whose replicas are asked for these bits, over a network that loses
// nothing and delivers in a random order, and returns in which round the first one
// decided, what, and how many coins were tossed.
func run(t *testing.T, seed uint64, inputs string) (round uint64, bit string, coins int) {
	t.Helper()
	rng := rand.New(rand.NewPCG(seed, 1))
	w := world.New(Protocol, world.Config{Replicas: len(inputs), Seed: seed})
	w.Choose = func(n int) int { coins++; return rng.IntN(n) }
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatalf("seed %d, inputs %s: %v", seed, inputs, err)
		}
	}
	for i := range inputs {
		must(w.Restart(process.ID(i + 1)))
		must(w.Submit(process.ID(i+1), []process.Request{{Cmd: []byte(inputs[i : i+1])}}))
	}
	for {
		for i := range inputs {
			if w.Unsynced(process.ID(i+1)) > 0 {
				must(w.Sync(process.ID(i+1), w.Unsynced(process.ID(i+1))))
			}
		}
		flights := w.Flights()
		f := flights[rng.IntN(len(flights))]
		round = w.Status(f.To).Epoch
		must(w.Deliver(f.ID))
		if c := w.Chosen(); len(c) > 0 {
			return round, string(c[0].Req.Cmd), coins
		}
	}
}

// Where all want one bit, that is decided in the first round, and no coin is tossed.
func TestOneBit(t *testing.T) {
	for _, inputs := range []string{"0", "1", "00", "111", "0000", "11111"} {
		for seed := range uint64(200) {
			round, bit, coins := run(t, seed, inputs)
			if round != 1 || bit != inputs[:1] || coins != 0 {
				t.Fatalf("seed %d, inputs %s: %s is decided in round %d with %d coins", seed, inputs, bit, round, coins)
			}
		}
	}
}

// The coins end every run where the replicas want both bits: of those left undecided
// by a round, the next ones decide a good part. The numbers are of a network that is
// blind; what the worst one could do is in explore/models.
func TestRounds(t *testing.T) {
	const seeds, most = 400, 200
	for _, inputs := range []string{"01", "010", "0101", "01010"} {
		var ended [most + 1]int // by round
		bits := map[string]int{}
		for seed := range uint64(seeds) {
			round, bit, coins := run(t, seed, inputs)
			if coins == 0 && len(inputs) == 2 {
				t.Fatalf("seed %d: %s is decided in round %d without a coin", seed, inputs, round)
			}
			ended[min(round, most)]++
			bits[bit]++
		}
		left, sum, text := seeds, 0, []int{}
		for round, n := range ended {
			left, sum = left-n, sum+n*round
			if round > 0 && round <= 10 {
				text = append(text, left)
			}
		}
		t.Logf("%s: %.2f rounds on average; undecided after rounds 1 to 10, of %d: %v; decided %v",
			inputs, float64(sum)/seeds, seeds, text, bits)
		if ended[most] > 0 || text[9] > seeds/20 || bits["0"] == 0 || bits["1"] == 0 {
			t.Errorf("%s: undecided after rounds 1 to 10: %v; decided %v", inputs, text, bits)
		}
	}
}
