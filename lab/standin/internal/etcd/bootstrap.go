package etcd

import (
	"context"
	"errors"
	"fmt"

	clientv3 "go.etcd.io/etcd/client/v3"

	"standin/internal/bootstrap"
	"standin/internal/logs"
)

// ErrOtherToken is k3s' text when the cluster's data was sealed with another token.
var ErrOtherToken = errors.New("bootstrap data already found and encrypted with different token")

// Reconcile makes the shared files on disk and in etcd equal: the newer ones count. A new cluster has them on disk only.
func (m *Member) Reconcile(ctx context.Context, password string) error {
	logs.Info("Reconciling bootstrap data between datastore and disk")
	found, err := m.Client.Get(ctx, "/bootstrap/", clientv3.WithPrefix())
	if err != nil {
		return err
	}
	for _, pair := range found.Kvs {
		if string(pair.Key) != bootstrap.Key(password) {
			continue
		}
		data, err := bootstrap.Open(password, pair.Value)
		if err != nil {
			return err
		}
		newer, err := bootstrap.Merge(m.Server.Node, data)
		if err != nil || !newer {
			return err
		}
		return m.SaveBootstrap(ctx, password)
	}
	if len(found.Kvs) > 0 {
		return ErrOtherToken
	}
	return m.SaveBootstrap(ctx, password)
}

// SaveBootstrap seals the shared files with the token's password in etcd.
func (m *Member) SaveBootstrap(ctx context.Context, password string) error {
	data, err := bootstrap.Collect(m.Server.Node)
	if err != nil {
		return err
	}
	sealed, err := bootstrap.Seal(password, data)
	if err != nil {
		return err
	}
	_, err = m.Client.Put(ctx, bootstrap.Key(password), string(sealed))
	return err
}

// RotateToken seals the shared files with a new password and forgets what the old one opens.
func (m *Member) RotateToken(ctx context.Context, old, next string) error {
	if old == next {
		return fmt.Errorf("new token is the same as the old one")
	}
	if err := m.SaveBootstrap(ctx, next); err != nil {
		return err
	}
	_, err := m.Client.Delete(ctx, bootstrap.Key(old))
	return err
}
