package node

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"sync"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/informers"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/util/workqueue"

	"standin/internal/kubevip"
	"standin/internal/logs"
)

// podRunner says of every pod bound to this node that it runs, and lets deleted ones go. Only kube-vip is really started.
type podRunner struct {
	kubelet *Kubelet
	lister  corelisters.PodLister
	vips    *kubevip.Keeper
	// mutex guards used: pods' addresses.
	mutex sync.Mutex
	used  map[string]types.UID
}

func (p *podRunner) run(ctx context.Context) {
	k := p.kubelet
	p.used = map[string]types.UID{}
	p.vips = kubevip.NewKeeper(k.client, k.Node)
	selector := fields.OneTermEqualSelector("spec.nodeName", k.Node.Name).String()
	factory := informers.NewSharedInformerFactoryWithOptions(k.client, 0, informers.WithTweakListOptions(func(options *metav1.ListOptions) {
		options.FieldSelector = selector
	}))
	queue := workqueue.NewTypedRateLimitingQueue(workqueue.DefaultTypedControllerRateLimiter[string]())
	pods := factory.Core().V1().Pods()
	p.lister = pods.Lister()
	enqueue := func(object any) {
		if key, err := cache.DeletionHandlingMetaNamespaceKeyFunc(object); err == nil {
			queue.Add(key)
		}
	}
	pods.Informer().AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc: enqueue, UpdateFunc: func(_, now any) { enqueue(now) },
		DeleteFunc: func(object any) {
			if unknown, ok := object.(cache.DeletedFinalStateUnknown); ok {
				object = unknown.Obj
			}
			if pod, ok := object.(*corev1.Pod); ok {
				p.forget(pod.UID)
			}
		},
	})
	factory.Start(ctx.Done())
	factory.WaitForCacheSync(ctx.Done())
	if all, err := p.lister.List(labels.Everything()); err == nil {
		p.vips.StopStrangers(all)
	}
	go func() {
		<-ctx.Done()
		queue.ShutDown()
	}()
	for {
		key, down := queue.Get()
		if down {
			return
		}
		if err := p.sync(ctx, key); err != nil {
			logs.Warn("Error syncing pod %s: %v", key, err)
			queue.AddRateLimited(key)
		} else {
			queue.Forget(key)
		}
		queue.Done(key)
	}
}

func (p *podRunner) sync(ctx context.Context, key string) error {
	namespace, name, err := cache.SplitMetaNamespaceKey(key)
	if err != nil {
		return err
	}
	pod, err := p.lister.Pods(namespace).Get(name)
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	if pod.DeletionTimestamp != nil {
		return p.remove(ctx, pod)
	}
	if pod.Status.Phase == corev1.PodRunning || pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed {
		if pod.Status.Phase == corev1.PodRunning {
			p.use(pod.Status.PodIP, pod.UID)
			p.vips.Ensure(ctx, pod)
		}
		return nil
	}
	status, err := p.running(ctx, pod)
	if err != nil {
		return err
	}
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{"uid": pod.UID}, "status": status})
	if err != nil {
		return err
	}
	_, err = p.kubelet.client.CoreV1().Pods(namespace).Patch(ctx, name, types.StrategicMergePatchType, patch, metav1.PatchOptions{}, "status")
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}

func (p *podRunner) remove(ctx context.Context, pod *corev1.Pod) error {
	p.forget(pod.UID)
	now := int64(0)
	err := p.kubelet.client.CoreV1().Pods(pod.Namespace).Delete(ctx, pod.Name, metav1.DeleteOptions{
		GracePeriodSeconds: &now, Preconditions: metav1.NewUIDPreconditions(string(pod.UID)),
	})
	if apierrors.IsNotFound(err) || apierrors.IsConflict(err) {
		return nil
	}
	return err
}

func (p *podRunner) forget(uid types.UID) {
	p.vips.Stop(uid)
	p.mutex.Lock()
	defer p.mutex.Unlock()
	maps.DeleteFunc(p.used, func(_ string, owner types.UID) bool { return owner == uid })
}

// use takes an address for a pod and says whether it was free.
func (p *podRunner) use(ip string, uid types.UID) bool {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if owner, taken := p.used[ip]; taken && owner != uid {
		return false
	}
	p.used[ip] = uid
	return true
}

// address gives a pod the node's address or the next free one of the node's range.
func (p *podRunner) address(ctx context.Context, pod *corev1.Pod) (string, error) {
	if pod.Spec.HostNetwork {
		return p.kubelet.Node.IP, nil
	}
	node, err := p.kubelet.client.CoreV1().Nodes().Get(ctx, p.kubelet.Node.Name, metav1.GetOptions{})
	if err != nil {
		return "", err
	}
	_, network, err := net.ParseCIDR(node.Spec.PodCIDR)
	if err != nil {
		return "", err
	}
	ip := network.IP.To4()
	for last := 2; last < 255; last++ {
		candidate := net.IPv4(ip[0], ip[1], ip[2], byte(last)).String()
		if p.use(candidate, pod.UID) {
			return candidate, nil
		}
	}
	return "", fmt.Errorf("no free address in %s", node.Spec.PodCIDR)
}
