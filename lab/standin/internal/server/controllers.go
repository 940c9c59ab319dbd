package server

import (
	"context"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
	"k8s.io/client-go/util/workqueue"

	"standin/internal/etcd"
	"standin/internal/logs"
	"standin/internal/supervisor"
)

// runControllers runs k3s' own controllers on the server that holds their lease. Without etcd there is no member to look after.
func runControllers(ctx context.Context, client kubernetes.Interface, name string, member *etcd.Member) {
	leaderelection.RunOrDie(ctx, leaderelection.LeaderElectionConfig{
		Lock: &resourcelock.LeaseLock{
			LeaseMeta: metav1.ObjectMeta{Name: "k3s-etcd", Namespace: metav1.NamespaceSystem}, Client: client.CoordinationV1(),
			LockConfig: resourcelock.ResourceLockConfig{Identity: name},
		},
		LeaseDuration: 45 * time.Second, RenewDeadline: 30 * time.Second, RetryPeriod: 2 * time.Second, ReleaseOnCancel: true,
		Callbacks: leaderelection.LeaderCallbacks{
			OnStartedLeading: func(ctx context.Context) { syncNodes(ctx, client, member) },
			OnStoppedLeading: func() {
				if ctx.Err() == nil {
					logs.Fatal("leaderelection lost for k3s-etcd")
				}
			},
		},
	})
}

func syncNodes(ctx context.Context, client kubernetes.Interface, member *etcd.Member) {
	queue := workqueue.NewTypedRateLimitingQueue(workqueue.NewTypedItemExponentialFailureRateLimiter[string](time.Second, 30*time.Second))
	factory := informers.NewSharedInformerFactory(client, 0)
	nodes := factory.Core().V1().Nodes()
	enqueue := func(object any) {
		if key, err := cache.DeletionHandlingMetaNamespaceKeyFunc(object); err == nil {
			queue.Add(key)
		}
	}
	nodes.Informer().AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc: enqueue, UpdateFunc: func(_, now any) { enqueue(now) }, DeleteFunc: enqueue,
	})
	factory.Start(ctx.Done())
	factory.WaitForCacheSync(ctx.Done())
	go func() {
		<-ctx.Done()
		queue.ShutDown()
	}()
	for {
		name, down := queue.Get()
		if down {
			return
		}
		node, err := nodes.Lister().Get(name)
		if apierrors.IsNotFound(err) {
			err = forgetPassword(ctx, client, name)
		} else if err == nil && member != nil {
			err = member.SyncNode(ctx, client, node)
		}
		if err != nil {
			logs.Error("error syncing '%s': handler managed-etcd-controller: %v, requeuing", name, err)
			queue.AddRateLimited(name)
		} else {
			queue.Forget(name)
		}
		queue.Done(name)
	}
}

// forgetPassword lets a machine of the same name come again with a new password, once the Node is deleted.
func forgetPassword(ctx context.Context, client kubernetes.Interface, node string) error {
	err := client.CoreV1().Secrets(metav1.NamespaceSystem).Delete(ctx, supervisor.PasswordSecret(node), metav1.DeleteOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}
