package etcd

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.etcd.io/etcd/server/v3/lease"
	"go.etcd.io/etcd/server/v3/storage/backend"
	"go.etcd.io/etcd/server/v3/storage/mvcc"
	"go.etcd.io/etcd/server/v3/storage/schema"

	"standin/internal/config"
)

// stored is a server with the database of an etcd that has applied so many entries, and these keys.
func stored(t *testing.T, index uint64, keys map[string]string) config.Server {
	t.Helper()
	server := config.Server{Node: config.Node{DataDir: t.TempDir()}}
	file := server.ServerDir("db", "etcd", "member", "snap", "db")
	settings := backend.DefaultBackendConfig(quiet())
	settings.Path, settings.BatchInterval = file, time.Hour
	if err := copyFile("/dev/null", file); err != nil {
		t.Fatal(err)
	}
	database := backend.New(settings)
	store := mvcc.NewStore(quiet(), database, &lease.FakeLessor{}, mvcc.StoreConfig{})
	for key, value := range keys {
		store.Put([]byte(key), []byte(value), lease.NoLease)
	}
	schema.CreateMetaBucket(database.BatchTx())
	if index > 0 {
		batch := database.BatchTx()
		batch.LockOutsideApply()
		schema.UnsafeUpdateConsistentIndexForce(batch, index, 1)
		batch.Unlock()
	}
	database.ForceCommit()
	store.Close()
	database.Close()
	return server
}

func TestStoredReadsTheDatabaseOfAnEtcdThatDoesNotRun(t *testing.T) {
	server := stored(t, 7, map[string]string{"/bootstrap/abc": "sealed", "/registry/x": "y"})
	sealed, err := Stored(server)
	if err != nil || len(sealed) != 1 || string(sealed["/bootstrap/abc"]) != "sealed" {
		t.Errorf("got %v, %v", sealed, err)
	}
	if left, _ := filepath.Glob(server.ServerDir("db", "etcd-tmp")); len(left) > 0 {
		t.Error("the copy was left behind")
	}
}

func TestStoredNamesAFirstStartThatWasCut(t *testing.T) {
	if sealed, err := Stored(stored(t, 7, nil)); err != nil || len(sealed) != 0 {
		t.Errorf("nothing sealed yet: got %v, %v", sealed, err)
	}
	if _, err := Stored(stored(t, 0, nil)); err == nil || err.Error() != "failed to create temporary datastore client: failed to read consistent index" {
		t.Errorf("nothing applied yet: got %v", err)
	}
	empty := config.Server{Node: config.Node{DataDir: t.TempDir()}}
	if _, err := Stored(empty); err == nil || !strings.Contains(err.Error(), "failed to stat MVCC KV store backend path") {
		t.Errorf("no database yet: got %v", err)
	}
}
