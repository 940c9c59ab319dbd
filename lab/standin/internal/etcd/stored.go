package etcd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"go.etcd.io/etcd/server/v3/lease"
	"go.etcd.io/etcd/server/v3/storage/backend"
	"go.etcd.io/etcd/server/v3/storage/mvcc"
	"go.etcd.io/etcd/server/v3/storage/schema"

	"standin/internal/bootstrap"
	"standin/internal/config"
	"standin/internal/logs"
)

// Stored is what is sealed in the data on disk of an etcd that does not run. k3s opens a copy of the database alone: what only
// the write-ahead log has yet is not in there.
func Stored(server config.Server) (bootstrap.Sealed, error) {
	dir := server.ServerDir("db", "etcd")
	copied := dir + "-tmp"
	if err := os.RemoveAll(copied); err != nil {
		return nil, err
	}
	defer os.RemoveAll(copied)
	below := filepath.Join("member", "snap", "db")
	if err := copyFile(filepath.Join(dir, below), filepath.Join(copied, below)); err != nil && !os.IsNotExist(err) {
		return nil, err
	}
	sealed, err := read(filepath.Join(copied, below))
	if err != nil {
		return nil, fmt.Errorf("failed to create temporary datastore client: %w", err)
	}
	return sealed, nil
}

// read lists the sealed files of a database. etcd panics over one that is broken.
func read(file string) (sealed bootstrap.Sealed, failure error) {
	if _, err := os.Stat(file); err != nil {
		return nil, fmt.Errorf("failed to stat MVCC KV store backend path: %w", err)
	}
	defer func() {
		if broken := recover(); broken != nil {
			sealed, failure = nil, fmt.Errorf("panic: %v", broken)
		}
	}()
	logs.Info("Opening etcd MVCC KV backend database at %s", file)
	settings := backend.DefaultBackendConfig(quiet())
	settings.Path, settings.UnsafeNoFsync, settings.BatchInterval = file, true, time.Hour
	database := backend.New(settings)
	defer database.Close()
	if index, _ := schema.ReadConsistentIndex(database.ReadTx()); index == 0 {
		return nil, errors.New("failed to read consistent index")
	}
	store := mvcc.NewStore(quiet(), database, &lease.FakeLessor{}, mvcc.StoreConfig{})
	defer store.Close()
	logs.Info("Opened etcd MVCC KV store")
	found, err := store.Range(context.Background(), []byte(bootstrap.Prefix), []byte(bootstrap.Prefix+"\xff"), mvcc.RangeOptions{})
	if err != nil {
		return nil, err
	}
	sealed = bootstrap.Sealed{}
	for _, pair := range found.KVs {
		sealed[string(pair.Key)] = pair.Value
	}
	return sealed, nil
}

func copyFile(from, to string) error {
	source, err := os.Open(from)
	if err != nil {
		return err
	}
	defer source.Close()
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return err
	}
	target, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	if _, err := io.Copy(target, source); err != nil {
		target.Close()
		return err
	}
	return target.Close()
}
