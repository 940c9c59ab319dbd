package etcd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"

	"standin/internal/logs"
)

const (
	removeAnnotation  = "etcd.k3s.cattle.io/remove"
	removedAnnotation = "etcd.k3s.cattle.io/removed-node-name"
	// Finalizer keeps a deleted Node until its member is gone.
	Finalizer = "wrangler.cattle.io/managed-etcd-controller"
)

// SyncNode is the membership controller for one Node: it removes members whose Node asks for it or is being deleted.
// It runs on the server that leads k3s' controllers.
func (m *Member) SyncNode(ctx context.Context, client kubernetes.Interface, node *corev1.Node) error {
	if _, has := node.Labels[RoleLabel]; !has {
		return nil
	}
	name, address := node.Annotations[NameAnnotation], node.Annotations[AddressAnnotation]
	removed, wasRemoved := node.Annotations[removedAnnotation]
	asked := strings.ToLower(node.Annotations[removeAnnotation]) == "true"
	switch {
	case node.DeletionTimestamp != nil:
		return m.finalize(ctx, client, node, asked && removed != "")
	case !slices.Contains(node.Finalizers, Finalizer):
		return patchMeta(ctx, client, node.Name, map[string]any{"finalizers": append(slices.Clone(node.Finalizers), Finalizer)})
	case wasRemoved && name != "" && name != removed:
		logs.Info("Resetting removed node flag as removed node name (did not match current node name)")
		return annotate(ctx, client, node.Name, map[string]any{removedAnnotation: nil, removeAnnotation: "false"})
	case wasRemoved || !asked:
		return nil
	case name == "":
		return fmt.Errorf("node name annotation for node %s not found", node.Name)
	case address == "":
		return fmt.Errorf("node address annotation for node %s not found", node.Name)
	}
	if err := m.removePeer(ctx, name, address); err != nil {
		return err
	}
	return annotate(ctx, client, node.Name, map[string]any{removedAnnotation: name, NameAnnotation: nil, AddressAnnotation: nil})
}

func (m *Member) finalize(ctx context.Context, client kubernetes.Interface, node *corev1.Node, gone bool) error {
	if !slices.Contains(node.Finalizers, Finalizer) {
		return nil
	}
	logs.Info("Removing etcd member %s from cluster", node.Name)
	if !gone {
		name, address := node.Annotations[NameAnnotation], node.Annotations[AddressAnnotation]
		if name == "" {
			return fmt.Errorf("node name annotation for node %s not found", node.Name)
		}
		if err := m.removePeer(ctx, name, address); err != nil {
			return err
		}
	}
	rest := slices.DeleteFunc(slices.Clone(node.Finalizers), func(finalizer string) bool { return finalizer == Finalizer })
	return patchMeta(ctx, client, node.Name, map[string]any{"finalizers": rest})
}

// removePeer removes a member when name and address both match; one that is not there is fine.
func (m *Member) removePeer(ctx context.Context, name, address string) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	list, err := m.Client.MemberList(ctx)
	if err != nil {
		return err
	}
	for _, member := range list.Members {
		for _, peer := range member.PeerURLs {
			parsed, err := url.Parse(peer)
			if err != nil {
				return err
			}
			if member.Name != name || parsed.Hostname() != address {
				continue
			}
			logs.Info("Removing name=%s id=%d address=%s from etcd", member.Name, member.ID, address)
			if _, err := m.Client.MemberRemove(ctx, member.ID); err != nil && !errors.Is(err, rpctypes.ErrMemberNotFound) {
				return err
			}
		}
	}
	return nil
}

// Describe writes what the cluster must know about this server into its Node: roles, member name and address.
func (m *Member) Describe(ctx context.Context, client kubernetes.Interface) error {
	node, err := client.CoreV1().Nodes().Get(ctx, m.Server.Name, metav1.GetOptions{})
	if err != nil {
		return err
	}
	if node.Annotations[NameAnnotation] == m.Name && node.Annotations[AddressAnnotation] == m.Server.IP && node.Labels[RoleLabel] == "true" {
		return nil
	}
	return patchMeta(ctx, client, m.Server.Name, map[string]any{
		"labels":      map[string]any{RoleLabel: "true", "node-role.kubernetes.io/control-plane": "true"},
		"annotations": map[string]any{NameAnnotation: m.Name, AddressAnnotation: m.Server.IP},
	})
}

func annotate(ctx context.Context, client kubernetes.Interface, node string, annotations map[string]any) error {
	return patchMeta(ctx, client, node, map[string]any{"annotations": annotations})
}

func patchMeta(ctx context.Context, client kubernetes.Interface, node string, metadata map[string]any) error {
	patch, err := json.Marshal(map[string]any{"metadata": metadata})
	if err != nil {
		return err
	}
	_, err = client.CoreV1().Nodes().Patch(ctx, node, types.MergePatchType, patch, metav1.PatchOptions{})
	return err
}
