package certs

import (
	"os"
	"path/filepath"
	"testing"
)

func newTestCA(t *testing.T, dir string) CA {
	t.Helper()
	cert, key := filepath.Join(dir, "ca.crt"), filepath.Join(dir, "ca.key")
	if err := EnsureCA(cert, key, "test"); err != nil {
		t.Fatal(err)
	}
	ca, err := LoadCA(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	return ca
}

func TestALeafIsIssuedAgainWhenItLacksANameOrItsCAChanged(t *testing.T) {
	dir := t.TempDir()
	ca := newTestCA(t, dir)
	cert, key := filepath.Join(dir, "leaf.crt"), filepath.Join(dir, "leaf.key")
	ensure := func(ca CA, hosts ...string) bool {
		issued, err := ca.Ensure(cert, key, Leaf{Name: "k3s", Hosts: hosts, Server: true})
		if err != nil {
			t.Fatal(err)
		}
		return issued
	}
	if !ensure(ca, "10.0.0.1") || ensure(ca, "10.0.0.1") {
		t.Error("want one certificate for the same names")
	}
	if !ensure(ca, "10.0.0.1", "vip.lab") || ensure(ca, "vip.lab") {
		t.Error("want another certificate for another name, and none for fewer")
	}
	other := newTestCA(t, t.TempDir())
	if !ensure(other, "10.0.0.1") {
		t.Error("want another certificate from another CA")
	}
	if info, err := os.Stat(key); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key's mode is %v, %v", info.Mode(), err)
	}
}

func TestServiceIP(t *testing.T) {
	if ip, err := ServiceIP("10.43.0.0/16"); err != nil || ip != "10.43.0.1" {
		t.Errorf("got %s, %v", ip, err)
	}
	if _, err := ServiceIP("nonsense"); err == nil {
		t.Error("nonsense passed")
	}
}
