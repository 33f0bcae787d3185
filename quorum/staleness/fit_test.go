package staleness

import (
	"reflect"
	"testing"
	"time"
)

// TestFits: the fits are those of the table in TestProductionTable.
func TestFits(t *testing.T) {
	for name, want := range map[string]Model{
		"ssd":  {Write: ssd, Ack: ssd, Read: ssd, Response: ssd},
		"disk": {Write: disk, Ack: ssd, Read: ssd, Response: ssd},
		"ymmr": {Write: ymmr, Ack: ymmrBack, Read: ymmrBack, Response: ymmrBack},
		"wan":  {Write: disk, Ack: ssd, Read: ssd, Response: ssd, Apart: 75 * time.Millisecond},
	} {
		if got, err := Fit(name); !reflect.DeepEqual(got, want) || err != nil {
			t.Errorf("%s: %+v, %v; want %+v", name, got, err, want)
		}
	}
	for _, name := range Fits() {
		m, err := Fit(name)
		if m.N, m.R, m.W = 3, 1, 1; err != nil {
			t.Error(err)
		}
		if _, err := m.Run(10, 1); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := Fit("tape"); err == nil {
		t.Error("tape is a fit")
	}
}

func TestParse(t *testing.T) {
	for text, want := range map[string]Dist{
		"exp(5ms)":                             Exp{5 * time.Millisecond},
		" pareto( 1.5ms , 2 ) ":                Pareto{1500 * time.Microsecond, 2},
		"7ms":                                  Empirical{7 * time.Millisecond},
		"1ms, 2ms,1ms":                         Empirical{1e6, 2e6, 1e6},
		"0.9*pareto(0.2ms,10) + 0.1*exp(1ms)":  Mixture{{.9, Pareto{2e5, 10}}, {.1, Exp{1e6}}},
		"exp(1ms)+2*4ms,5ms":                   Mixture{{1, Exp{1e6}}, {2, Empirical{4e6, 5e6}}},
		"1e-3*exp(1ms)+1*pareto(1us,0.000001)": Mixture{{1e-3, Exp{1e6}}, {1, Pareto{1e3, 1e-6}}},
	} {
		if got, err := Parse(text); !reflect.DeepEqual(got, want) || err != nil {
			t.Errorf("%q: %+v, %v; want %+v", text, got, err, want)
		}
	}
	for _, text := range []string{"", " ", "+", "exp", "exp()", "exp(5)", "exp(-5ms)", "exp(0s)", "exp(1ms",
		"exp(1ms))", "exp(1ms)x", "gauss(1ms,1ms)", "pareto(1ms)", "pareto(1ms,0)", "pareto(1ms,NaN)",
		"pareto(1ms,Inf)", "pareto(0s,1)", "0*exp(1ms)", "-1*exp(1ms)", "NaN*exp(1ms)", "Inf*exp(1ms)",
		"x*exp(1ms)", "1*2*exp(1ms)", "-1ms", "1ms,,2ms", "5", string(make([]byte, maxText+1))} {
		if got, err := Parse(text); err == nil {
			t.Errorf("%.40q: %+v", text, got)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"exp(5ms)", "0.9*pareto(0.2ms,10) + 0.1*exp(1ms)", "4ms,5ms", "+*(),", "1*"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		d, err := Parse(text)
		if err != nil {
			return
		}
		m := Model{N: 2, R: 1, W: 1, Write: d, Ack: d, Read: d, Response: d}
		if _, err := m.Run(3, 1); err != nil {
			t.Errorf("%q was read, and then: %v", text, err)
		}
	})
}
