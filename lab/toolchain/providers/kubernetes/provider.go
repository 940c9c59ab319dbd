// Package kubernetes is the stand-in for the Pulumi provider `kubernetes` v4.34.2: every kind that the API server
// knows, applied by server-side apply. No Helm, no YAML files, no Patch resources, no client-side apply.
package kubernetes

import (
	"context"
	"fmt"
	"slices"
	"strings"

	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/property"

	"github.com/pulumi/pulumi-go-provider/middleware/cancel"
)

// Version is the version of the real provider that this one stands in for.
const Version = "4.34.2"

// settings are the provider's arguments that this stand-in heeds. `clusterIdentifier` matters to DiffConfig only.
var settings = []string{"kubeconfig", "clusterIdentifier", "enableServerSideApply", "namespace", "deleteUnreachable", "upsertExistingObjects", "enablePatchForce", "version", "pluginDownloadURL"}

// kubernetes is one configured provider.
type kubernetes struct {
	cluster   *cluster
	namespace string
	// deleteUnreachable forgets the objects of a cluster that cannot be reached.
	deleteUnreachable bool
	// upsertExisting lets a create take over an object that is there already.
	upsertExisting bool
	// force takes fields that another manager owns.
	force bool
}

// Provider serves `kubernetes:GROUP/VERSION:KIND`.
func Provider() p.Provider {
	k := &kubernetes{}
	return cancel.Wrap(p.Provider{
		CheckConfig: checkConfig,
		DiffConfig:  diffConfig,
		Configure:   k.configure,
		Check:       k.check,
		Diff:        k.diff,
		Create:      k.create,
		Read:        k.read,
		Update:      k.update,
		Delete:      k.delete,
		Invoke: func(_ context.Context, req p.InvokeRequest) (p.InvokeResponse, error) {
			return p.InvokeResponse{}, fmt.Errorf("the stand-in for the kubernetes provider has no function %s", req.Token)
		},
	})
}

func checkConfig(_ context.Context, req p.CheckRequest) (p.CheckResponse, error) {
	response := p.CheckResponse{Inputs: req.Inputs}
	for name, value := range req.Inputs.All {
		if !slices.Contains(settings, name) && !strings.HasPrefix(name, "__") && !isDefault(value) {
			response.Failures = append(response.Failures, p.CheckFailure{
				Property: name, Reason: "the stand-in for the kubernetes provider does not have this setting",
			})
		}
	}
	if value := req.Inputs.Get("enableServerSideApply"); value.IsString() && value.AsString() == "false" {
		response.Failures = append(response.Failures, p.CheckFailure{
			Property: "enableServerSideApply", Reason: "the stand-in for the kubernetes provider has server-side apply only",
		})
	}
	return response, nil
}

// isDefault: the SDK sends settings that are not given as null or "", and objects of nothing as "{}".
func isDefault(value property.Value) bool {
	return value.IsNull() || value.IsString() && slices.Contains([]string{"", "{}"}, value.AsString())
}

// diffConfig replaces the provider, and with it all its objects, when they seem to be in another cluster: by
// `clusterIdentifier` when there is one, else when the kubeconfig is unknown or names another server or certificate authority.
func diffConfig(_ context.Context, req p.DiffRequest) (p.DiffResponse, error) {
	response := p.DiffResponse{DetailedDiff: map[string]p.PropertyDiff{}}
	old, new := toMap(req.State), toMap(req.Inputs)
	if diff := old.Diff(new); diff != nil {
		for _, key := range diff.ChangedKeys() {
			response.DetailedDiff[string(key)] = p.PropertyDiff{Kind: p.Update, InputDiff: true}
		}
	}
	response.HasChanges = len(response.DetailedDiff) > 0
	cause := "kubeconfig"
	oldID, newID := text(old["clusterIdentifier"]), text(new["clusterIdentifier"])
	if newID != "" && oldID != "" {
		if oldID == newID {
			return response, nil
		}
		cause = "clusterIdentifier"
	} else if !unknown(new["kubeconfig"]) && sameCluster(text(old["kubeconfig"]), text(new["kubeconfig"])) {
		return response, nil
	}
	response.HasChanges = true
	response.DetailedDiff[cause] = p.PropertyDiff{Kind: p.UpdateReplace, InputDiff: true}
	return response, nil
}

func (k *kubernetes) configure(_ context.Context, req p.ConfigureRequest) error {
	args := toMap(req.Args)
	k.cluster = newCluster(text(args["kubeconfig"]))
	k.namespace = text(args["namespace"])
	k.deleteUnreachable = text(args["deleteUnreachable"]) == "true"
	k.upsertExisting = text(args["upsertExistingObjects"]) == "true"
	k.force = text(args["enablePatchForce"]) == "true"
	if k.namespace == "" {
		k.namespace = k.cluster.namespace
	}
	return nil
}

// text is a string, secret or not; "" for everything else.
func text(value resource.PropertyValue) string {
	for value.IsSecret() {
		value = value.SecretValue().Element
	}
	if value.IsOutput() && value.OutputValue().Known {
		return text(value.OutputValue().Element)
	}
	if value.IsString() {
		return value.StringValue()
	}
	return ""
}

func unknown(value resource.PropertyValue) bool { return value.ContainsUnknowns() }
