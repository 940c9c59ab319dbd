package node

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"standin/internal/access"
	"standin/internal/config"
	"standin/internal/logs"
	"standin/internal/shutdown"
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

// Fetch gets the node's credentials, however long that takes; false when ctx ended before.
func Fetch(ctx context.Context, options Options) bool {
	for {
		err := fetch(options)
		if err == nil {
			return true
		}
		logs.Info("Waiting to retrieve agent configuration; server is not ready: %v", err)
		if !sleep(ctx, 2*time.Second+time.Duration(rand.Int64N(int64(3*time.Second)))) {
			return false
		}
	}
}

func fetch(options Options) error {
	info, err := access.Dial(options.Supervisor, options.Token, "node")
	if err != nil {
		return err
	}
	return fetchCredentials(options.Node, info, options.API)
}

// Run starts containerd, and the kubelet once the API server is ready. What fails ends the process.
func Run(ctx context.Context, options Options) {
	if err := startContainerd(options.Node); err != nil {
		shutdown.Request(fmt.Errorf("containerd exited: %w", err))
		return
	}
	if err := awaitAPI(ctx, options.Node); err != nil {
		if ctx.Err() == nil {
			shutdown.Request(fmt.Errorf("failed to wait for API server to become ready: %w", err))
		}
		return
	}
	kubelet := &Kubelet{Node: options.Node, Role: options.Role}
	if err := kubelet.Start(ctx); err != nil {
		shutdown.Request(fmt.Errorf("kubelet exited: %w", err))
	}
}
