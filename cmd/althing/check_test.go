package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// write puts text into a file of its own.
func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "history")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

const stale = `{"process":0,"type":"invoke","f":"write","value":1}
{"process":0,"type":"ok","f":"write","value":1}
{"process":1,"type":"invoke","f":"read"}
{"process":1,"type":"ok","f":"read","value":null}
`

func TestCheck(t *testing.T) {
	fresh := strings.Replace(stale, `"value":null`, `"value":1`, 1)
	for _, c := range []struct {
		text string
		args string
		code int
		says string
	}{
		{fresh, "", exitOK, "holds"},
		{fresh, "--model=kv", exitOK, "certificate: verified"},
		{stale, "", exitBad, "certificate: verified"},
		{stale, "--consistency=linearizable", exitBad, "get  from"},
		{"", "", exitOK, "0 operations"},
		{stale + "{", "", exitUsage, "line 5: the file ends within an event"},
		{stale, "--consistency=sequential", exitOK, "certificate: verified"},
		{stale, "--consistency=causal", exitOK, "certificate: verified, and dropped"},
		{stale, "--consistency=pram", exitOK, "certificate: verified, and dropped"},
		{stale, "--consistency=read-your-writes", exitOK, "certificate: verified, and dropped"},
		{stale, "--consistency=convergence", exitUnknown, "no two sessions"},
		{stale, "--model=lock --consistency=causal", exitUsage, "of a lock, one of linearizable"},
		{stale, "--model=queue", exitUsage, `line 1: a queue has no operation "write"`},
		{stale, "--format=edn", exitUsage, "line 1"},
		{stale, "--format=xml", exitUsage, "expected one of auto"},
		{stale, "--model=tree", exitUsage, "expected one of register"},
		{stale, "--consistency=strong", exitUsage, "one of linearizable, read-your-writes"},
		{stale, "--timeout=0s", exitUsage, "more than nothing"},
	} {
		args := append([]string{"check", write(t, c.text)}, strings.Fields(c.args)...)
		if code, out, err := command(args...); code != c.code || !strings.Contains(out+err, c.says) {
			t.Errorf("check %s: exit %d, want %d with %q:\n%s%s\n%s", c.args, code, c.code, c.says, out, err, c.text)
		}
	}
	if code, _, _ := command("check", "/no/such/file"); code != exitUsage {
		t.Errorf("a file that is not there: exit %d", code)
	}
}

const skew = `{:process 0 :type :invoke :f :txn :value [[:append x 1] [:r y nil]]}
{:process 1 :type :invoke :f :txn :value [[:append y 1] [:r x nil]]}
{:process 0 :type :ok :f :txn :value [[:append x 1] [:r y []]]}
{:process 1 :type :ok :f :txn :value [[:append y 1] [:r x []]]}
`

const aborted = `{:process 0 :type :invoke :f :txn :value [[:append x 1]]}
{:process 0 :type :fail :f :txn :value [[:append x 1]]}
{:process 1 :type :invoke :f :txn :value [[:r x nil]]}
{:process 1 :type :ok :f :txn :value [[:r x [1]]]}
`

const registers = `{:process 0 :type :invoke :f :txn :value [[:w x 1] [:w y 1]]}
{:process 0 :type :ok :f :txn :value [[:w x 1] [:w y 1]]}
{:process 1 :type :invoke :f :txn :value [[:r x nil] [:r y nil]]}
{:process 1 :type :ok :f :txn :value [[:r x 1] [:r y nil]]}
`

// TestCheckSaysWhatIsVerified: where nothing but the search has looked at the
// reason, nothing is called verified.
func TestCheckSaysWhatIsVerified(t *testing.T) {
	for _, c := range []struct{ text, model, level, reason, proof string }{
		{aborted, "list-append", "serializable", "G1a", "certificate: verified"},
		{registers, "rw-register", "read-atomic", "fractured-read", "certificate: verified"},
		{registers, "rw-register", "serializable", "G-single", "certificate: verified"},
		{"w(1,1,0,0)\nr(1,1,1,1)\nr(1,0,1,2)\n", "rw-register", "causal", "causality", "certificate: verified"},
	} {
		code, out, err := command("check", write(t, c.text), "--model="+c.model, "--consistency="+c.level)
		if code != exitBad || !strings.Contains(out, c.reason) || !strings.Contains(out, c.proof) {
			t.Errorf("exit %d:\n%s%s", code, out, err)
		}
	}
}

func TestCheckTransactions(t *testing.T) {
	path := write(t, skew)
	for _, c := range []struct {
		model, level string
		code         int
		says         string
	}{
		{"list-append", "serializable", exitBad, "write-skew:"},
		{"list-append", "serializable", exitBad, "certificate: verified"},
		{"list-append", "snapshot-isolation", exitOK, "certificate: verified"},
		{"list-append", "linearizable", exitUsage, "one of read-committed"},
		{"rw-register", "serializable", exitUsage, `line 1: a rw-register has no operation "append"`},
	} {
		code, out, err := command("check", path, "--model", c.model, "--consistency", c.level)
		if code != c.code || !strings.Contains(out+err, c.says) {
			t.Errorf("%s %s: exit %d, want %d with %q:\n%s%s", c.model, c.level, code, c.code, c.says, out, err)
		}
	}
}

// TestCheckOfMany: the worst verdict counts, and an order is written.
func TestCheckOfMany(t *testing.T) {
	good, bad := write(t, strings.Replace(stale, `"value":null`, `"value":1`, 1)), write(t, stale)
	order := filepath.Join(t.TempDir(), "order")
	if code, _, err := command("check", bad, good); code != exitBad {
		t.Errorf("exit %d: %s", code, err)
	}
	if code, _, err := command("check", good, "--order", order); code != exitOK {
		t.Errorf("exit %d: %s", code, err)
	}
	text, err := os.ReadFile(order)
	if err != nil || strings.Count(string(text), "\n") != 2 {
		t.Errorf("%v: %q", err, text)
	}
	if code, _, err := command("check", good, bad, "--certificate", order); code != exitUsage {
		t.Errorf("a certificate of two: exit %d: %s", code, err)
	}
}

// TestCheckWritesCertificates: what proves a verdict is in the file that the
// command names.
func TestCheckWritesCertificates(t *testing.T) {
	for _, c := range []struct{ text, args, has string }{
		{stale, "--consistency=linearizable", `"core":[0,1]`},
		{stale, "--consistency=causal", `"order":[0,1]`},
		{stale, "--consistency=pram", `{"session":1,"order":[1,0]}`},
		{stale, "--consistency=sequential", `"order":[1,0]`},
		{skew, "--model=list-append --consistency=serializable", `"anomaly":"write-skew","cycle":[{"from":0,"to":1,` +
			`"why":"rw","key":"y","new":"1"}`},
		{skew, "--model=list-append --consistency=snapshot-isolation", `"order":[0,1],"starts":[0,0]}`},
	} {
		path := filepath.Join(t.TempDir(), "certificate")
		args := append([]string{"check", write(t, c.text), "--certificate", path}, strings.Fields(c.args)...)
		_, out, _ := command(args...)
		text, err := os.ReadFile(path)
		if err != nil || !strings.Contains(string(text), c.has) {
			t.Errorf("%s: %v: want %s in\n%s%s", c.args, err, c.has, text, out)
		}
		if !strings.Contains(out, "verified, and written to "+path) || !strings.Contains(string(text), `{"verdict":"`) {
			t.Errorf("%s: %s%s", c.args, out, text)
		}
	}
	if code, _, err := command("check", write(t, stale), "--certificate=/no/such/file"); code != exitUsage {
		t.Errorf("a file that cannot be: exit %d: %s", code, err)
	}
}
