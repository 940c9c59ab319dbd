// Package random is the stand-in for the Pulumi provider `random` v4.21.2: RandomPassword, RandomString and RandomId.
// None of them can be updated: every change of an input, `keepers` included, replaces the resource.
package random

import (
	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi-go-provider/infer"
)

// Version is the version of the real provider that this one stands in for.
const Version = "4.21.2"

// Provider serves the three resources.
func Provider() p.Provider {
	return infer.Provider(infer.Options{Resources: []infer.InferredResource{
		infer.Resource(&Password{}),
		infer.Resource(&String{}),
		infer.Resource(&ID{}),
	}})
}
