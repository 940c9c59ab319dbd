// Package server is `k3s server`: it puts the parts together in k3s' order.
package server

import (
	"context"
	"errors"
	"fmt"
	"os"

	clientv3 "go.etcd.io/etcd/client/v3"
	"k8s.io/client-go/kubernetes"

	"standin/internal/access"
	"standin/internal/certs"
	"standin/internal/config"
	"standin/internal/etcd"
	"standin/internal/logs"
	"standin/internal/node"
	"standin/internal/process"
	"standin/internal/release"
	"standin/internal/shutdown"
	"standin/internal/snapshot"
	"standin/internal/supervisor"
	"standin/internal/token"
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
	server := &run{settings: settings, set: certs.Set{Server: settings}}
	if !settings.Switch("cluster-reset") && settings.Text("cluster-reset-restore-path") != "" {
		return errors.New("invalid flag use; --cluster-reset required with --cluster-reset-restore-path")
	}
	for _, dir := range []string{"", "etc", "tls", "cred"} {
		if err := os.MkdirAll(settings.ServerDir(dir), 0o700); err != nil {
			return err
		}
	}
	if settings.Switch("cluster-reset") {
		return server.reset(ctx)
	}
	if err := os.Remove(etcd.ResetFlag(settings)); err != nil && !os.IsNotExist(err) {
		return err
	}
	return server.start(ctx)
}

type run struct {
	settings config.Server
	set      certs.Set
	// password is the servers', nodePassword the nodes'.
	password, nodePassword string
	// joined is the server to join, nil for a founder and where it cannot be reached with our CA.
	joined *access.Info
	// member is nil on SQLite.
	member *etcd.Member
	// kine is the way to SQLite, nil with etcd; snapshots the other way round.
	kine       *clientv3.Client
	supervisor *supervisor.Supervisor
	snapshots  *snapshot.Handler
}

func (r *run) start(ctx context.Context) error {
	if err := r.prepare(); err != nil {
		return fmt.Errorf("preparing server: %w", err)
	}
	options, err := r.asNode()
	if err != nil || !node.Fetch(ctx, options) {
		return err
	}
	go node.Run(ctx, options)
	done, err := r.startDatastore(ctx)
	if err != nil {
		return fmt.Errorf("starting kubernetes: failed to start cluster: start managed database: %w", err)
	}
	if err := r.writeTokens(); err != nil {
		return err
	}
	if err := r.writeKubeconfig(); err != nil {
		return err
	}
	go r.serve(ctx)
	<-ctx.Done()
	process.Exiting()
	<-done
	if r.member != nil {
		r.member.Stop()
	}
	return nil
}

// prepare makes or takes over what a server needs, and opens its port.
func (r *run) prepare() error {
	if err := r.bootstrap(); err != nil {
		return fmt.Errorf("failed to bootstrap cluster data: %w", err)
	}
	if err := r.generate(); err != nil {
		return fmt.Errorf("failed to generate server dependencies: %w", err)
	}
	if err := r.listen(); err != nil {
		return fmt.Errorf("failed to start supervisor listener: %w", err)
	}
	return nil
}

func (r *run) listen() error {
	if err := etcd.Rejoin(r.settings); err != nil {
		return err
	}
	var snapshots *snapshot.Handler
	if !r.usesSQLite() {
		member, err := etcd.New(r.settings)
		if err != nil {
			return err
		}
		r.member = member
		snapshots = &snapshot.Handler{Server: r.settings, Config: member.ClientConfig}
		r.snapshots = snapshots
	}
	var err error
	if r.supervisor, err = supervisor.New(r.settings, r.member, snapshots); err != nil {
		return err
	}
	return r.supervisor.Listen()
}

// asNode is how this server's own node reaches the cluster: through its own supervisor.
func (r *run) asNode() (node.Options, error) {
	ca, err := os.ReadFile(r.set.File("server-ca.crt"))
	return node.Options{
		Node: r.settings.Node, Role: "server", Supervisor: "https://127.0.0.1:6443", API: "https://127.0.0.1:6443",
		Token: token.Secure(ca, "node", r.nodePassword),
	}, err
}

// startDatastore starts etcd or SQLite. A server that joins goes on meanwhile, and has done with that when the channel closes.
func (r *run) startDatastore(ctx context.Context) (<-chan struct{}, error) {
	done := make(chan struct{})
	if r.member == nil {
		close(done)
		return done, r.startSQLite(ctx)
	}
	go r.member.ManageLearners(ctx, func() kubernetes.Interface {
		if client := r.supervisor.Kube.Load(); client != nil {
			return client
		}
		return nil
	})
	if r.joined == nil || etcd.Initialized(r.settings) {
		close(done)
		if etcd.Initialized(r.settings) {
			return done, r.member.Resume()
		}
		return done, r.member.Found(ctx, false)
	}
	go func() {
		defer close(done)
		if err := r.member.Join(ctx, r.joined); err != nil && ctx.Err() == nil {
			shutdown.Request(fmt.Errorf("etcd cluster join failed: %w", err))
		}
	}()
	return done, nil
}
