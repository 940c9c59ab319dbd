package etcd

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"go.etcd.io/etcd/etcdutl/v3/snapshot"

	"standin/internal/bootstrap"
	"standin/internal/config"
	"standin/internal/logs"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// ResetFlag is the file that keeps a second reset from happening by accident; a normal start removes it.
func ResetFlag(server config.Server) string { return server.ServerDir("db", "reset-flag") }

// Reset makes this server the only member of a cluster with its own data, or with a snapshot's, and returns when that is so.
// Only this machine can reach etcd meanwhile.
func (m *Member) Reset(ctx context.Context, snapshotPath, password string) error {
	if snapshotPath != "" {
		if err := m.restore(snapshotPath); err != nil {
			return err
		}
	}
	if err := os.WriteFile(ResetFlag(m.Server), nil, 0o600); err != nil {
		return err
	}
	m.loopback = true
	if err := m.Found(ctx, true); err != nil {
		return err
	}
	for {
		err := m.alone(ctx)
		if err == nil {
			break
		}
		logs.Info("Failed to test etcd connection: %v", err)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Second):
		}
	}
	if err := m.takeBootstrap(ctx, password); err != nil {
		return err
	}
	m.Stop()
	return nil
}

func (m *Member) restore(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("etcd: snapshot path does not exist: %s", path)
	}
	if info.IsDir() {
		return fmt.Errorf("etcd: snapshot path must be a file, not a directory: %s", path)
	}
	name, err := os.ReadFile(m.dir("name"))
	if err != nil {
		return err
	}
	old := fmt.Sprintf("%s-old-%d", m.dir(), time.Now().Unix())
	if err := os.Rename(m.dir(), old); err != nil {
		return err
	}
	logs.Info("Pre-restore etcd database moved to %s", old)
	if err := snapshot.NewV3(quiet()).Restore(snapshot.RestoreConfig{
		SnapshotPath: path, Name: m.Name, OutputDataDir: m.dir(), PeerURLs: []string{m.peerURL()}, InitialCluster: m.Name + "=" + m.peerURL(),
	}); err != nil {
		return err
	}
	return os.WriteFile(m.dir("name"), name, 0o600)
}

// alone tells whether this member is the only one, after its address has been brought up to date.
func (m *Member) alone(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, testTimeout)
	defer cancel()
	list, err := m.Client.MemberList(ctx)
	if err != nil {
		return err
	}
	if len(list.Members) != 1 {
		return fmt.Errorf("etcd still has more than one member")
	}
	member := list.Members[0]
	if len(member.PeerURLs) == 1 && member.PeerURLs[0] == m.peerURL() && member.Name == m.Name {
		return nil
	}
	if _, err := m.Client.MemberUpdate(ctx, member.ID, []string{m.peerURL()}); err != nil {
		return fmt.Errorf("failed to update peer url: %w", err)
	}
	return errors.New("peer url updated")
}

// takeBootstrap writes the shared files of the data that this server now has.
func (m *Member) takeBootstrap(ctx context.Context, password string) error {
	found, err := m.Client.Get(ctx, "/bootstrap/", clientv3.WithPrefix())
	if err != nil {
		return err
	}
	for _, pair := range found.Kvs {
		if string(pair.Key) == bootstrap.Key(password) {
			data, err := bootstrap.Open(password, pair.Value)
			if err != nil {
				return err
			}
			return bootstrap.Spread(m.Server.Node, data)
		}
	}
	return ErrOtherToken
}
