package bootstrap

import (
	"os"
	"testing"
	"time"

	"standin/internal/certs"
	"standin/internal/config"
)

func write(t *testing.T, node config.Node, path, content string, age time.Duration) {
	t.Helper()
	file := node.ServerDir(path)
	if err := certs.Write(file, []byte(content)); err != nil {
		t.Fatal(err)
	}
	then := time.Now().Add(-age)
	if err := os.Chtimes(file, then, then); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, node config.Node, path string) string {
	t.Helper()
	content, err := os.ReadFile(node.ServerDir(path))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func TestJoinerGetsTheSharedFiles(t *testing.T) {
	from, to := config.Node{DataDir: t.TempDir()}, config.Node{DataDir: t.TempDir()}
	write(t, from, "tls/server-ca.crt", "ca", 0)
	write(t, from, "tls/client-admin.key", "private", 0)
	data, err := Collect(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := Spread(to, data); err != nil {
		t.Fatal(err)
	}
	if read(t, to, "tls/server-ca.crt") != "ca" {
		t.Error("the CA did not arrive")
	}
	if _, err := os.Stat(to.ServerDir("tls/client-admin.key")); err == nil {
		t.Error("a server's own key was carried along")
	}
}

func TestTheNewerFileCounts(t *testing.T) {
	there, here := config.Node{DataDir: t.TempDir()}, config.Node{DataDir: t.TempDir()}
	write(t, there, "cred/encryption-config.json", "new", 0)
	write(t, there, "tls/service.key", "old", time.Hour)
	write(t, there, "cred/passwd", "theirs", 0)
	data, err := Collect(there)
	if err != nil {
		t.Fatal(err)
	}
	write(t, here, "cred/encryption-config.json", "old", time.Hour)
	write(t, here, "tls/service.key", "new", 0)
	write(t, here, "cred/passwd", "mine", time.Hour)
	newer, err := Merge(here, data)
	if err != nil || !newer {
		t.Fatalf("got %v, %v", newer, err)
	}
	if got := read(t, here, "cred/encryption-config.json") + read(t, here, "tls/service.key") + read(t, here, "cred/passwd"); got != "newnewmine" {
		t.Errorf("got %s", got)
	}
}
