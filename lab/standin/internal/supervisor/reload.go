package supervisor

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"k8s.io/client-go/kubernetes"
)

const (
	// reloadLimit is longer than the minute after which the API server looks at its encryption configuration again.
	reloadLimit  = 80 * time.Second
	reloadMetric = "apiserver_encryption_config_controller_automatic_reloads_total"
)

// reloadCount is how often the API server has taken over a new encryption configuration.
func reloadCount(ctx context.Context, client kubernetes.Interface) (float64, error) {
	content, err := client.Discovery().RESTClient().Get().AbsPath("/metrics").DoRaw(ctx)
	if err != nil {
		return 0, err
	}
	return parseReloads(string(content))
}

func parseReloads(metrics string) (float64, error) {
	for _, line := range strings.Split(metrics, "\n") {
		if strings.HasPrefix(line, reloadMetric+"{") && strings.Contains(line, `status="success"`) {
			return strconv.ParseFloat(line[strings.LastIndexByte(line, ' ')+1:], 64)
		}
	}
	return 0, nil
}

func awaitReload(ctx context.Context, client kubernetes.Interface, before float64) error {
	for deadline := time.Now().Add(reloadLimit); time.Now().Before(deadline); time.Sleep(time.Second) {
		if count, err := reloadCount(ctx, client); err == nil && count > before {
			return nil
		}
	}
	return errors.New("timed out waiting for the API server to reload its encryption configuration")
}
