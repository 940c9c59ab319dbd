package supervisor

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"

	"standin/internal/config"
	"standin/internal/encryption"
)

// compareHashes returns this server's stage, and an error when a server runs with another configuration.
func (s *Supervisor) compareHashes(ctx context.Context, client kubernetes.Interface) (string, error) {
	nodes, err := client.CoreV1().Nodes().List(ctx, metav1.ListOptions{LabelSelector: "node-role.kubernetes.io/control-plane=true"})
	if err != nil {
		return "", err
	}
	found := map[string]string{}
	for _, node := range nodes.Items {
		if value, has := node.Annotations[encryption.Annotation]; has {
			found[node.Name] = value
		}
	}
	mine := found[s.Server.Name]
	stage, _, _ := strings.Cut(mine, "-")
	for name, value := range found {
		if value != mine {
			return stage, fmt.Errorf("hash does not match between %s and %s", s.Server.Name, name)
		}
	}
	return stage, nil
}

// ShowEncryption writes stage and hash into the server's Node, and keeps a stage that is to outlive a restart.
func ShowEncryption(ctx context.Context, client kubernetes.Interface, server config.Server, stage string) error {
	value, err := encryption.Value(server, stage)
	if err != nil {
		return err
	}
	if err := annotateEncryption(ctx, client, server, value); err != nil || stage == encryption.StageActive {
		return err
	}
	return encryption.WriteState(server, stage)
}

// ShowKept writes into the server's Node what was kept when k3s ended.
func ShowKept(ctx context.Context, client kubernetes.Interface, server config.Server) error {
	content, err := os.ReadFile(encryption.StateFile(server))
	if err != nil {
		return err
	}
	return annotateEncryption(ctx, client, server, string(content))
}

func annotateEncryption(ctx context.Context, client kubernetes.Interface, server config.Server, value string) error {
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{"annotations": map[string]string{encryption.Annotation: value}}})
	if err != nil {
		return err
	}
	_, err = client.CoreV1().Nodes().Patch(ctx, server.Name, types.MergePatchType, patch, metav1.PatchOptions{})
	return err
}
