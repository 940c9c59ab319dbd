package etcd

import (
	"context"
	"errors"
	"net/url"
	"os"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/server/v3/embed"

	"standin/internal/bootstrap"
	"standin/internal/certs"
	"standin/internal/config"
)

// running is a server with an etcd of its own, without certificates; end stops it in order.
func running(t *testing.T) (member *Member, end func()) {
	t.Helper()
	server := config.Server{Node: config.Node{DataDir: t.TempDir()}}
	anyPort := []url.URL{{Scheme: "http", Host: "127.0.0.1:0"}}
	cfg := embed.NewConfig()
	cfg.Dir, cfg.LogLevel, cfg.LogOutputs = server.ServerDir("db", "etcd"), "error", []string{"/dev/null"}
	cfg.ListenClientUrls, cfg.ListenPeerUrls = anyPort, anyPort
	running, err := embed.StartEtcd(cfg)
	if err != nil {
		t.Fatal(err)
	}
	<-running.Server.ReadyNotify()
	client, err := clientv3.New(clientv3.Config{Endpoints: []string{running.Clients[0].Addr().String()}, Logger: quiet()})
	if err != nil {
		t.Fatal(err)
	}
	return &Member{Server: server, Client: client}, func() {
		client.Close()
		running.Close()
	}
}

func TestWhatIsSealedChangesOnlyWhereItIsToBe(t *testing.T) {
	member, end := running(t)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	users := member.Server.ServerDir("cred", "passwd")
	put := func(content string) {
		t.Helper()
		if err := certs.Write(users, []byte(content)); err != nil {
			t.Fatal(err)
		}
	}
	sealed := func(password string) string {
		t.Helper()
		data, err := member.SharedFiles(ctx, password)
		if err != nil {
			return err.Error()
		}
		files, err := bootstrap.Parse(data)
		if err != nil {
			t.Fatal(err)
		}
		return string(files["PasswdFile"].Content)
	}
	check := func(step, password, want string, err error) {
		t.Helper()
		if got := sealed(password); err != nil || got != want {
			t.Errorf("%s: got %s, %v", step, got, err)
		}
	}
	put("first")
	check("an empty datastore", "one", "first", member.SaveBootstrap(ctx, "one", false))
	put("second")
	check("a start", "one", "first", member.SaveBootstrap(ctx, "one", false))
	if err := member.SaveBootstrap(ctx, "two", false); !errors.Is(err, bootstrap.ErrOtherToken) {
		t.Errorf("a start with another token: got %v", err)
	}
	check("the same token again", "one", "first", member.Reseal(ctx, "one", "one"))
	check("which replaces them", "one", "second", member.SaveBootstrap(ctx, "one", true))
	put("third")
	check("a new token", "two", "second", member.Reseal(ctx, "one", "two"))
	check("the old one", "one", "etcdserver: key not found", nil)
	check("which replaces them too", "two", "third", member.SaveBootstrap(ctx, "two", true))
	end()
	stored, err := Stored(member.Server)
	if err != nil {
		t.Fatal(err)
	}
	files, err := stored.Open("two")
	if info, _ := os.Stat(users); err != nil || !files["PasswdFile"].Timestamp.Equal(info.ModTime()) {
		t.Errorf("with etcd stopped: got %v, %v", files, err)
	}
}
