package node

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"standin/internal/config"
	"standin/internal/logs"
	"standin/internal/release"
)

const (
	statusInterval       = 10 * time.Second
	kubeletPort    int32 = 10250
)

// Kubelet keeps one Node object alive.
type Kubelet struct {
	Node config.Node
	// Role is "server" or "agent", the first of the k3s.io/node-args.
	Role   string
	client kubernetes.Interface
}

// Start connects with the node's own certificate, registers the Node and keeps it fresh until ctx ends.
func (k *Kubelet) Start(ctx context.Context) error {
	_, err := os.Stat(CgroupV1)
	if err := readSettings(k.Node, release.Minor(release.Version()), err == nil); err != nil {
		fmt.Fprintln(os.Stderr, "Error:", err)
		return err
	}
	cfg, err := clientcmd.BuildConfigFromFlags("", k.Node.AgentDir("kubelet.kubeconfig"))
	if err != nil {
		return err
	}
	cfg.QPS, cfg.Burst, cfg.Timeout = 50, 100, 0
	client, err := kubernetes.NewForConfig(cfg)
	if err != nil {
		return err
	}
	k.client = client
	wanted, err := k.describe()
	if err != nil {
		return err
	}
	if err := answer(ctx); err != nil {
		return err
	}
	logs.Info("Running kubelet --hostname-override=%s --node-ip=%s", k.Node.Name, k.Node.IP)
	go k.run(ctx, wanted)
	return nil
}

// answer keeps the kubelet's port open and hangs up on whoever connects: that a kubelet lives here is all they learn.
func answer(ctx context.Context) error {
	listener, err := net.Listen("tcp", fmt.Sprintf(":%d", kubeletPort))
	if err != nil {
		return err
	}
	context.AfterFunc(ctx, func() { listener.Close() })
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			connection.Close()
		}
	}()
	return nil
}

func (k *Kubelet) run(ctx context.Context, wanted *corev1.Node) {
	k.tryLease(ctx)
	go k.leases(ctx)
	for attempt := 0; ; attempt++ {
		err := k.register(ctx, wanted)
		if err == nil {
			break
		}
		if attempt%10 == 0 {
			logs.Error("Unable to register node with API server: %v", err)
		}
		if !sleep(ctx, 500*time.Millisecond) {
			return
		}
	}
	go k.heartbeat(ctx)
	pods := &podRunner{kubelet: k}
	pods.run(ctx)
}

// register creates the Node, or finds it and brings its annotations and the labels of node-label up to date. What else is in it
// stays, and taints are for creation only.
func (k *Kubelet) register(ctx context.Context, wanted *corev1.Node) error {
	nodes := k.client.CoreV1().Nodes()
	_, err := nodes.Create(ctx, wanted, metav1.CreateOptions{})
	if apierrors.IsAlreadyExists(err) {
		labels := map[string]string{}
		for _, text := range k.Node.Labels {
			name, value, _ := strings.Cut(text, "=")
			labels[name] = value
		}
		patch, _ := json.Marshal(map[string]any{"metadata": map[string]any{"annotations": wanted.Annotations, "labels": labels}})
		_, err = nodes.Patch(ctx, wanted.Name, types.MergePatchType, patch, metav1.PatchOptions{})
	}
	if err == nil {
		err = k.postStatus(ctx)
	}
	if err != nil {
		return err
	}
	logs.Info("Successfully registered node %s", wanted.Name)
	return nil
}

// heartbeat posts the status again when somebody else has called the node not ready.
func (k *Kubelet) heartbeat(ctx context.Context) {
	for sleep(ctx, statusInterval) {
		if node, err := k.client.CoreV1().Nodes().Get(ctx, k.Node.Name, metav1.GetOptions{}); err != nil {
			logs.Error("Error getting node %s: %v", k.Node.Name, err)
		} else if stale(node, time.Now()) {
			if err := k.postStatus(ctx); err != nil {
				logs.Error("Error updating node status: %v", err)
			}
		}
	}
}

func sleep(ctx context.Context, pause time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(pause):
		return true
	}
}

func stale(node *corev1.Node, now time.Time) bool {
	for _, condition := range node.Status.Conditions {
		if condition.Type == corev1.NodeReady {
			return condition.Status != corev1.ConditionTrue || now.Sub(condition.LastHeartbeatTime.Time) > 5*time.Minute
		}
	}
	return true
}

func (k *Kubelet) postStatus(ctx context.Context) error {
	patch, err := json.Marshal(map[string]any{"status": k.status()})
	if err != nil {
		return fmt.Errorf("node status: %w", err)
	}
	_, err = k.client.CoreV1().Nodes().Patch(ctx, k.Node.Name, types.StrategicMergePatchType, patch, metav1.PatchOptions{}, "status")
	return err
}
