package kubernetes

import (
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// clusterWide are the built-in kinds without a namespace. Everything else is taken for namespaced until the API server
// says otherwise, since a preview must do without it.
var clusterWide = []string{
	"APIService", "CSIDriver", "CSINode", "CertificateSigningRequest", "ClusterRole", "ClusterRoleBinding",
	"ClusterTrustBundle", "ComponentStatus", "CustomResourceDefinition", "DeviceClass", "FlowSchema", "IPAddress",
	"IngressClass", "MutatingAdmissionPolicy", "MutatingAdmissionPolicyBinding", "MutatingWebhookConfiguration",
	"Namespace", "Node", "PersistentVolume", "PriorityClass", "PriorityLevelConfiguration", "ResourceSlice",
	"RuntimeClass", "ServiceCIDR", "StorageClass", "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding",
	"ValidatingWebhookConfiguration", "VolumeAttachment", "VolumeAttributesClass",
}

func namespaced(object *unstructured.Unstructured) bool {
	return !slices.Contains(clusterWide, object.GetKind())
}

// immutable are the fields whose change replaces an object, by kind, beside its name and namespace.
var immutable = map[string][]string{
	"ClusterRoleBinding":    {"roleRef"},
	"ConfigMap":             {"binaryData", "data"},
	"Deployment":            {"spec.selector"},
	"Job":                   {"spec.completions", "spec.parallelism", "spec.selector", "spec.template"},
	"PersistentVolumeClaim": {"spec"},
	"Pod":                   {"spec"},
	"RoleBinding":           {"roleRef"},
	"Secret":                {"data", "stringData", "type"},
	"Service":               {"spec.clusterIP"},
	"StatefulSet": {
		"spec.podManagementPolicy", "spec.revisionHistoryLimit", "spec.selector", "spec.serviceName",
		"spec.volumeClaimTemplates",
	},
	"StorageClass": {"parameters", "provisioner"},
}

// replaces says whether a change at a path (`spec.selector.matchLabels.app`) of an object of this kind replaces it.
func replaces(kind, path string) bool {
	for _, field := range append([]string{"apiVersion", "kind", "metadata.name", "metadata.namespace"}, immutable[kind]...) {
		if path == field || strings.HasPrefix(path, field+".") || strings.HasPrefix(path, field+"[") {
			return true
		}
	}
	return false
}
