// Package command is the stand-in for the Pulumi provider `command` v1.2.1.
package command

import (
	"context"

	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi-go-provider/infer"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/property"

	"homelab-k3s/lab/toolchain/providers/command/local"
	"homelab-k3s/lab/toolchain/providers/command/remote"
)

// Version is the version of the real provider that this one stands in for.
const Version = "1.2.1"

// Provider serves command:local:Command, command:remote:Command and command:remote:CopyToRemote.
func Provider() p.Provider {
	return hideSource(infer.Provider(infer.Options{Resources: []infer.InferredResource{
		infer.Resource(&local.Command{}),
		infer.Resource(&remote.Command{}),
		infer.Resource(&remote.CopyToRemote{}),
	}}))
}

// hideSource makes the `source` of a copy unknown in previews, as it is with the real provider: its library loses what
// it knows of an asset on the way out.
func hideSource(provider p.Provider) p.Provider {
	hide := func(urn resource.URN, preview bool, outputs property.Map) property.Map {
		source, found := outputs.GetOk("source")
		if !preview || !found || urn.Type() != "command:remote:CopyToRemote" {
			return outputs
		}
		return outputs.Set("source", property.New(property.Computed).WithSecret(source.Secret()))
	}
	create, update := provider.Create, provider.Update
	provider.Create = func(ctx context.Context, req p.CreateRequest) (p.CreateResponse, error) {
		response, err := create(ctx, req)
		response.Properties = hide(req.Urn, req.DryRun, response.Properties)
		return response, err
	}
	provider.Update = func(ctx context.Context, req p.UpdateRequest) (p.UpdateResponse, error) {
		response, err := update(ctx, req)
		response.Properties = hide(req.Urn, req.DryRun, response.Properties)
		return response, err
	}
	return provider
}
