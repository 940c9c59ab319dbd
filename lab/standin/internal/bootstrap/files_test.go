package bootstrap

import (
	"os"
	"testing"
	"time"

	"standin/internal/certs"
	"standin/internal/config"
)

var encrypts = config.Values{"secrets-encryption": {"true"}}

func server(t *testing.T) config.Node {
	t.Helper()
	return config.Node{DataDir: t.TempDir(), Values: encrypts}
}

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

// shared is what a server with these files puts into the datastore.
func shared(t *testing.T, node config.Node) Files {
	t.Helper()
	data, err := Collect(node)
	if err != nil {
		t.Fatal(err)
	}
	files, err := Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestJoinerGetsTheSharedFilesWithTheirTimes(t *testing.T) {
	from, to := server(t), server(t)
	write(t, from, "tls/server-ca.crt", "ca", time.Hour)
	write(t, from, "tls/client-admin.key", "private", 0)
	write(t, from, "cred/ipsec.psk", "psk", 0)
	if err := shared(t, from).Spread(to); err != nil {
		t.Fatal(err)
	}
	if read(t, to, "tls/server-ca.crt") != "ca" || read(t, to, "cred/ipsec.psk") != "psk" {
		t.Error("the shared files did not arrive")
	}
	info, err := os.Stat(to.ServerDir("tls/server-ca.crt"))
	if err != nil || time.Since(info.ModTime()) < 59*time.Minute || info.Mode().Perm() != 0o600 {
		t.Errorf("got %v, %v", info, err)
	}
	if _, err := os.Stat(to.ServerDir("tls/client-admin.key")); err == nil {
		t.Error("a server's own key was carried along")
	}
}

func TestEncryptionIsSharedOnlyWhereItIsOn(t *testing.T) {
	from, to := server(t), config.Node{DataDir: t.TempDir()}
	write(t, from, "cred/encryption-config.json", "keys", 0)
	if err := shared(t, from).Spread(to); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(to.ServerDir("cred/encryption-config.json")); err == nil {
		t.Error("a server without secrets-encryption got the keys")
	}
}
