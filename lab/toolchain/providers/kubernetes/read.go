package kubernetes

import (
	"context"
	"errors"
	"fmt"

	p "github.com/pulumi/pulumi-go-provider"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/dynamic"
)

// howToForget is what to do about objects of a cluster that is no more.
const howToForget = "If the cluster was deleted, you can remove this resource from Pulumi state by rerunning the operation " +
	"with the PULUMI_K8S_DELETE_UNREACHABLE environment variable set to \"true\""

// read gives the live object, and as inputs what has become of the inputs there; nothing when it is gone.
func (k *kubernetes) read(ctx context.Context, req p.ReadRequest) (p.ReadResponse, error) {
	inputs, old := toMap(req.Inputs), toMap(req.Properties)
	object := toObject(inputs)
	if object.GetKind() == "" {
		object = toObject(old)
	}
	live, err := k.live(ctx, object, req.ID)
	if errors.As(err, &unreachable{}) {
		if k.deleteUnreachable {
			return p.ReadResponse{}, nil
		}
		return p.ReadResponse{}, fmt.Errorf("failed to read resource state due to unreachable cluster. %s", howToForget)
	}
	if err != nil || live == nil {
		return p.ReadResponse{}, err
	}
	liveInputs := &unstructured.Unstructured{Object: pruned(live.Object, object.Object).(map[string]any)}
	return p.ReadResponse{
		ID:         req.ID,
		Properties: fromMap(state(live, inputs, text(old[fieldManagerKey]))),
		Inputs:     fromMap(toProperties(liveInputs, inputs)),
	}, nil
}

// delete deletes in the foreground, what belongs to the object first, and waits until it is gone.
func (k *kubernetes) delete(ctx context.Context, req p.DeleteRequest) error {
	object := toObject(toMap(req.Properties))
	objects, name, err := k.where(object, req.ID)
	if errors.As(err, &unreachable{}) {
		if k.deleteUnreachable {
			return nil
		}
		return fmt.Errorf("configured Kubernetes cluster is unreachable. %s", howToForget)
	}
	if meta.IsNoMatchError(err) {
		return nil
	}
	if err != nil {
		return err
	}
	foreground := metav1.DeletePropagationForeground
	err = objects.Delete(ctx, name, metav1.DeleteOptions{PropagationPolicy: &foreground})
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, within(req.Timeout))
	defer cancel()
	err = waitFor(ctx, func() (bool, error) {
		_, err := objects.Get(ctx, name, metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			return true, nil
		}
		return false, err
	})
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("timed out waiting for %s %s to be deleted: its finalizers are not done", object.GetKind(), req.ID)
	}
	return err
}

// live is an object as it is in the cluster, or nil.
func (k *kubernetes) live(ctx context.Context, object *unstructured.Unstructured, id string) (*unstructured.Unstructured, error) {
	objects, name, err := k.where(object, id)
	if meta.IsNoMatchError(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	live, err := objects.Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	return live, err
}

func (k *kubernetes) where(object *unstructured.Unstructured, id string) (dynamic.ResourceInterface, string, error) {
	namespace, name := splitID(id)
	object.SetNamespace(namespace)
	objects, err := k.cluster.objects(object)
	return objects, name, err
}
