package server

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"standin/internal/controlplane"
	"standin/internal/logs"
	"standin/internal/shutdown"
)

// serve brings up the control plane once etcd votes, and tells systemd.
func (r *run) serve(ctx context.Context) {
	if !r.awaitDatastore(ctx) {
		return
	}
	controlplane.StartAPIServer(r.settings, r.member == nil)
	logs.Info("Waiting for API server to become available")
	if err := controlplane.WaitReady(ctx, r.settings); err != nil {
		return
	}
	logs.Info("Kube API server is now running")
	cfg, err := clientcmd.BuildConfigFromFlags("", r.settings.ServerDir("cred", "supervisor.kubeconfig"))
	if err != nil {
		logs.Fatal("%v", err)
	}
	cfg.QPS, cfg.Burst = 50, 100
	client, err := kubernetes.NewForConfig(cfg)
	if err != nil {
		logs.Fatal("%v", err)
	}
	r.supervisor.Kube.Store(client)
	controlplane.StartControllers(r.settings)
	go r.describe(ctx, client)
	go r.showEncryption(ctx, client)
	go runControllers(ctx, client, r.settings.Name, r.member)
	if r.snapshots != nil {
		go r.snapshots.Schedule(ctx)
	}
	logs.Info("k3s is up and running")
	daemon.SdNotify(true, "READY=1")
}

// writeKubeconfig writes what an administrator uses; the API server need not answer yet.
func (r *run) writeKubeconfig() error {
	mode, err := strconv.ParseUint(r.settings.Text("write-kubeconfig-mode"), 8, 32)
	if err != nil {
		return fmt.Errorf("invalid write-kubeconfig-mode: %w", err)
	}
	kubeconfig := r.settings.Text("write-kubeconfig")
	if err := r.set.WriteAdminKubeconfig(kubeconfig, os.FileMode(mode)); err != nil {
		logs.Error("Failed to generate kubeconfig: %v", err)
		return err
	}
	logs.Info("Wrote kubeconfig %s", kubeconfig)
	return nil
}

// awaitDatastore returns when the datastore answers and, with etcd, this server votes and the shared files are sealed there.
func (r *run) awaitDatastore(ctx context.Context) bool {
	last := time.Time{}
	for {
		err := r.ready(ctx)
		if ctx.Err() != nil {
			return false
		}
		if err == nil {
			break
		}
		if time.Since(last) > 5*time.Second {
			logs.Info("Failed to test etcd connection: %v", err)
			last = time.Now()
		}
		time.Sleep(200 * time.Millisecond)
	}
	if r.member == nil {
		return true
	}
	logs.Info("Connection to etcd is ready")
	if err := r.member.SaveBootstrap(ctx, r.password, false); err != nil {
		if ctx.Err() == nil {
			shutdown.Request(fmt.Errorf("failed to save bootstrap data: %w", err))
		}
		return false
	}
	logs.Info("ETCD server is now running")
	return true
}

// describe keeps roles and member name on this server's Node, which may come later than the API server.
func (r *run) describe(ctx context.Context, client kubernetes.Interface) {
	for ctx.Err() == nil {
		pause := 10 * time.Second
		if err := r.describeOnce(ctx, client); err != nil {
			pause = time.Second
		}
		time.Sleep(pause)
	}
}
