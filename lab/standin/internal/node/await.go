package node

import (
	"context"
	"errors"
	"time"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"standin/internal/config"
	"standin/internal/logs"
)

// readyTimeout is how long k3s waits for the API server before it ends, and systemd starts it again: so does a server without a
// majority, for as long as there is none.
const readyTimeout = 15 * time.Minute

// awaitAPI returns when the API server that this node uses is ready.
func awaitAPI(ctx context.Context, node config.Node) error {
	cfg, err := clientcmd.BuildConfigFromFlags("", node.AgentDir("kubelet.kubeconfig"))
	if err != nil {
		return err
	}
	cfg.Timeout = 15 * time.Second
	client, err := kubernetes.NewForConfig(cfg)
	if err != nil {
		return err
	}
	return await(ctx, readyTimeout, 2*time.Second, func(ctx context.Context) error {
		_, err := client.Discovery().RESTClient().Get().AbsPath("/readyz").DoRaw(ctx)
		return err
	})
}

// await asks until the answer is good; what was wrong at last stands in the error.
func await(ctx context.Context, limit, pause time.Duration, ask func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	last := errors.New("API server not polled")
	for {
		err := ask(ctx)
		if err == nil {
			return nil
		}
		if err.Error() != last.Error() {
			logs.Info("Polling for API server readiness: GET /readyz failed: %v", err)
			last = err
		}
		if !sleep(ctx, pause) {
			return errors.Join(ctx.Err(), last)
		}
	}
}
