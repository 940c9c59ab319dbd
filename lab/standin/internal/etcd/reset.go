package etcd

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"go.etcd.io/etcd/etcdutl/v3/snapshot"

	"standin/internal/bootstrap"
	"standin/internal/certs"
	"standin/internal/config"
	"standin/internal/logs"
)

// ResetFlag is the file that keeps a second reset from happening by accident; a normal start removes it.
func ResetFlag(server config.Server) string { return server.ServerDir("db", "reset-flag") }

// Reset makes this server the only member of a cluster with its own data, or with a snapshot's, and returns when that is so.
// Only this machine can reach etcd meanwhile. settle is done before etcd stops.
func (m *Member) Reset(ctx context.Context, snapshotPath string, settle func() error) error {
	if snapshotPath != "" {
		if err := m.restore(snapshotPath); err != nil {
			return err
		}
	}
	if err := m.setName(true); err != nil {
		return err
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
	defer m.Stop()
	return settle()
}

func (m *Member) restore(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("etcd: snapshot path does not exist: %s", path)
	}
	if info.IsDir() {
		return fmt.Errorf("etcd: snapshot path must be a file, not a directory: %s", path)
	}
	old := fmt.Sprintf("%s-old-%d", m.dir(), time.Now().Unix())
	if err := os.Rename(m.dir(), old); err != nil {
		return err
	}
	logs.Info("Pre-restore etcd database moved to %s", old)
	return snapshot.NewV3(quiet()).Restore(snapshot.RestoreConfig{
		SnapshotPath: path, Name: m.Name, OutputDataDir: m.dir(), PeerURLs: []string{m.peerURL()}, InitialCluster: m.Name + "=" + m.peerURL(),
	})
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

// TakeBootstrap writes the shared files of the data that this server now has, whatever is on disk; the old certificates are kept.
func (m *Member) TakeBootstrap(ctx context.Context, password string) error {
	logs.Info("Reconciling bootstrap data between datastore and disk")
	sealed, _, err := m.sealed(ctx)
	if err != nil {
		return err
	}
	files, err := sealed.Open(password)
	if err != nil {
		return err
	}
	keys := m.Server.ServerDir("tls")
	kept := fmt.Sprintf("%s-%d", keys, time.Now().Unix())
	logs.Info("Cluster reset: backing up certificates directory to %s", kept)
	if err := certs.Copy(keys, kept); err != nil {
		return fmt.Errorf("cluster reset failed to back up server TLS dir: %w", err)
	}
	return bootstrap.Reconcile(m.Server.Node, files, true)
}
