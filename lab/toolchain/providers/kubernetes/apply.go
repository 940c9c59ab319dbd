package kubernetes

import (
	"context"
	"errors"
	"fmt"
	"time"

	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// rolloutTimeout is how long a rollout or a deletion may take, unless the resource has customTimeouts.
const rolloutTimeout = 10 * time.Minute

// applied is what an apply has come to.
type applied struct {
	id    string
	state resource.PropertyMap
	// notReady is why the object, which is there, is not ready.
	notReady error
}

func (k *kubernetes) create(ctx context.Context, req p.CreateRequest) (p.CreateResponse, error) {
	inputs := toMap(req.Properties)
	manager, err := resource.NewUniqueHex("pulumi-kubernetes-", 8, 0)
	if err != nil {
		return p.CreateResponse{}, err
	}
	result := applied{}
	if err = k.mayCreate(ctx, inputs, req.DryRun); err == nil {
		result, err = k.apply(ctx, inputs, manager, req.DryRun, req.Timeout)
	}
	if errors.As(err, &unreachable{}) {
		return p.CreateResponse{}, err
	}
	if err != nil {
		return p.CreateResponse{}, fmt.Errorf("resource %q was not successfully created by the Kubernetes API server: %w", req.Urn, err)
	}
	response := p.CreateResponse{ID: result.id, Properties: fromMap(result.state)}
	if result.notReady != nil {
		err = fmt.Errorf("resource %q was successfully created, but the Kubernetes API server reported that it failed "+
			"to fully initialize or become live: %w", req.Urn, result.notReady)
		response.PartialState = &p.InitializationFailed{Reasons: []string{err.Error()}}
	}
	return response, err
}

// mayCreate: an object that is there already is somebody else's, unless the provider was told otherwise.
func (k *kubernetes) mayCreate(ctx context.Context, inputs resource.PropertyMap, preview bool) error {
	if preview || k.upsertExisting {
		return nil
	}
	object := toObject(inputs)
	objects, err := k.cluster.objects(object)
	if err != nil {
		return err
	}
	if _, err := objects.Get(ctx, object.GetName(), metav1.GetOptions{}); err == nil {
		return fmt.Errorf("%s %q already exists", object.GetKind(), object.GetName())
	}
	return nil
}

// update keeps the new inputs in the state also when the server refuses them: the next run tries again.
func (k *kubernetes) update(ctx context.Context, req p.UpdateRequest) (p.UpdateResponse, error) {
	inputs := toMap(req.Inputs)
	manager := text(toMap(req.State)[fieldManagerKey])
	result, err := k.apply(ctx, inputs, manager, req.DryRun, req.Timeout)
	if errors.As(err, &unreachable{}) {
		return p.UpdateResponse{}, err
	}
	failed := func(err error) error {
		return fmt.Errorf("the Kubernetes API server reported that %q failed to fully initialize or become live: %w", req.ID, err)
	}
	if err != nil && req.DryRun {
		return p.UpdateResponse{}, failed(err)
	}
	if err != nil {
		live, found := k.live(ctx, toObject(inputs), req.ID)
		if found != nil || live == nil {
			return p.UpdateResponse{}, fmt.Errorf("update of resource %q failed: %w", req.Urn, err)
		}
		result.state, result.notReady = state(live, inputs, manager), err
	}
	response := p.UpdateResponse{Properties: fromMap(result.state)}
	if result.notReady == nil {
		return response, nil
	}
	err = failed(result.notReady)
	response.PartialState = &p.InitializationFailed{Reasons: []string{err.Error()}}
	return response, err
}

// apply sends the object and waits until it is ready. A preview asks the server what it would do, and takes the inputs
// for the answer where that cannot be asked: with unknown values, no cluster, or a namespace or kind that is still to come.
func (k *kubernetes) apply(
	ctx context.Context, inputs resource.PropertyMap, manager string, preview bool, seconds float64,
) (applied, error) {
	asTheyAre := applied{state: inputs}
	if preview && inputs.ContainsUnknowns() {
		return asTheyAre, nil
	}
	object := toObject(inputs)
	objects, err := k.cluster.objects(object)
	if err != nil {
		if preview {
			return asTheyAre, nil
		}
		return applied{}, err
	}
	options := metav1.ApplyOptions{FieldManager: manager, Force: k.force}
	if preview {
		options.DryRun = []string{metav1.DryRunAll}
	}
	live, err := objects.Apply(ctx, object.GetName(), object, options)
	if preview && err != nil && !apierrors.IsInvalid(err) && !apierrors.IsBadRequest(err) {
		return asTheyAre, nil
	}
	if err != nil {
		return applied{}, conflict(err)
	}
	result := applied{id: objectID(live)}
	if preview {
		result.id = ""
		unstructured.RemoveNestedField(live.Object, "status")
	} else {
		live, result.notReady = awaitReady(ctx, objects, live, within(seconds))
	}
	result.state = state(live, inputs, manager)
	return result, nil
}

func within(seconds float64) time.Duration {
	if seconds > 0 {
		return time.Duration(seconds * float64(time.Second))
	}
	return rolloutTimeout
}

func conflict(err error) error {
	if apierrors.IsConflict(err) {
		return fmt.Errorf("Server-Side Apply field conflict detected: %w", err)
	}
	return err
}

// state is what is kept of an object: as it lives, and who applied it.
func state(live *unstructured.Unstructured, inputs resource.PropertyMap, manager string) resource.PropertyMap {
	properties := toProperties(live, inputs)
	properties[fieldManagerKey] = resource.NewProperty(manager)
	properties[initialAPIVersionKey] = resource.NewProperty(live.GetAPIVersion())
	return properties
}
