package kubernetes

import (
	"context"
	"fmt"
	"os"
	"reflect"
	"strings"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"
)

// reachTimeout is how long an API server may take to say that it is there.
const reachTimeout = 15 * time.Second

// cluster is a cluster by its kubeconfig. It is connected to when it is first needed.
type cluster struct {
	namespace string
	config    *rest.Config
	invalid   error

	once   sync.Once
	client dynamic.Interface
	mapper *restmapper.DeferredDiscoveryRESTMapper
	failed error
}

// newCluster takes the kubeconfig's text, or its path, or $KUBECONFIG and ~/.kube/config when empty. A bad kubeconfig
// is an error only when the cluster is needed.
func newCluster(kubeconfig string) *cluster {
	loaded, err := load(kubeconfig)
	if err != nil {
		return &cluster{namespace: "default", invalid: fmt.Errorf("failed to parse kubeconfig data in `kubernetes:config:kubeconfig`- %v", err)}
	}
	client := clientcmd.NewDefaultClientConfig(*loaded, &clientcmd.ConfigOverrides{})
	namespace, _, err := client.Namespace()
	if err != nil {
		namespace = "default"
	}
	config, err := client.ClientConfig()
	if err == nil {
		config.QPS, config.Burst = 50, 120
	}
	return &cluster{namespace: namespace, config: config, invalid: err}
}

func load(kubeconfig string) (*api.Config, error) {
	if kubeconfig == "" {
		return clientcmd.NewDefaultClientConfigLoadingRules().Load()
	}
	if _, err := os.Stat(kubeconfig); err == nil {
		return clientcmd.LoadFromFile(kubeconfig)
	}
	return clientcmd.Load([]byte(kubeconfig))
}

// connect checks once that the API server answers.
func (c *cluster) connect() error {
	c.once.Do(func() {
		if c.failed = c.invalid; c.failed != nil {
			return
		}
		short := rest.CopyConfig(c.config)
		short.Timeout = reachTimeout
		found, err := discovery.NewDiscoveryClientForConfig(short)
		if err == nil {
			_, err = found.ServerVersion()
		}
		if err == nil {
			c.client, err = dynamic.NewForConfig(c.config)
		}
		if err != nil {
			c.failed = fmt.Errorf("unable to load schema information from the API server: %v", err)
			return
		}
		c.mapper = restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(found))
	})
	if c.failed != nil {
		return unreachable{c.failed}
	}
	return nil
}

// unreachable is the error of everything that needs a cluster which cannot be had.
type unreachable struct{ reason error }

func (u unreachable) Error() string {
	return fmt.Sprintf("configured Kubernetes cluster is unreachable: %v", u.reason)
}

// objects is where objects of this one's kind and namespace are. The kinds that the server knows are asked for again
// when this one is not among them: its CustomResourceDefinition may be new.
func (c *cluster) objects(object *unstructured.Unstructured) (dynamic.ResourceInterface, error) {
	if err := c.connect(); err != nil {
		return nil, err
	}
	gvk := object.GroupVersionKind()
	mapping, err := c.mapper.RESTMapping(gvk.GroupKind(), gvk.Version)
	if meta.IsNoMatchError(err) {
		c.mapper.Reset()
		mapping, err = c.mapper.RESTMapping(gvk.GroupKind(), gvk.Version)
	}
	if err != nil {
		return nil, err
	}
	if mapping.Scope.Name() == meta.RESTScopeNameNamespace {
		return c.client.Resource(mapping.Resource).Namespace(object.GetNamespace()), nil
	}
	return c.client.Resource(mapping.Resource), nil
}

// waitFor calls `done` once a second until it is true or fails, or the context ends.
func waitFor(ctx context.Context, done func() (bool, error)) error {
	for {
		if ready, err := done(); ready || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Second):
		}
	}
}

// sameCluster compares the clusters that two kubeconfigs' current contexts mean; what cannot be read is not another cluster.
func sameCluster(old, new string) bool {
	oldCluster, newCluster := active(old), active(new)
	return oldCluster == nil || newCluster == nil || reflect.DeepEqual(oldCluster, newCluster)
}

func active(kubeconfig string) *api.Cluster {
	if strings.TrimSpace(kubeconfig) == "" {
		return nil
	}
	config, err := load(kubeconfig)
	if err != nil || config.Contexts[config.CurrentContext] == nil {
		return nil
	}
	cluster := config.Clusters[config.Contexts[config.CurrentContext].Cluster]
	if cluster != nil {
		cluster.LocationOfOrigin = ""
	}
	return cluster
}
