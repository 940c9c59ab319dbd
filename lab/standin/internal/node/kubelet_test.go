package node

import (
	"context"
	"errors"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"

	"standin/internal/config"
)

func kubelet(t *testing.T) *Kubelet {
	t.Helper()
	return &Kubelet{Node: config.Node{Name: "n", IP: "10.0.0.1", DataDir: t.TempDir()}, Role: "server", client: fake.NewClientset()}
}

func TestAKubeletKeepsWhatOthersWroteIntoItsNode(t *testing.T) {
	k := kubelet(t)
	k.Node.Labels = []string{"disk=ssd"}
	ctx := context.Background()
	cordoned := &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: "n", Annotations: map[string]string{"own": "kept", "k3s.io/node-args": "[\"agent\"]"}},
		Spec:       corev1.NodeSpec{Unschedulable: true},
	}
	if _, err := k.client.CoreV1().Nodes().Create(ctx, cordoned, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	wanted, err := k.describe()
	if err != nil {
		t.Fatal(err)
	}
	if err := k.register(ctx, wanted); err != nil {
		t.Fatal(err)
	}
	node, err := k.client.CoreV1().Nodes().Get(ctx, "n", metav1.GetOptions{})
	if err != nil || !node.Spec.Unschedulable || node.Annotations["own"] != "kept" || node.Annotations["k3s.io/node-args"] != `["server"]` || node.Labels["disk"] != "ssd" {
		t.Errorf("got %+v, %v", node, err)
	}
}

func TestTheLeaseOfANewNodeComesWithTheSecondTry(t *testing.T) {
	k := kubelet(t)
	ctx := context.Background()
	leases := k.client.CoordinationV1().Leases(corev1.NamespaceNodeLease)
	if err := k.renew(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := leases.Get(ctx, "n", metav1.GetOptions{}); err == nil {
		t.Error("a Lease without a Node")
	}
	wanted, err := k.describe()
	if err != nil {
		t.Fatal(err)
	}
	if err := k.register(ctx, wanted); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := k.renew(ctx); err != nil {
			t.Fatal(err)
		}
	}
	lease, err := leases.Get(ctx, "n", metav1.GetOptions{})
	if err != nil || *lease.Spec.HolderIdentity != "n" || len(lease.OwnerReferences) != 1 {
		t.Errorf("got %+v, %v", lease, err)
	}
}

func TestTheAPIServerIsNotAwaitedForEver(t *testing.T) {
	err := await(context.Background(), 20*time.Millisecond, time.Millisecond, func(context.Context) error { return errors.New("refused") })
	if err == nil || err.Error() != "context deadline exceeded\nrefused" {
		t.Errorf("got %v", err)
	}
	if err := await(context.Background(), time.Minute, time.Millisecond, func(context.Context) error { return nil }); err != nil {
		t.Error(err)
	}
}
