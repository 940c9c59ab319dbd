// The stand-in for the k3s executable: test equipment for machines that cannot have k3s itself. See CONTRACT.md.
//
// One binary plays k3s, the Kubernetes components that k3s starts, and kube-vip; the name it is started under decides.
package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"

	"k8s.io/component-base/cli"
	"k8s.io/kubectl/pkg/cmd"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllermanager "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"

	"standin/internal/agent"
	"standin/internal/config"
	"standin/internal/kubevip"
	"standin/internal/logs"
	"standin/internal/maintain"
	"standin/internal/release"
	"standin/internal/server"
	"standin/internal/snapshot"
)

func main() {
	switch filepath.Base(os.Args[0]) {
	case "kube-apiserver":
		os.Exit(cli.Run(apiserver.NewAPIServerCommand()))
	case "kube-controller-manager":
		os.Exit(cli.Run(controllermanager.NewControllerManagerCommand()))
	case "kube-scheduler":
		os.Exit(cli.Run(scheduler.NewSchedulerCommand()))
	case kubevip.Shim:
		kubevip.Main()
	case "kubectl":
		kubectl(os.Args[1:])
	default:
		k3s(os.Args[1:])
	}
}

func k3s(args []string) {
	commands := map[string]func([]string) error{
		"server": server.Command, "agent": agent.Command, "etcd-snapshot": snapshot.Command,
		"token": maintain.Token, "secrets-encrypt": maintain.SecretsEncrypt, "certificate": maintain.Certificates,
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	switch args[0] {
	case "--version", "-v":
		fmt.Printf("k3s version %s (stand-in)\ngo version %s\n", release.Version(), runtime.Version())
		return
	case "--help", "-h", "help":
		fmt.Println("NAME:\n   k3s - a stand-in for k3s, for rehearsals only\n\nCOMMANDS: server agent kubectl etcd-snapshot token secrets-encrypt certificate")
		return
	case "kubectl":
		kubectl(args[1:])
		return
	}
	command, found := commands[args[0]]
	logs.Setup(false)
	if !found {
		fmt.Fprintf(os.Stderr, "No help topic for '%s'\n", args[0])
		os.Exit(3)
	}
	if err := command(args[1:]); err != nil {
		var unknown config.ErrUnknown
		if errors.As(err, &unknown) {
			fmt.Fprintf(os.Stderr, "Incorrect Usage: %v\n", err)
		}
		logs.Fatal("Error: %v", err)
	}
}

// kubectl is upstream's, with k3s' kubeconfig unless the environment names another.
func kubectl(args []string) {
	if os.Getenv("KUBECONFIG") == "" {
		os.Setenv("KUBECONFIG", "/etc/rancher/k3s/k3s.yaml")
	}
	os.Args = append([]string{"kubectl"}, args...)
	if err := cli.RunNoErrOutput(cmd.NewDefaultKubectlCommand()); err != nil {
		os.Exit(1)
	}
}
