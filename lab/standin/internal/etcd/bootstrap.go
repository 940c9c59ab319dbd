package etcd

import (
	"context"
	"errors"
	"fmt"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"standin/internal/bootstrap"
	"standin/internal/logs"
)

// fetchTimeout is how long a joining server waits for what is sealed, before it gets this server's files on disk.
const fetchTimeout = 10 * time.Second

// sealed lists what is sealed in the running datastore, with the revision of each.
func (m *Member) sealed(ctx context.Context) (bootstrap.Sealed, map[string]int64, error) {
	found, err := m.Client.Get(ctx, bootstrap.Prefix, clientv3.WithPrefix())
	if err != nil {
		return nil, nil, err
	}
	sealed, revisions := bootstrap.Sealed{}, map[string]int64{}
	for _, pair := range found.Kvs {
		sealed[string(pair.Key)], revisions[string(pair.Key)] = pair.Value, pair.ModRevision
	}
	return sealed, revisions, nil
}

// SharedFiles opens what is sealed with the password in the running datastore, in the form in which a joiner gets it.
func (m *Member) SharedFiles(ctx context.Context, password string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	found, err := m.Client.Get(ctx, bootstrap.Key(password))
	if err != nil {
		return nil, err
	}
	if len(found.Kvs) != 1 {
		return nil, errors.New("etcdserver: key not found")
	}
	return bootstrap.Open(password, found.Kvs[0].Value)
}

// SaveBootstrap seals the shared files on disk with the token's password, if nothing is sealed yet; with override also in place
// of what is.
func (m *Member) SaveBootstrap(ctx context.Context, password string, override bool) error {
	logs.Info("Saving cluster bootstrap data to datastore")
	data, err := bootstrap.Collect(m.Server.Node)
	if err != nil {
		return err
	}
	content, err := bootstrap.Seal(password, data)
	if err != nil {
		return err
	}
	sealed, revisions, err := m.sealed(ctx)
	if err != nil {
		return err
	}
	if _, err := sealed.Pick(password); err != nil {
		return err
	}
	key := bootstrap.Key(password)
	created, err := m.putIf(ctx, key, 0, content)
	switch {
	case err != nil || created:
		return err
	case !override:
		logs.Warn("Bootstrap key already exists")
		return nil
	case len(sealed) > 1:
		return bootstrap.ErrSeveral
	}
	replaced, err := m.putIf(ctx, key, revisions[key], content)
	if err == nil && !replaced {
		err = fmt.Errorf("revision %d doesnt match", revisions[key])
	}
	return err
}

// putIf writes a key that is still of that revision; 0 is one that is not there.
func (m *Member) putIf(ctx context.Context, key string, revision int64, value []byte) (bool, error) {
	answer, err := m.Client.Txn(ctx).If(clientv3.Compare(clientv3.ModRevision(key), "=", revision)).
		Then(clientv3.OpPut(key, string(value))).Commit()
	if err != nil {
		return false, err
	}
	return answer.Succeeded, nil
}

// Reseal seals with a new password what the old one opens, and forgets the old key. The same password changes nothing.
func (m *Member) Reseal(ctx context.Context, old, next string) error {
	sealed, _, err := m.sealed(ctx)
	if err != nil {
		return err
	}
	value, found := sealed[bootstrap.Key(old)]
	if !found || old == next {
		return nil
	}
	data, err := bootstrap.Open(old, value)
	if err != nil {
		return err
	}
	content, err := bootstrap.Seal(next, data)
	if err != nil {
		return err
	}
	if _, err := m.putIf(ctx, bootstrap.Key(next), 0, content); err != nil {
		return err
	}
	logs.Info("created bootstrap key %s", bootstrap.Key(next))
	_, err = m.Client.Delete(ctx, bootstrap.Key(old))
	return err
}
