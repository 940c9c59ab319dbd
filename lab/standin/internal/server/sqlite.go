package server

import (
	"context"
	"encoding/json"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"

	"standin/internal/datastore"
	"standin/internal/etcd"
	"standin/internal/logs"
	"standin/internal/process"
	"standin/internal/supervisor"
)

const controlPlaneLabel = "node-role.kubernetes.io/control-plane"

// usesSQLite is so for a server that was never told to have etcd or to join one. etcd's data wins over the flags.
func (r *run) usesSQLite() bool {
	return !etcd.Initialized(r.settings) && r.settings.JoinURL == "" && !r.settings.Switch("cluster-init")
}

// startSQLite is start for a server without etcd.
func (r *run) startSQLite(ctx context.Context) error {
	var err error
	if r.supervisor, err = supervisor.New(r.settings, nil, nil); err != nil {
		return err
	}
	if err := r.supervisor.Listen(); err != nil {
		return err
	}
	if err := r.writeTokens(); err != nil {
		return err
	}
	go r.runAgent(ctx)
	if err := datastore.Listen(ctx, r.settings); err != nil {
		return err
	}
	if r.kine, err = datastore.Connect(r.settings); err != nil {
		return err
	}
	go r.serve(ctx)
	<-ctx.Done()
	process.Exiting()
	logs.Info("Shutting down")
	return nil
}

// ready tells whether the datastore answers; with etcd this server must vote.
func (r *run) ready(ctx context.Context) error {
	if r.member == nil {
		return datastore.Ready(ctx, r.kine)
	}
	return r.member.Ready(ctx)
}

// describeOnce writes this server's roles into its Node.
func (r *run) describeOnce(ctx context.Context, client kubernetes.Interface) error {
	if r.member != nil {
		return r.member.Describe(ctx, client)
	}
	node, err := client.CoreV1().Nodes().Get(ctx, r.settings.Name, metav1.GetOptions{})
	if err != nil || node.Labels[controlPlaneLabel] == "true" {
		return err
	}
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{"labels": map[string]any{controlPlaneLabel: "true"}}})
	if err != nil {
		return err
	}
	_, err = client.CoreV1().Nodes().Patch(ctx, node.Name, types.MergePatchType, patch, metav1.PatchOptions{})
	return err
}
