// Package node is the agent part of k3s with a kubelet that registers the Node, keeps its lease and reports pods, but runs none.
package node

import (
	"crypto/rand"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"

	"standin/internal/access"
	"standin/internal/certs"
	"standin/internal/config"
	"standin/internal/token"
)

const passwordFile = "/etc/rancher/node/password"

// fetchCredentials gets this node's certificates from the supervisor and writes them with a kubeconfig for the kubelet that uses apiURL.
func fetchCredentials(node config.Node, info *access.Info, apiURL string) error {
	if _, err := info.Get("/v1-k3s/config"); err != nil {
		return fmt.Errorf("failed to retrieve configuration from server: %w", err)
	}
	for _, name := range []string{"client-ca.crt", "server-ca.crt"} {
		content, err := info.Get("/v1-k3s/" + name)
		if err != nil {
			return err
		}
		if err := certs.Write(node.AgentDir(name), content); err != nil {
			return err
		}
	}
	password, err := ensurePassword()
	if err != nil {
		return err
	}
	for _, name := range []string{"serving-kubelet", "client-kubelet"} {
		if err := request(node, info, name, password); err != nil {
			return err
		}
	}
	kubeconfig, err := certs.Kubeconfig(apiURL, node.AgentDir("server-ca.crt"), node.AgentDir("client-kubelet.crt"), node.AgentDir("client-kubelet.key"))
	if err != nil {
		return err
	}
	return certs.Write(node.AgentDir("kubelet.kubeconfig"), kubeconfig)
}

func request(node config.Node, info *access.Info, name, password string) error {
	key, err := certs.EnsureKey(node.AgentDir(name + ".key"))
	if err != nil {
		return err
	}
	body, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, key)
	if err != nil {
		return err
	}
	header := http.Header{"k3s-Node-Name": {node.Name}, "k3s-Node-Password": {password}, "k3s-Node-IP": {node.IP}}
	content, err := info.Send(http.MethodPost, "/v1-k3s/"+name+".crt", body, header)
	var failed access.StatusError
	if errors.As(err, &failed) && failed.Code == http.StatusForbidden {
		return fmt.Errorf("Node password rejected, duplicate hostname or contents of '%s' may not match server node-passwd entry, "+
			"try enabling a unique node name with the --with-node-id flag", passwordFile)
	}
	if err != nil {
		return err
	}
	return certs.Write(node.AgentDir(name+".crt"), content)
}

// ensurePassword reads the password with which this node first came to a cluster, or makes it.
func ensurePassword() (string, error) {
	content, err := os.ReadFile(passwordFile)
	if err == nil {
		return strings.TrimSpace(string(content)), nil
	}
	password := token.Random(16)
	return password, certs.Write(passwordFile, []byte(password+"\n"))
}
