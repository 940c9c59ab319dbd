package server

import (
	"context"
	"errors"
	"fmt"
	"os"

	"standin/internal/etcd"
	"standin/internal/logs"
	"standin/internal/s3"
	"standin/internal/shutdown"
	"standin/internal/snapshot"
)

// reset is `k3s server --cluster-reset`: it ends the process when this server is alone.
func (r *run) reset(ctx context.Context) error {
	path := r.settings.Text("cluster-reset-restore-path")
	flag := etcd.ResetFlag(r.settings)
	if _, err := os.Stat(flag); err == nil && path == "" {
		return fmt.Errorf("Managed etcd cluster membership was previously reset, please remove the cluster-reset flag and start k3s normally. "+
			"If you need to perform another cluster reset, you must first manually delete the file at %s", flag)
	}
	if r.settings.JoinURL != "" {
		return errors.New("cannot perform cluster-reset while server URL is set - remove server from configuration before resetting")
	}
	if path == "" && !etcd.Initialized(r.settings) {
		return errors.New("cannot perform cluster-reset while there is no etcd data")
	}
	path, err := r.fromS3(ctx, path)
	if err != nil {
		return err
	}
	if err := r.generate(); err != nil {
		return fmt.Errorf("preparing server: failed to generate server dependencies: %w", err)
	}
	member, err := etcd.New(r.settings)
	if err != nil {
		return err
	}
	settle := func() error {
		if err := member.TakeBootstrap(ctx, r.password); err != nil {
			return err
		}
		return r.generate()
	}
	if err := member.Reset(ctx, path, settle); err != nil {
		return fmt.Errorf("starting kubernetes: failed to start cluster: start managed database: %w", err)
	}
	if err := r.writeTokens(); err != nil {
		return err
	}
	shutdown.Request(errors.New("Managed etcd cluster membership has been reset, restart without --cluster-reset flag now. " +
		"Backup and delete ${datadir}/server/db on each peer etcd server and rejoin the nodes"))
	<-ctx.Done()
	return nil
}

// fromS3 fetches the snapshot when S3 is configured; the path is then its name there.
func (r *run) fromS3(ctx context.Context, name string) (string, error) {
	settings, err := s3.FromValues(r.settings.Values)
	if err != nil || settings == nil || name == "" {
		return name, err
	}
	logs.Info("Retrieving etcd snapshot %s from S3", name)
	store, err := new(s3.Cache).Open(ctx, *settings)
	if err != nil {
		return "", fmt.Errorf("failed to initialize S3 client: %w", err)
	}
	dir, err := snapshot.Directory(r.settings)
	if err != nil {
		return "", fmt.Errorf("failed to get the snapshot dir: %w", err)
	}
	path, err := store.Download(ctx, name, dir)
	if err != nil {
		return "", fmt.Errorf("failed to download snapshot from S3: %w", err)
	}
	logs.Info("S3 download complete for %s", path)
	return path, nil
}
