package bootstrap

import (
	"errors"
	"os"
	"testing"
	"time"
)

func TestAFileThatIsNewerOnDiskEndsTheStart(t *testing.T) {
	there, here := server(t), server(t)
	write(t, there, "cred/passwd", "theirs", time.Hour)
	write(t, there, "tls/service.key", "theirs", 0)
	write(t, here, "cred/passwd", "mine", 0)
	write(t, here, "tls/service.key", "mine", time.Hour)
	err := Reconcile(here, shared(t, there), false)
	want := here.ServerDir("cred/passwd") + " newer than datastore and could cause a cluster outage. " +
		"Remove the file(s) from disk and restart to be recreated from datastore."
	if newer := (Newer{}); !errors.As(err, &newer) || err.Error() != want {
		t.Fatalf("got %v", err)
	}
	if read(t, here, "tls/service.key") != "mine" {
		t.Error("something was written although the start ended")
	}
	if err := Reconcile(here, shared(t, there), true); err != nil || read(t, here, "cred/passwd") != "theirs" {
		t.Errorf("a reset gave %v and did not take the datastore's", err)
	}
}

func TestAnOlderOrMissingFileIsTakenFromTheDatastoreWithAllOthers(t *testing.T) {
	there, here := server(t), server(t)
	write(t, there, "cred/passwd", "theirs", 0)
	write(t, there, "tls/service.key", "same", time.Hour)
	write(t, here, "cred/passwd", "mine", -2*time.Second) // the clocks differ by less than it takes
	write(t, here, "tls/service.key", "same", 0)
	if err := Reconcile(here, shared(t, there), false); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(here.ServerDir("tls/service.key"))
	if read(t, here, "cred/passwd") != "theirs" || err != nil || time.Since(info.ModTime()) < 59*time.Minute {
		t.Errorf("got %s, %v, %v", read(t, here, "cred/passwd"), info.ModTime(), err)
	}
	if err := os.Remove(here.ServerDir("cred/passwd")); err != nil {
		t.Fatal(err)
	}
	if err := Reconcile(here, shared(t, there), false); err != nil || read(t, here, "cred/passwd") != "theirs" {
		t.Errorf("the missing file was not put back: %v", err)
	}
}

func TestEqualFilesAreLeftAlone(t *testing.T) {
	there, here := server(t), server(t)
	write(t, there, "cred/passwd", "same", time.Hour)
	write(t, here, "cred/passwd", "same", 0)
	if err := Reconcile(here, shared(t, there), false); err != nil {
		t.Fatal(err)
	}
	if info, _ := os.Stat(here.ServerDir("cred/passwd")); time.Since(info.ModTime()) > time.Minute {
		t.Error("an equal file was written")
	}
}

func TestBare(t *testing.T) {
	node := server(t)
	write(t, node, "cred/passwd", "", 0)
	write(t, node, "tls/service.key", "", 0)
	if bare, err := Bare(node); err != nil || !bare {
		t.Errorf("without tls/etcd: got %v, %v", bare, err)
	}
	write(t, node, "tls/etcd/peer-ca.crt", "", 0)
	if bare, err := Bare(node); err != nil || bare {
		t.Errorf("with all of them: got %v, %v", bare, err)
	}
}

func TestOpenPicksWhatTheTokenSeals(t *testing.T) {
	node := server(t)
	write(t, node, "cred/passwd", "theirs", 0)
	data, err := Collect(node)
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := Seal("one", data)
	if err != nil {
		t.Fatal(err)
	}
	found := Sealed{Key("one"): sealed}
	if files, err := found.Open("one"); err != nil || string(files["PasswdFile"].Content) != "theirs" {
		t.Errorf("got %v, %v", files, err)
	}
	if _, err := found.Open("two"); !errors.Is(err, ErrOtherToken) {
		t.Errorf("another token gave %v", err)
	}
	if _, err := (Sealed{}).Open("one"); !errors.Is(err, ErrNone) {
		t.Errorf("nothing gave %v", err)
	}
	if value, err := (Sealed{}).Pick("one"); value != nil || err != nil {
		t.Errorf("nothing picked gave %v, %v", value, err)
	}
}
