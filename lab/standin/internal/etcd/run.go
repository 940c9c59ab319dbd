package etcd

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"go.etcd.io/etcd/server/v3/embed"

	"standin/internal/certs"
	"standin/internal/datastore"
	"standin/internal/logs"
)

// start writes etcd's configuration file and starts it from that, as k3s does.
func (m *Member) start(initial map[string]any) error {
	if err := os.MkdirAll(m.dir(), 0o700); err != nil {
		return err
	}
	if err := os.Chmod(m.dir(), 0o700); err != nil {
		return err
	}
	content, err := m.render(initial)
	if err != nil {
		return err
	}
	file := m.dir("config")
	if err := certs.Write(file, content); err != nil {
		return err
	}
	cfg, err := embed.ConfigFromFile(file)
	if err != nil {
		return fmt.Errorf("%s: %w", filepath.Base(file), err)
	}
	m.etcd, err = embed.StartEtcd(cfg)
	if err != nil {
		return err
	}
	go func() {
		for {
			select {
			case err := <-m.etcd.Err():
				logs.Error("etcd exited: %v", err)
			case <-m.etcd.Server.StopNotify():
				m.removed()
				return
			}
		}
	}()
	return nil
}

// removed runs when etcd stops by itself: the member was removed from the cluster. k3s leaves a tombstone and exits.
func (m *Member) removed() {
	if m.stopping.Load() {
		return
	}
	if err := os.WriteFile(m.dir("tombstone"), nil, 0o600); err != nil {
		logs.Warn("failed to write tombstone file to %s: %v", m.dir("tombstone"), err)
	}
	logs.Fatal("this node has been removed from the cluster please restart %s to rejoin the cluster", "k3s")
}

// Found starts a new cluster of one, and moves into it what SQLite has.
func (m *Member) Found(ctx context.Context, forced bool) error {
	logs.Info("Starting etcd for new cluster, cluster-reset=%v", forced)
	err := m.start(map[string]any{
		"initial-cluster": m.Name + "=" + m.peerURL(), "initial-cluster-state": "new", "force-new-cluster": forced,
	})
	if err != nil || forced {
		return err
	}
	if err := datastore.Migrate(ctx, m.Server, m.Client); err != nil {
		return fmt.Errorf("failed to migrate content from sqlite to etcd: %w", err)
	}
	return nil
}

// Resume starts from the data on disk; whom it belongs to is in there.
func (m *Member) Resume() error {
	logs.Info("Starting etcd for existing cluster member")
	return m.start(nil)
}

// Stop ends the member; a leader hands over first. Closing every connection would take longer than systemd should wait.
func (m *Member) Stop() {
	if m.etcd == nil {
		return
	}
	m.stopping.Store(true)
	m.etcd.Server.Stop()
}
