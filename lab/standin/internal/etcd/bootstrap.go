package etcd

import (
	"context"
	"errors"

	clientv3 "go.etcd.io/etcd/client/v3"

	"standin/internal/bootstrap"
)

// ErrOtherToken is k3s' text when the cluster's data was sealed with another token.
var ErrOtherToken = errors.New("bootstrap data already found and encrypted with different token")

// SaveBootstrap seals the shared files with the token's password in etcd unless they are there.
func (m *Member) SaveBootstrap(ctx context.Context, password string) error {
	key := bootstrap.Key(password)
	found, err := m.Client.Get(ctx, "/bootstrap/", clientv3.WithPrefix())
	if err != nil {
		return err
	}
	for _, pair := range found.Kvs {
		if string(pair.Key) == key {
			return nil
		}
	}
	if len(found.Kvs) > 0 {
		return ErrOtherToken
	}
	data, err := bootstrap.Collect(m.Server.Node)
	if err != nil {
		return err
	}
	sealed, err := bootstrap.Seal(password, data)
	if err != nil {
		return err
	}
	_, err = m.Client.Put(ctx, key, string(sealed))
	return err
}
