package kubernetes

import (
	"context"

	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// autonamed marks a name that Check has made up.
const autonamed = "pulumi.com/autonamed"

// check gives the object a name when it has none (the one it has already, or NAME-1234abcd), and a namespace.
func (k *kubernetes) check(_ context.Context, req p.CheckRequest) (p.CheckResponse, error) {
	inputs, old := toMap(req.Inputs), toMap(req.State)
	object := toObject(inputs)
	metadata := resource.PropertyMap{}
	switch given := inputs["metadata"]; {
	case given.IsSecret() || unknownItself(given):
		return p.CheckResponse{Inputs: req.Inputs}, nil
	case given.IsObject():
		metadata = given.ObjectValue().Copy()
	}
	if !metadata.HasValue("name") {
		if err := nameIt(metadata, toObject(old), req); err != nil {
			return p.CheckResponse{}, err
		}
	}
	if namespaced(object) && !metadata.HasValue("namespace") {
		metadata["namespace"] = resource.NewProperty(k.namespace)
	}
	checked := inputs.Copy()
	checked["metadata"] = resource.NewProperty(metadata)
	if object.GetKind() == "Secret" {
		checked = toSecret(checked)
	}
	return p.CheckResponse{Inputs: fromMap(checked)}, nil
}

func unknownItself(value resource.PropertyValue) bool {
	return value.IsComputed() || value.IsOutput() && !value.OutputValue().Known
}

func nameIt(metadata resource.PropertyMap, old *unstructured.Unstructured, req p.CheckRequest) error {
	name := old.GetName()
	if name == "" || old.GetAnnotations()[autonamed] != "true" {
		var err error
		name, err = resource.NewUniqueName(req.RandomSeed, req.Urn.Name()+"-", 8, 0, nil)
		if err != nil {
			return err
		}
	}
	annotations := resource.PropertyMap{}
	if given := metadata["annotations"]; given.IsObject() {
		annotations = given.ObjectValue().Copy()
	}
	annotations[autonamed] = resource.NewProperty("true")
	metadata["annotations"] = resource.NewProperty(annotations)
	metadata["name"] = resource.NewProperty(name)
	return nil
}

func toSecret(properties resource.PropertyMap) resource.PropertyMap {
	for _, key := range []resource.PropertyKey{"data", "stringData"} {
		if value, found := properties[key]; found && !value.IsSecret() && !unknownItself(value) {
			properties[key] = resource.MakeSecret(value)
		}
	}
	return properties
}

// diff compares inputs with inputs. What has changed in the cluster is seen after a refresh, which updates the old inputs.
func (k *kubernetes) diff(_ context.Context, req p.DiffRequest) (p.DiffResponse, error) {
	old, new := toMap(req.OldInputs), toMap(req.Inputs)
	for _, ignored := range req.IgnoreChanges {
		path, err := resource.ParsePropertyPath(ignored)
		if err != nil {
			return p.DiffResponse{}, err
		}
		path.Reset(old, new)
	}
	difference := old.Diff(new, resource.IsInternalPropertyKey)
	if difference == nil {
		return p.DiffResponse{}, nil
	}
	response := p.DiffResponse{HasChanges: true, DetailedDiff: map[string]p.PropertyDiff{}}
	object, replaced := toObject(new), false
	for path, change := range plugin.NewDetailedDiffFromObjectDiff(difference, true) {
		kind := change.Kind
		if replaces(object.GetKind(), path) {
			kind, replaced = kind.AsReplace(), true
		}
		response.DetailedDiff[path] = p.PropertyDiff{Kind: kinds[kind], InputDiff: true}
	}
	// an object that keeps the name which the program gave it cannot be there twice
	response.DeleteBeforeReplace = replaced && object.GetAnnotations()[autonamed] != "true" &&
		objectID(object) == objectID(toObject(old))
	return response, nil
}

var kinds = map[plugin.DiffKind]p.DiffKind{
	plugin.DiffAdd: p.Add, plugin.DiffAddReplace: p.AddReplace,
	plugin.DiffDelete: p.Delete, plugin.DiffDeleteReplace: p.DeleteReplace,
	plugin.DiffUpdate: p.Update, plugin.DiffUpdateReplace: p.UpdateReplace,
}
