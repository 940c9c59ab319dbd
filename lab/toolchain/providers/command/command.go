// Package command is the stand-in for the Pulumi provider `command` v1.2.1.
package command

import (
	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi-go-provider/infer"

	"homelab-k3s/lab/toolchain/providers/command/local"
	"homelab-k3s/lab/toolchain/providers/command/remote"
)

// Version is the version of the real provider that this one stands in for.
const Version = "1.2.1"

// Provider serves command:local:Command, command:remote:Command and command:remote:CopyToRemote.
func Provider() p.Provider {
	return infer.Provider(infer.Options{Resources: []infer.InferredResource{
		infer.Resource(&local.Command{}),
		infer.Resource(&remote.Command{}),
		infer.Resource(&remote.CopyToRemote{}),
	}})
}
