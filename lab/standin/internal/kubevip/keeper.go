package kubevip

import (
	"context"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"

	"standin/internal/config"
	"standin/internal/logs"
)

// Shim is the program name under which a container goes on while k3s is stopped: that of containerd's shim, which
// k3s-killall.sh looks for.
const Shim = "containerd-shim-runc-v2"

const (
	tokenLife    = 24 * time.Hour
	tokenRefresh = 12 * time.Hour
	backoffFirst = 10 * time.Second
	backoffMost  = 5 * time.Minute
)

// Keeper starts kube-vip for the pods of this node and starts it again when it ends.
type Keeper struct {
	client kubernetes.Interface
	node   config.Node
	mutex  sync.Mutex
	cancel map[types.UID]context.CancelFunc
}

// NewKeeper returns a keeper that runs nothing yet.
func NewKeeper(client kubernetes.Interface, node config.Node) *Keeper {
	return &Keeper{client: client, node: node, cancel: map[types.UID]context.CancelFunc{}}
}

// container finds the container of a pod that is kube-vip.
func container(pod *corev1.Pod) *corev1.Container {
	for i := range pod.Spec.Containers {
		if strings.Contains(pod.Spec.Containers[i].Image, "kube-vip") {
			return &pod.Spec.Containers[i]
		}
	}
	return nil
}

// pods is where a process' notes lie: among containerd's own, which k3s-node removes with k3s.
const pods = "containerd/io.containerd.runtime.v2.task/k8s.io"

func (k *Keeper) dir(uid types.UID) string { return k.node.AgentDir(pods, string(uid)) }

// Ensure keeps kube-vip running for this pod, if it is one of kube-vip's. A process left by an earlier k3s is adopted.
func (k *Keeper) Ensure(ctx context.Context, pod *corev1.Pod) {
	found := container(pod)
	if found == nil {
		return
	}
	k.mutex.Lock()
	defer k.mutex.Unlock()
	if _, running := k.cancel[pod.UID]; running {
		return
	}
	ctx, k.cancel[pod.UID] = context.WithCancel(ctx)
	go k.keep(ctx, pod.DeepCopy(), found)
}

func (k *Keeper) keep(ctx context.Context, pod *corev1.Pod, container *corev1.Container) {
	backoff := time.Duration(0)
	renewed := time.Time{}
	for ctx.Err() == nil {
		if time.Since(renewed) > tokenRefresh {
			if err := k.refresh(ctx, pod); err != nil {
				logs.Warn("service account token of pod %s: %v", pod.Name, err)
				pause(ctx, time.Second)
				continue
			}
			renewed = time.Now()
		}
		if k.alive(pod.UID) == 0 {
			if !pause(ctx, backoff) {
				return
			}
			backoff = min(max(2*backoff, backoffFirst), backoffMost)
			if err := k.start(pod, container); err != nil {
				logs.Warn("pod %s: %v", pod.Name, err)
			}
		}
		pause(ctx, 200*time.Millisecond)
	}
}

func pause(ctx context.Context, duration time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(duration):
		return true
	}
}

// Stop ends the pod's process, which takes the address away, and waits for it.
func (k *Keeper) Stop(uid types.UID) {
	k.mutex.Lock()
	defer k.mutex.Unlock()
	if cancel, running := k.cancel[uid]; running {
		cancel()
		delete(k.cancel, uid)
	}
	if pid := k.alive(uid); pid != 0 {
		syscall.Kill(pid, syscall.SIGTERM)
		for range 50 {
			if k.alive(uid) == 0 {
				break
			}
			time.Sleep(100 * time.Millisecond)
		}
	}
	os.RemoveAll(k.dir(uid))
}

// StopStrangers ends the processes of pods that went away while k3s was stopped.
func (k *Keeper) StopStrangers(living []*corev1.Pod) {
	known := map[string]bool{}
	for _, pod := range living {
		known[string(pod.UID)] = true
	}
	entries, _ := os.ReadDir(k.node.AgentDir(pods))
	for _, entry := range entries {
		if !known[entry.Name()] {
			k.Stop(types.UID(entry.Name()))
		}
	}
}
