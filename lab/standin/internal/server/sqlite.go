package server

import (
	"context"
	"encoding/json"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"

	"standin/internal/datastore"
	"standin/internal/etcd"
)

const controlPlaneLabel = "node-role.kubernetes.io/control-plane"

// usesSQLite is so for a server that was never told to have etcd or to join one. etcd's data wins over the flags.
func (r *run) usesSQLite() bool {
	return !etcd.Initialized(r.settings) && r.settings.JoinURL == "" && !r.settings.Switch("cluster-init")
}

// startSQLite serves the database to the API server.
func (r *run) startSQLite(ctx context.Context) error {
	if err := datastore.Listen(ctx, r.settings); err != nil {
		return err
	}
	var err error
	r.kine, err = datastore.Connect(r.settings)
	return err
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
