package kubernetes

import (
	"context"
	"reflect"
	"regexp"
	"strings"
	"testing"

	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/property"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

type object = map[string]any

func properties(o object) resource.PropertyMap { return resource.NewPropertyMapFromMap(o) }

func TestMissingFor(t *testing.T) {
	metadata := object{"name": "vip", "namespace": "kube-system", "generation": int64(2)}
	for name, test := range map[string]struct {
		object object
		want   string
	}{
		"a kind that is ready at once": {object{"kind": "ConfigMap", "metadata": metadata}, ""},
		"not seen yet": {object{"kind": "DaemonSet", "metadata": metadata, "status": object{"observedGeneration": int64(1)}},
			"DaemonSet kube-system/vip: its controller has not seen it yet"},
		"rolling": {object{"kind": "DaemonSet", "metadata": metadata, "status": object{
			"observedGeneration": int64(2), "desiredNumberScheduled": int64(3), "updatedNumberScheduled": int64(2), "numberReady": int64(3)}},
			"DaemonSet kube-system/vip: 2 of 3 pods updated, 3 ready"},
		"rolled out": {object{"kind": "DaemonSet", "metadata": metadata, "status": object{
			"observedGeneration": int64(2), "desiredNumberScheduled": int64(3), "updatedNumberScheduled": int64(3), "numberReady": int64(3)}}, ""},
		"a deployment has one replica": {object{"kind": "Deployment", "metadata": metadata, "status": object{"observedGeneration": int64(2)}},
			"Deployment kube-system/vip: 0 of 1 pods updated, 0 ready"},
	} {
		if got := missingFor(&unstructured.Unstructured{Object: test.object}); got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}

func TestReplaces(t *testing.T) {
	for _, test := range []struct {
		kind, path string
		want       bool
	}{
		{"ConfigMap", "data.key", true}, {"ConfigMap", "metadata.labels.a", false}, {"ConfigMap", "metadata.name", true},
		{"ConfigMap", `data["a.b"]`, true}, {"ConfigMap", "database", false}, {"DaemonSet", "spec.template", false},
		{"ClusterRoleBinding", "roleRef.name", true}, {"ClusterRoleBinding", "subjects[0].name", false},
	} {
		if got := replaces(test.kind, test.path); got != test.want {
			t.Errorf("%s %s: %v", test.kind, test.path, got)
		}
	}
}

func TestPruned(t *testing.T) {
	live := object{"spec": object{"a": int64(1), "default": "x", "list": []any{object{"n": "1", "default": "y"}, object{"n": "2"}}}, "status": "ok"}
	inputs := object{"spec": object{"a": int64(7), "gone": "z", "list": []any{object{"n": "1"}}}}
	want := object{"spec": object{"a": int64(1), "list": []any{object{"n": "1"}, object{"n": "2"}}}}
	if got := pruned(live, inputs); !reflect.DeepEqual(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestSecretsStaySecret(t *testing.T) {
	inputs := properties(object{"spec": object{"list": []any{object{"open": "a", "hidden": "b"}}}})
	item := inputs["spec"].ObjectValue()["list"].ArrayValue()[0].ObjectValue()
	item["hidden"] = resource.MakeSecret(item["hidden"])
	live := toObject(inputs)
	got := toProperties(live, inputs)["spec"].ObjectValue()["list"].ArrayValue()[0].ObjectValue()
	if !got["hidden"].IsSecret() || got["open"].IsSecret() {
		t.Errorf("%v", got)
	}
	secret := &unstructured.Unstructured{Object: object{"kind": "Secret", "data": object{"a": "b"}}}
	if got := toProperties(secret, nil); !got["data"].IsSecret() {
		t.Errorf("%v", got)
	}
}

func TestCheckNamesWhatHasNoName(t *testing.T) {
	k := &kubernetes{namespace: "default"}
	urn := resource.URN("urn:pulumi:s::p::kubernetes:core/v1:ConfigMap::settings")
	check := func(inputs, old resource.PropertyMap) *unstructured.Unstructured {
		response, err := k.check(context.Background(), p.CheckRequest{Urn: urn, Inputs: fromMap(inputs), State: fromMap(old)})
		if err != nil {
			t.Fatal(err)
		}
		return toObject(toMap(response.Inputs))
	}
	first := check(properties(object{"kind": "ConfigMap"}), nil)
	if !regexp.MustCompile(`^settings-[0-9a-f]{8}$`).MatchString(first.GetName()) || first.GetNamespace() != "default" {
		t.Errorf("%v", first)
	}
	again := check(properties(object{"kind": "ConfigMap"}), properties(first.Object))
	if again.GetName() != first.GetName() {
		t.Errorf("%s became %s", first.GetName(), again.GetName())
	}
	named := check(properties(object{"kind": "ClusterRole", "metadata": object{"name": "mine"}}), nil)
	if named.GetName() != "mine" || named.GetNamespace() != "" || named.GetAnnotations()[autonamed] != "" {
		t.Errorf("%v", named)
	}
}

func TestDiffConfig(t *testing.T) {
	kubeconfig := func(server string) string {
		return strings.ReplaceAll(`{"current-context": "c", "contexts": [{"name": "c", "context": {"cluster": "k"}}],
			"clusters": [{"name": "k", "cluster": {"server": "SERVER"}}], "users": [{"name": "u", "user": {"token": "TOKEN"}}]}`, "SERVER", server)
	}
	a, b := kubeconfig("https://a"), kubeconfig("https://b")
	newToken := strings.Replace(a, "TOKEN", "OTHER", 1)
	for name, test := range map[string]struct {
		old, new resource.PropertyMap
		want     p.DiffKind
	}{
		"the same":                        {properties(object{"kubeconfig": a}), properties(object{"kubeconfig": a}), ""},
		"a new token":                     {properties(object{"kubeconfig": a}), properties(object{"kubeconfig": newToken}), p.Update},
		"another server":                  {properties(object{"kubeconfig": a}), properties(object{"kubeconfig": b}), p.UpdateReplace},
		"another server, same identifier": {properties(object{"kubeconfig": a, "clusterIdentifier": "i"}), properties(object{"kubeconfig": b, "clusterIdentifier": "i"}), p.Update},
		"unknown": {properties(object{"kubeconfig": a}),
			resource.PropertyMap{"kubeconfig": resource.MakeComputed(resource.NewProperty(""))}, p.UpdateReplace},
		"unknown, same identifier": {properties(object{"kubeconfig": a, "clusterIdentifier": "i"}), resource.PropertyMap{
			"clusterIdentifier": resource.NewProperty("i"), "kubeconfig": resource.MakeComputed(resource.NewProperty(""))}, p.Update},
	} {
		response, err := diffConfig(context.Background(), p.DiffRequest{State: fromMap(test.old), Inputs: fromMap(test.new)})
		if err != nil || response.DetailedDiff["kubeconfig"].Kind != test.want || response.HasChanges != (test.want != "") {
			t.Errorf("%s: %+v %v, want %q", name, response, err, test.want)
		}
	}
	other, err := diffConfig(context.Background(), p.DiffRequest{
		State: fromMap(properties(object{"clusterIdentifier": "i"})), Inputs: fromMap(properties(object{"clusterIdentifier": "j"}))})
	if err != nil || other.DetailedDiff["clusterIdentifier"].Kind != p.UpdateReplace {
		t.Errorf("another identifier: %+v %v", other, err)
	}
}

func TestCheckConfigRefusesWhatItDoesNotHave(t *testing.T) {
	for name, wanted := range map[string]int{"kubeconfig": 0, "namespace": 0, "renderYamlToDirectory": 1} {
		inputs := property.NewMap(map[string]property.Value{name: property.New("value"), "context": property.New(property.Null)})
		response, err := checkConfig(context.Background(), p.CheckRequest{Inputs: inputs})
		if err != nil || len(response.Failures) != wanted {
			t.Errorf("%s: %+v %v", name, response, err)
		}
	}
}
