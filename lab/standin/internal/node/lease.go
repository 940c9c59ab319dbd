package node

import (
	"context"
	"math/rand/v2"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"standin/internal/logs"
)

const (
	leaseSeconds  int32 = 40
	leaseInterval       = 10 * time.Second
)

// leases renews the Lease every ten seconds and a little more, once it was tried before the Node was registered: a Lease needs a Node
// to belong to, so that of a new Node comes ten seconds later.
func (k *Kubelet) leases(ctx context.Context) {
	for sleep(ctx, leaseInterval+time.Duration(rand.Int64N(int64(leaseInterval/25)))) {
		k.tryLease(ctx)
	}
}

func (k *Kubelet) tryLease(ctx context.Context) {
	if err := k.renew(ctx); err != nil {
		logs.Error("Failed to update lease: %v", err)
	}
}

func (k *Kubelet) renew(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, leaseInterval)
	defer cancel()
	leases := k.client.CoordinationV1().Leases(corev1.NamespaceNodeLease)
	lease, err := leases.Get(ctx, k.Node.Name, metav1.GetOptions{})
	now, seconds := metav1.NowMicro(), leaseSeconds
	if apierrors.IsNotFound(err) {
		node, err := k.client.CoreV1().Nodes().Get(ctx, k.Node.Name, metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			return nil
		}
		if err != nil {
			return err
		}
		_, err = leases.Create(ctx, &coordinationv1.Lease{
			ObjectMeta: metav1.ObjectMeta{Name: k.Node.Name, OwnerReferences: []metav1.OwnerReference{
				{APIVersion: "v1", Kind: "Node", Name: node.Name, UID: node.UID},
			}},
			Spec: coordinationv1.LeaseSpec{HolderIdentity: &k.Node.Name, LeaseDurationSeconds: &seconds, RenewTime: &now},
		}, metav1.CreateOptions{})
		return err
	}
	if err != nil {
		return err
	}
	lease.Spec.RenewTime = &now
	_, err = leases.Update(ctx, lease, metav1.UpdateOptions{})
	return err
}
