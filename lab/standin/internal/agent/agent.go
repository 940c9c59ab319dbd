package agent

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"standin/internal/config"
	"standin/internal/logs"
	"standin/internal/node"
	"standin/internal/release"
	"standin/internal/shutdown"
)

// Command runs `k3s agent`.
func Command(args []string) error {
	values, rest, err := config.Read(config.AgentFlags, args, func(key string) error { return config.ErrUnknown{Name: key} })
	if err != nil {
		return err
	}
	if len(rest) > 0 {
		return fmt.Errorf("No help topic for '%s'", rest[0])
	}
	settings, err := config.NewNode(values)
	if err != nil {
		return err
	}
	switch {
	case settings.Token == "":
		return fmt.Errorf("--token is required")
	case settings.JoinURL == "":
		return fmt.Errorf("--server is required")
	}
	server, err := url.Parse(settings.JoinURL)
	if err != nil || server.Scheme != "https" {
		return fmt.Errorf("--server must be an https URL: %s", settings.JoinURL)
	}
	logs.Info("Starting k3s agent %s (stand-in)", release.Version())
	ctx := shutdown.Context()
	address := server.Host
	if server.Port() == "" {
		address += ":443"
	}
	port := settings.Text("lb-server-port")
	balancer, err := NewBalancer(port, settings.AgentDir("etc", "k3s-agent-load-balancer.json"), address)
	if err != nil {
		return err
	}
	local := "https://127.0.0.1:" + port
	options := node.Options{Node: settings, Role: "agent", Supervisor: local, API: local, Token: settings.Token}
	if !node.Fetch(ctx, options) {
		return nil
	}
	go node.Run(ctx, options)
	cfg, err := clientcmd.BuildConfigFromFlags("", settings.AgentDir("kubelet.kubeconfig"))
	if err != nil {
		return err
	}
	client, err := kubernetes.NewForConfig(cfg)
	if err != nil {
		return err
	}
	go announce(ctx, client, settings.Name)
	follow(ctx, client, balancer)
	return nil
}

// announce says that the agent is up once its Node is there, be it an earlier kubelet's.
func announce(ctx context.Context, client kubernetes.Interface, name string) {
	for {
		bounded, cancel := context.WithTimeout(ctx, 10*time.Second)
		_, err := client.CoreV1().Nodes().Get(bounded, name, metav1.GetOptions{})
		cancel()
		if err == nil {
			logs.Info("k3s agent is up and running")
			daemon.SdNotify(true, "READY=1")
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(time.Second):
		}
	}
}

// follow keeps the balancer's list of servers fresh.
func follow(ctx context.Context, client kubernetes.Interface, balancer *Balancer) {
	ready := false
	for ctx.Err() == nil {
		bounded, cancel := context.WithTimeout(ctx, 10*time.Second)
		servers, err := apiservers(bounded, client)
		cancel()
		if err != nil {
			logs.Info("Failed to retrieve list of apiservers from server: %v", err)
		} else {
			balancer.Update(servers)
			ready = true
		}
		pause := 5 * time.Second
		if !ready {
			pause = time.Second
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
}

// apiservers asks the supervisor, as a node: kubelets may not read the endpoints of Services.
func apiservers(ctx context.Context, client kubernetes.Interface) ([]string, error) {
	content, err := client.CoreV1().RESTClient().Get().AbsPath("/v1-k3s/apiservers").DoRaw(ctx)
	if err != nil {
		return nil, err
	}
	var servers []string
	return servers, json.Unmarshal(content, &servers)
}
