package kubernetes

import (
	"context"
	"errors"
	"fmt"
	"time"

	p "github.com/pulumi/pulumi-go-provider"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/dynamic"
)

// skipAwait is the annotation that says not to wait until an object is ready.
const skipAwait = "pulumi.com/skipAwait"

// awaitReady waits until the object is ready, and gives it as it is then, and why it is not ready if it is not.
func awaitReady(
	ctx context.Context, objects dynamic.ResourceInterface, live *unstructured.Unstructured, timeout time.Duration,
) (*unstructured.Unstructured, error) {
	if live.GetAnnotations()[skipAwait] == "true" {
		return live, nil
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	missing := missingFor(live)
	err := waitFor(ctx, func() (bool, error) {
		if missing == "" {
			return true, nil
		}
		p.GetLogger(ctx).InfoStatus("waiting: " + missing)
		newer, err := objects.Get(ctx, live.GetName(), metav1.GetOptions{})
		if err != nil {
			return false, err
		}
		live = newer
		missing = missingFor(live)
		return missing == "", nil
	})
	if errors.Is(err, context.DeadlineExceeded) {
		err = fmt.Errorf("timed out after %s: %s", timeout, missing)
	}
	return live, err
}

// missingFor says what an object lacks to be ready: "" for nothing, and for kinds that have nothing to wait for.
func missingFor(object *unstructured.Unstructured) string {
	count := func(fields ...string) int64 {
		number, _, _ := unstructured.NestedInt64(object.Object, fields...)
		return number
	}
	rollout := func(wanted int64, updated, ready string) string {
		switch {
		case count("status", "observedGeneration") < object.GetGeneration():
			return fmt.Sprintf("%s %s: its controller has not seen it yet", object.GetKind(), objectID(object))
		case count("status", updated) < wanted || count("status", ready) < wanted:
			return fmt.Sprintf("%s %s: %d of %d pods updated, %d ready",
				object.GetKind(), objectID(object), count("status", updated), wanted, count("status", ready))
		}
		return ""
	}
	switch object.GetKind() {
	case "DaemonSet":
		return rollout(count("status", "desiredNumberScheduled"), "updatedNumberScheduled", "numberReady")
	case "Deployment":
		wanted, found, _ := unstructured.NestedInt64(object.Object, "spec", "replicas")
		if !found {
			wanted = 1
		}
		return rollout(wanted, "updatedReplicas", "availableReplicas")
	}
	return ""
}
