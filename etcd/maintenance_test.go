package etcd_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	"althing/etcd"
	"althing/kv"
)

// Beyond the quota puts are refused, and what frees space is not. The alarm
// that the server raised it clears itself.
func TestQuota(t *testing.T) {
	c := newCluster(t, 1, etcd.Limits{QuotaBytes: 64 << 10})
	client, ctx := c.dial(), testContext(t)
	value := strings.Repeat("x", 4<<10)
	var full error
	c.until("the quota to be reached", func() bool {
		_, full = client.Put(ctx, "k", value)
		return full != nil
	})
	if !errors.Is(full, rpctypes.ErrNoSpace) {
		t.Fatalf("a put beyond the quota: %v", full)
	}
	a := must[*clientv3.AlarmResponse](t)(client.AlarmList(ctx))
	if len(a.Alarms) != 1 || a.Alarms[0].MemberID != memberID(1) || a.Alarms[0].Alarm != pb.AlarmType_NOSPACE {
		t.Fatalf("alarms %v", a.Alarms)
	}
	st := must[*clientv3.StatusResponse](t)(client.Status(ctx, client.Endpoints()[0]))
	if len(st.Errors) != 1 || st.DbSizeQuota != 64<<10 || st.DbSizeInUse <= 64<<10 {
		t.Fatalf("status %v", st)
	}
	rev := must[*clientv3.DeleteResponse](t)(client.Delete(ctx, "k")).Header.Revision
	must[*clientv3.CompactResponse](t)(client.Compact(ctx, rev, clientv3.WithCompactPhysical()))
	c.until("the alarm to be cleared", func() bool {
		_, err := client.Put(ctx, "k", "v")
		return err == nil
	})
}

func TestAlarms(t *testing.T) {
	c := newCluster(t, 1, etcd.Limits{})
	client, ctx := c.dial(), testContext(t)
	api := pb.NewMaintenanceClient(client.ActiveConnection())
	raise := &pb.AlarmRequest{Action: pb.AlarmRequest_ACTIVATE, MemberID: 5, Alarm: pb.AlarmType_NOSPACE}
	r := must[*pb.AlarmResponse](t)(api.Alarm(ctx, raise))
	if len(r.Alarms) != 1 || r.Alarms[0].MemberID != 5 {
		t.Fatalf("raised %v", r)
	}
	if _, err := client.Put(ctx, "k", "v"); !errors.Is(err, rpctypes.ErrNoSpace) {
		t.Fatalf("a put: %v", err)
	}
	of := &pb.AlarmRequest{Alarm: pb.AlarmType_CORRUPT}
	if r = must[*pb.AlarmResponse](t)(api.Alarm(ctx, of)); len(r.Alarms) != 0 {
		t.Fatalf("alarms of another kind: %v", r)
	}
	must[*clientv3.AlarmResponse](t)(client.AlarmDisarm(ctx, &clientv3.AlarmMember{}))
	put(t, client, "k", "v")
	raise.Alarm = 77
	if _, err := api.Alarm(ctx, raise); status.Code(err) != codes.InvalidArgument {
		t.Fatalf("an alarm that there is not: %v", err)
	}
}

// What a snapshot holds can be put into another store.
func TestSnapshot(t *testing.T) {
	c := newCluster(t, 1, etcd.Limits{})
	client, ctx := c.dial(), testContext(t)
	for i := range 100 {
		put(t, client, string(rune('a'+i%7)), strings.Repeat("v", 1<<(i%13)))
	}
	s, err := client.Snapshot(ctx)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(s)
	if err != nil {
		t.Fatal(err)
	}
	if len(b)%512 != sha256.Size { // what clients look at
		t.Fatalf("%d bytes", len(b))
	}
	if sum := sha256.Sum256(b[:len(b)-32]); !bytes.Equal(sum[:], b[len(b)-32:]) {
		t.Fatal("the digest is wrong")
	}
	image, err := etcd.ReadSnapshot(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	copied := must[*kv.Store](t)(kv.Open(kv.Options{Dir: filepath.Join(t.TempDir(), "kv")}))
	defer copied.Close()
	if _, err := copied.Stage(image); err != nil {
		t.Fatal(err)
	}
	if err := copied.Load(); err != nil {
		t.Fatal(err)
	}
	want := must[kv.Hash](t)(c.members[1].store.HashKV(101))
	if got := must[kv.Hash](t)(copied.HashKV(101)); got != want {
		t.Fatalf("the copy is %v, not %v", got, want)
	}
}

type text string

func (s text) WriteTo(w io.Writer) (int64, error) {
	n, err := io.WriteString(w, string(s))
	return int64(n), err
}

// TestSnapshotFrame: every length fits the frame, and no byte of a snapshot may
// be another.
func TestSnapshotFrame(t *testing.T) {
	for _, n := range []int{0, 1, 495, 496, 497, 511, 512, 513, 5000} {
		var b bytes.Buffer
		if err := etcd.WriteSnapshot(&b, text(strings.Repeat("i", n))); err != nil {
			t.Fatal(err)
		}
		if b.Len()%512 != 32 {
			t.Fatalf("an image of %d bytes makes %d", n, b.Len())
		}
		image, err := etcd.ReadSnapshot(bytes.NewReader(b.Bytes()))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(image); err != nil || len(got) != n {
			t.Fatalf("of %d bytes %d came back: %v", n, len(got), err)
		}
		if n != 497 {
			continue
		}
		for i := range b.Len() {
			bad := bytes.Clone(b.Bytes())
			bad[i] ^= 1
			if _, err := etcd.ReadSnapshot(bytes.NewReader(bad)); !errors.Is(err, etcd.ErrSnapshot) {
				t.Fatalf("byte %d changed: %v", i, err)
			}
		}
	}
}

func FuzzReadSnapshot(f *testing.F) {
	var b bytes.Buffer
	if err := etcd.WriteSnapshot(&b, text("image")); err != nil {
		f.Fatal(err)
	}
	long := bytes.Clone(b.Bytes()) // with a length beyond its end, and a good digest
	copy(long[512-8:], "\xff\xff\xff\xff\xff\xff\xff\xff")
	sum := sha256.Sum256(long[:512])
	copy(long[512:], sum[:])
	f.Add(b.Bytes())
	f.Add(long)
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		image, err := etcd.ReadSnapshot(bytes.NewReader(b))
		if err != nil {
			if !errors.Is(err, etcd.ErrSnapshot) {
				t.Fatal(err)
			}
			return
		}
		if n, err := io.Copy(io.Discard, image); err != nil || n > int64(len(b)) {
			t.Fatalf("%d bytes: %v", n, err)
		}
	})
}

func TestHealth(t *testing.T) {
	c := newCluster(t, 3, etcd.Limits{})
	c.leader()
	client, ctx := c.dial(1), testContext(t)
	put(t, client, "k", "v")
	web := httptest.NewServer(c.members[1].server.Health())
	defer web.Close()
	ask := func(path string) (int, string) {
		r, err := http.Get(web.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Body.Close()
		b, err := io.ReadAll(r.Body)
		if err != nil {
			t.Fatal(err)
		}
		return r.StatusCode, strings.TrimSpace(string(b))
	}
	expect := func(path string, code int, body string) {
		t.Helper()
		if gotCode, got := ask(path); gotCode != code || !strings.HasPrefix(got, body) {
			t.Errorf("%s: %d %s, want %d %s", path, gotCode, got, code, body)
		}
	}
	expect("/health", 200, `{"health":"true","reason":""}`)
	expect("/livez", 200, "ok")
	expect("/readyz?verbose", 200, "[+]data_corruption ok\n[+]serializable_read ok\n[+]linearizable_read ok\n"+
		"[+]non_learner ok\nok")
	expect("/readyz/linearizable_read", 200, "ok")
	expect("/readyz/no_such_check", 404, "")
	expect("/version", 200, `{"etcdserver":"`+etcd.APIVersion+`"`)
	check := func() grpc_health_v1.HealthCheckResponse_ServingStatus {
		r, err := grpc_health_v1.NewHealthClient(client.ActiveConnection()).
			Check(ctx, &grpc_health_v1.HealthCheckRequest{})
		if err != nil {
			t.Fatal(err)
		}
		return r.Status
	}
	if got := check(); got != grpc_health_v1.HealthCheckResponse_SERVING {
		t.Errorf("health %v", got)
	}
	must[*pb.AlarmResponse](t)(pb.NewMaintenanceClient(client.ActiveConnection()).Alarm(ctx,
		&pb.AlarmRequest{Action: pb.AlarmRequest_ACTIVATE, MemberID: 2, Alarm: pb.AlarmType_NOSPACE}))
	expect("/health", 503, `{"health":"false","reason":"ALARM NOSPACE"}`)
	expect("/health?exclude=NOSPACE", 200, `{"health":"true"`)
	must[*clientv3.AlarmResponse](t)(client.AlarmDisarm(ctx, &clientv3.AlarmMember{}))
	must[*pb.AlarmResponse](t)(pb.NewMaintenanceClient(client.ActiveConnection()).Alarm(ctx,
		&pb.AlarmRequest{Action: pb.AlarmRequest_ACTIVATE, MemberID: 2, Alarm: pb.AlarmType_CORRUPT}))
	expect("/readyz", 503, "[-]data_corruption failed")
	expect("/livez", 200, "ok")
	c.stop(2)
	c.stop(3)
	c.until("the leader to be missed", func() bool {
		st, _ := c.members[1].node.Group(group).Status()
		return st.Leader == 0
	})
	expect("/health?serializable=true", 503, `{"health":"false","reason":"ALARM CORRUPT"}`)
	expect("/health?serializable=true&exclude=CORRUPT", 200, `{"health":"true"`)
	expect("/readyz?exclude=data_corruption", 503, "[+]data_corruption excluded: ok\n[+]serializable_read ok\n"+
		"[-]linearizable_read failed")
	_, body := ask("/health?exclude=CORRUPT")
	var told struct{ Health, Reason string }
	if err := json.Unmarshal([]byte(body), &told); err != nil || told.Health != "false" || told.Reason == "" {
		t.Errorf("without a quorum: %s %v", body, err)
	}
}

func TestNotHere(t *testing.T) {
	c := newCluster(t, 1, etcd.Limits{})
	client, ctx := c.dial(), testContext(t)
	s := must[*clientv3.AuthStatusResponse](t)(client.AuthStatus(ctx))
	if s.Enabled || s.Header.ClusterId != clusterID {
		t.Errorf("auth status %v", s)
	}
	_, enable := client.AuthEnable(ctx)
	_, user := client.UserAdd(ctx, "u", "p")
	_, down := client.Downgrade(ctx, clientv3.DowngradeEnable, "3.6")
	for name, err := range map[string]error{"enable": enable, "user": user, "downgrade": down} {
		if status.Code(err) != codes.Unimplemented {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := client.Authenticate(ctx, "u", "p"); !errors.Is(err, rpctypes.ErrAuthNotEnabled) {
		t.Errorf("authenticate: %v", err)
	}
}
