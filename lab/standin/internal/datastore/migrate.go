package datastore

import (
	"context"
	"os"

	clientv3 "go.etcd.io/etcd/client/v3"

	"standin/internal/config"
	"standin/internal/logs"
)

// Migrate copies what the API server keeps from SQLite, when there is a database, into a new etcd, and then renames
// the database. Only the newest value of a key is copied, without revision and without lease.
func Migrate(ctx context.Context, server config.Server, etcd *clientv3.Client) error {
	file := File(server)
	if _, err := os.Stat(file); os.IsNotExist(err) {
		return nil
	} else if err != nil {
		return err
	}
	logs.Info("Migrating content from sqlite to etcd")
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if err := Listen(ctx, server); err != nil {
		return err
	}
	source, err := Connect(server)
	if err != nil {
		return err
	}
	defer source.Close()
	found, err := source.Get(ctx, "/registry/", clientv3.WithPrefix())
	if err != nil {
		return err
	}
	for _, pair := range found.Kvs {
		logs.Info("Migrating etcd key %s", pair.Key)
		if _, err := etcd.Put(ctx, string(pair.Key), string(pair.Value)); err != nil {
			return err
		}
	}
	return os.Rename(file, file+".migrated")
}
