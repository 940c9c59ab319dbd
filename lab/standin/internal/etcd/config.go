package etcd

import (
	"strconv"
	"strings"

	"go.uber.org/zap"
	"sigs.k8s.io/yaml"

	"standin/internal/certs"
)

// quiet keeps the etcd client's own retries out of the journal.
func quiet() *zap.Logger { return zap.NewNop() }

// render makes etcd's configuration file: k3s' own values, then etcd-arg over them, then how the cluster starts.
func (m *Member) render(initial map[string]any) ([]byte, error) {
	set := certs.Set{Server: m.Server}
	metrics := "http://127.0.0.1:2381"
	if m.Server.Switch("etcd-expose-metrics") {
		metrics += ",http://" + m.Server.IP + ":2381"
	}
	values := map[string]any{
		"name": m.Name, "data-dir": m.dir(),
		"listen-client-urls": Local + "," + m.clientURL(), "advertise-client-urls": m.clientURL(),
		"listen-client-http-urls": "https://127.0.0.1:2382",
		"listen-peer-urls":        "https://127.0.0.1:2380," + m.peerURL(), "initial-advertise-peer-urls": m.peerURL(),
		"listen-metrics-urls": metrics,
		"heartbeat-interval":  500, "election-timeout": 5000, "snapshot-count": 10000,
		"logger": "zap", "log-outputs": []string{"stderr"},
		"experimental-initial-corrupt-check": true,
		"client-transport-security": map[string]any{
			"cert-file": set.File("etcd/server-client.crt"), "key-file": set.File("etcd/server-client.key"),
			"client-cert-auth": true, "trusted-ca-file": set.File("etcd/server-ca.crt"),
		},
		"peer-transport-security": map[string]any{
			"cert-file": set.File("etcd/peer-server-client.crt"), "key-file": set.File("etcd/peer-server-client.key"),
			"client-cert-auth": true, "trusted-ca-file": set.File("etcd/peer-ca.crt"),
		},
	}
	if m.loopback {
		values["listen-client-urls"], values["advertise-client-urls"], values["listen-peer-urls"] = Local, Local, "https://127.0.0.1:2380"
	}
	for _, argument := range m.Server.All("etcd-arg") {
		name, value := Argument(argument)
		values[name] = value
	}
	for name, value := range initial {
		values[name] = value
	}
	return yaml.Marshal(values)
}

// Argument splits one etcd-arg, `[--]name=value`, into a key of the configuration file and a value of the right type.
func Argument(text string) (string, any) {
	name, value, found := strings.Cut(strings.TrimPrefix(text, "--"), "=")
	if !found {
		return name, true
	}
	if number, err := strconv.Atoi(value); err == nil {
		return name, number
	}
	if truth, err := strconv.ParseBool(value); err == nil {
		return name, truth
	}
	return name, value
}
