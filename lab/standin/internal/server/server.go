// Package server is `k3s server`: it puts the parts together in k3s' order.
package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	clientv3 "go.etcd.io/etcd/client/v3"
	"k8s.io/client-go/kubernetes"

	"standin/internal/access"
	"standin/internal/bootstrap"
	"standin/internal/certs"
	"standin/internal/config"
	"standin/internal/etcd"
	"standin/internal/logs"
	"standin/internal/process"
	"standin/internal/release"
	"standin/internal/shutdown"
	"standin/internal/snapshot"
	"standin/internal/supervisor"
)

// Command runs `k3s server`.
func Command(args []string) error {
	values, rest, err := config.Read(config.ServerFlags, args, config.SkipUnknown)
	if err != nil {
		return err
	}
	if len(rest) > 0 {
		return fmt.Errorf("No help topic for '%s'", rest[0])
	}
	settings, err := config.NewServer(values)
	if err != nil {
		return err
	}
	logs.Info("Starting k3s %s (stand-in)", release.Version())
	ctx := shutdown.Context()
	if err := os.MkdirAll(settings.ServerDir(), 0o700); err != nil {
		return err
	}
	server := &run{settings: settings, set: certs.Set{Server: settings}, before: map[string][]byte{}}
	if settings.Switch("cluster-reset") {
		return server.reset(ctx)
	}
	if settings.Text("cluster-reset-restore-path") != "" {
		return errors.New("invalid flag use; --cluster-reset required with --cluster-reset-restore-path")
	}
	if err := os.Remove(etcd.ResetFlag(settings)); err != nil && !os.IsNotExist(err) {
		return err
	}
	return server.start(ctx)
}

type run struct {
	settings config.Server
	set      certs.Set
	password string
	// member is nil on SQLite.
	member *etcd.Member
	// kine is the way to SQLite, nil with etcd; snapshots the other way round.
	kine       *clientv3.Client
	supervisor *supervisor.Supervisor
	snapshots  *snapshot.Handler
	// before is what the files with passwords contained at the start.
	before map[string][]byte
}

func (r *run) start(ctx context.Context) error {
	joined, err := r.prepare()
	if err != nil {
		return fmt.Errorf("starting kubernetes: preparing server: %w", err)
	}
	if r.usesSQLite() {
		return r.startSQLite(ctx)
	}
	if r.member, err = etcd.New(r.settings); err != nil {
		return err
	}
	r.snapshots = &snapshot.Handler{Server: r.settings, Config: r.member.ClientConfig}
	r.supervisor, err = supervisor.New(r.settings, r.member, r.snapshots)
	if err != nil {
		return err
	}
	if err := r.supervisor.Listen(); err != nil {
		return err
	}
	if err := r.writeTokens(); err != nil {
		return err
	}
	go r.runAgent(ctx)
	if err := r.startEtcd(ctx, joined); err != nil {
		return fmt.Errorf("starting kubernetes: preparing server: start managed database: %w", err)
	}
	go r.member.ManageLearners(ctx, func() kubernetes.Interface {
		if client := r.supervisor.Kube.Load(); client != nil {
			return client
		}
		return nil
	})
	go r.serve(ctx)
	<-ctx.Done()
	process.Exiting()
	r.member.Stop()
	return nil
}

// prepare finds out what this server is to become and puts its keys and certificates in place.
func (r *run) prepare() (*access.Info, error) {
	var joined *access.Info
	if err := etcd.ClearTombstone(r.settings); err != nil {
		return nil, err
	}
	if etcd.Initialized(r.settings) {
		logs.Info("Managed etcd cluster bootstrap already complete and initialized")
	} else if r.settings.Text("datastore-endpoint") != "" {
		return nil, errors.New("the stand-in knows embedded etcd and SQLite only, and datastore-endpoint is set")
	} else if r.settings.JoinURL == "" {
		if r.settings.Switch("cluster-init") {
			logs.Info("Managed etcd cluster initializing")
		}
	} else {
		info, err := r.fetchBootstrap()
		if err != nil {
			return nil, err
		}
		joined = info
	}
	if err := r.settlePassword(); err != nil {
		return nil, err
	}
	if err := r.set.EnsureCAs(); err != nil {
		return nil, err
	}
	if err := r.ensureEncryption(); err != nil {
		return nil, err
	}
	return joined, r.set.EnsureLeaves()
}

func (r *run) fetchBootstrap() (*access.Info, error) {
	if r.settings.Token == "" {
		return nil, errors.New("K3S_TOKEN is required to join a cluster")
	}
	info, err := access.Dial(r.settings.JoinURL, r.settings.Token, "server")
	if err != nil {
		return nil, err
	}
	logs.Info("Managed etcd cluster not yet initialized")
	data, err := info.Get("/v1-k3s/server-bootstrap")
	if err != nil {
		return nil, fmt.Errorf("failed to bootstrap cluster data: %w", err)
	}
	if err := r.compare(); err != nil {
		return nil, fmt.Errorf("failed to validate server configuration: %w", err)
	}
	return info, bootstrap.Spread(r.settings.Node, data)
}

// compare refuses to join when a flag that all servers must share differs.
func (r *run) compare() error {
	text := r.settings.AgentToken
	if text == "" {
		text = r.settings.Token
	}
	info, err := access.Dial(r.settings.JoinURL, text, "node")
	if err != nil {
		return err
	}
	content, err := info.Get("/v1-k3s/config")
	if err != nil {
		return err
	}
	var theirs supervisor.Settings
	if err := json.Unmarshal(content, &theirs); err != nil {
		return err
	}
	if found := config.Mismatches(r.settings.Critical(), theirs.Critical); len(found) > 0 {
		for _, mismatch := range found {
			logs.Error("critical configuration mismatched: %s", mismatch)
		}
		return errors.New("critical configuration value mismatch between servers")
	}
	return nil
}

func (r *run) startEtcd(ctx context.Context, joined *access.Info) error {
	switch {
	case etcd.Initialized(r.settings):
		return r.member.Resume()
	case joined == nil:
		return r.member.Found(ctx, false)
	}
	if err := r.member.Join(ctx, joined); err != nil && ctx.Err() == nil {
		shutdown.Request(fmt.Errorf("etcd cluster join failed: %w", err))
	}
	return nil
}
