// Command providers is the stand-in for three Pulumi providers: test equipment for machines on which the real ones
// cannot be had. Which one it is, is said by the name under which it is started. What it claims about the real ones
// is in ../CONTRACT.md.
package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	p "github.com/pulumi/pulumi-go-provider"

	"homelab-k3s/lab/toolchain/providers/command"
	"homelab-k3s/lab/toolchain/providers/kubernetes"
	"homelab-k3s/lab/toolchain/providers/random"
)

func main() {
	if err := serve(filepath.Base(os.Args[0])); err != nil {
		fmt.Fprintln(os.Stderr, "Error:", err)
		os.Exit(1)
	}
}

func serve(program string) error {
	switch program {
	case "pulumi-resource-command":
		return p.RunProvider(context.Background(), "command", command.Version, command.Provider())
	case "pulumi-resource-random":
		return p.RunProvider(context.Background(), "random", random.Version, random.Provider())
	case "pulumi-resource-kubernetes":
		return p.RunProvider(context.Background(), "kubernetes", kubernetes.Version, kubernetes.Provider())
	}
	return fmt.Errorf("this is a stand-in for Pulumi providers and goes by its name: "+
		"%q is none of pulumi-resource-command, pulumi-resource-random, pulumi-resource-kubernetes", program)
}
