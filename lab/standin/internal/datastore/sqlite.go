// Package datastore is what a server has instead of etcd when neither cluster-init nor server was ever set: SQLite,
// which upstream's kine serves under etcd's API on a socket.
package datastore

import (
	"context"
	"fmt"
	"net"
	"os"
	"time"

	"github.com/k3s-io/kine/pkg/drivers"
	"github.com/k3s-io/kine/pkg/drivers/sqlite"
	kine "github.com/k3s-io/kine/pkg/server"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
	"google.golang.org/grpc"

	"standin/internal/config"
	"standin/internal/logs"
)

const (
	notifyInterval = 5 * time.Second
	// emulated is the version of etcd that kine answers with.
	emulated = "3.5.13"
)

// File is the database.
func File(server config.Server) string { return server.ServerDir("db", "state.db") }

// Endpoint is where kine answers, in the form that etcd's clients take.
func Endpoint(server config.Server) string { return "unix://" + socket(server) }

func socket(server config.Server) string { return server.ServerDir("kine.sock") }

// Listen opens the database, or makes it, and serves it until ctx ends.
func Listen(ctx context.Context, server config.Server) error {
	if err := os.MkdirAll(server.ServerDir("db"), 0o700); err != nil {
		return err
	}
	_, backend, err := sqlite.New(ctx, &drivers.Config{
		DataSourceName: File(server) + "?_journal=WAL&cache=shared&_busy_timeout=30000&_txlock=immediate",
	})
	if err != nil {
		return fmt.Errorf("building kine: %w", err)
	}
	if err := backend.Start(ctx); err != nil {
		return fmt.Errorf("starting kine backend: %w", err)
	}
	// a socket of an earlier life
	if err := os.Remove(socket(server)); err != nil && !os.IsNotExist(err) {
		return err
	}
	listener, err := net.Listen("unix", socket(server))
	if err != nil {
		return err
	}
	if err := os.Chmod(socket(server), 0o600); err != nil {
		return err
	}
	service := grpc.NewServer()
	kine.New(backend, "unix", notifyInterval, emulated).Register(service)
	go func() {
		if err := service.Serve(listener); err != nil && ctx.Err() == nil {
			logs.Error("Kine GRPC server exited: %v", err)
		}
	}()
	go func() {
		<-ctx.Done()
		service.Stop()
	}()
	logs.Info("Kine available at %s", Endpoint(server))
	return nil
}

// Connect makes a client for kine.
func Connect(server config.Server) (*clientv3.Client, error) {
	return clientv3.New(clientv3.Config{
		Endpoints: []string{Endpoint(server)}, DialTimeout: 5 * time.Second, Logger: zap.NewNop(),
	})
}

// Ready tells whether kine answers.
func Ready(ctx context.Context, client *clientv3.Client) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	_, err := client.Get(ctx, "/registry/health")
	return err
}
