package kubernetes

import (
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/property"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Outputs beside the live object itself, under the names of the real provider.
const (
	fieldManagerKey      = "__fieldManager"
	initialAPIVersionKey = "__initialApiVersion"
)

func toMap(properties property.Map) resource.PropertyMap {
	return resource.ToResourcePropertyValue(property.New(properties)).ObjectValue()
}

func fromMap(properties resource.PropertyMap) property.Map {
	return resource.FromResourcePropertyValue(resource.NewProperty(properties)).AsMap()
}

// toObject is the object that properties describe, secrets in clear, without Pulumi's own properties.
func toObject(properties resource.PropertyMap) *unstructured.Unstructured {
	object := map[string]any{}
	for key, value := range properties {
		if name := string(key); !strings.HasPrefix(name, "__") && name != "id" {
			object[name] = plain(value)
		}
	}
	return &unstructured.Unstructured{Object: object}
}

func plain(value resource.PropertyValue) any {
	switch {
	case value.IsSecret():
		return plain(value.SecretValue().Element)
	case value.IsOutput():
		return plain(value.OutputValue().Element)
	case value.IsArray():
		list := []any{}
		for _, element := range value.ArrayValue() {
			list = append(list, plain(element))
		}
		return list
	case value.IsObject():
		object := map[string]any{}
		for key, element := range value.ObjectValue() {
			if !element.IsNull() {
				object[string(key)] = plain(element)
			}
		}
		return object
	case value.IsNumber():
		if number := value.NumberValue(); number == float64(int64(number)) {
			return int64(number)
		}
	}
	return value.Mappable()
}

// toProperties is an object's properties, secret where they are secret in `like`. A Secret's data always are.
func toProperties(object *unstructured.Unstructured, like resource.PropertyMap) resource.PropertyMap {
	properties := resource.NewPropertyMapFromMap(object.Object)
	for key, value := range properties {
		properties[key] = markSecrets(value, like[key])
		sensitive := object.GetKind() == "Secret" && (key == "data" || key == "stringData")
		if sensitive && !properties[key].IsSecret() {
			properties[key] = resource.MakeSecret(properties[key])
		}
	}
	return properties
}

func markSecrets(value, like resource.PropertyValue) resource.PropertyValue {
	switch {
	case like.IsSecret() || like.IsOutput() && like.OutputValue().Secret:
		return resource.MakeSecret(value)
	case value.IsObject() && like.IsObject():
		for key, element := range value.ObjectValue() {
			value.ObjectValue()[key] = markSecrets(element, like.ObjectValue()[key])
		}
	case value.IsArray() && like.IsArray():
		for i := range min(len(value.ArrayValue()), len(like.ArrayValue())) {
			value.ArrayValue()[i] = markSecrets(value.ArrayValue()[i], like.ArrayValue()[i])
		}
	}
	return value
}

// pruned is what is in `live` of the fields that `inputs` has: the API server adds many of its own.
func pruned(live, inputs any) any {
	switch shape := inputs.(type) {
	case map[string]any:
		if object, ok := live.(map[string]any); ok {
			kept := map[string]any{}
			for key, inner := range shape {
				if value, found := object[key]; found {
					kept[key] = pruned(value, inner)
				}
			}
			return kept
		}
	case []any:
		if list, ok := live.([]any); ok {
			kept := []any{}
			for i, element := range list {
				if i < len(shape) {
					element = pruned(element, shape[i])
				}
				kept = append(kept, element)
			}
			return kept
		}
	}
	return live
}

// objectID is NAMESPACE/NAME, or NAME for what has no namespace.
func objectID(object *unstructured.Unstructured) string {
	if namespace := object.GetNamespace(); namespace != "" {
		return namespace + "/" + object.GetName()
	}
	return object.GetName()
}

func splitID(id string) (namespace, name string) {
	if before, after, found := strings.Cut(id, "/"); found {
		return before, after
	}
	return "", id
}
