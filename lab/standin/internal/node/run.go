package node

import (
	"context"
	"math/rand/v2"
	"time"

	"standin/internal/access"
	"standin/internal/config"
	"standin/internal/logs"
)

// Options say how a node reaches its cluster.
type Options struct {
	Node config.Node
	Role string
	// Supervisor and API are URLs: a server's own port, or an agent's load balancer.
	Supervisor string
	API        string
	Token      string
}

// Run fetches the node's credentials, however long that takes, and starts the kubelet. It returns when the kubelet runs.
func Run(ctx context.Context, options Options) {
	for {
		err := fetch(options)
		if err == nil {
			break
		}
		logs.Info("Waiting to retrieve agent configuration; server is not ready: %v", err)
		if !sleep(ctx, 2*time.Second+time.Duration(rand.Int64N(int64(3*time.Second)))) {
			return
		}
	}
	kubelet := &Kubelet{Node: options.Node, Role: options.Role}
	if err := kubelet.Start(ctx); err != nil {
		logs.Fatal("kubelet exited: %v", err)
	}
}

func fetch(options Options) error {
	info, err := access.Dial(options.Supervisor, options.Token, "node")
	if err != nil {
		return err
	}
	return Fetch(options.Node, info, options.API)
}
