package agent

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"os/signal"
	"syscall"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"standin/internal/config"
	"standin/internal/logs"
	"standin/internal/node"
	"standin/internal/release"
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
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
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
	node.Run(ctx, node.Options{Node: settings, Role: "agent", Supervisor: local, API: local, Token: settings.Token})
	if ctx.Err() != nil {
		return nil
	}
	cfg, err := clientcmd.BuildConfigFromFlags("", settings.AgentDir("kubelet.kubeconfig"))
	if err != nil {
		return err
	}
	client, err := kubernetes.NewForConfig(cfg)
	if err != nil {
		return err
	}
	follow(ctx, client, balancer)
	return nil
}

// follow keeps the balancer's list of servers fresh; the first answer means that the agent is up.
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
			if !ready {
				ready = true
				logs.Info("k3s agent is up and running")
				daemon.SdNotify(true, "READY=1")
			}
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
