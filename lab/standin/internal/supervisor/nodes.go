package supervisor

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"standin/internal/certs"
	"standin/internal/logs"
)

func (s *Supervisor) clientKubelet(response http.ResponseWriter, request *http.Request) {
	if node, ok := s.verifiedNode(response, request); ok {
		s.sign(response, request, "client-ca", certs.Leaf{Name: "system:node:" + node, Groups: []string{"system:nodes"}, Client: true})
	}
}

func (s *Supervisor) servingKubelet(response http.ResponseWriter, request *http.Request) {
	if node, ok := s.verifiedNode(response, request); ok {
		hosts := append([]string{node, "localhost", "127.0.0.1"}, strings.Split(request.Header.Get("k3s-Node-IP"), ",")...)
		s.sign(response, request, "server-ca", certs.Leaf{Name: node, Hosts: hosts, Server: true})
	}
}

// sign answers a certificate signing request with a certificate and its CA.
func (s *Supervisor) sign(response http.ResponseWriter, request *http.Request, name string, leaf certs.Leaf) {
	body, err := io.ReadAll(request.Body)
	if err != nil {
		fail(response, http.StatusBadRequest, err)
		return
	}
	signing, err := x509.ParseCertificateRequest(body)
	if err != nil {
		fail(response, http.StatusBadRequest, err)
		return
	}
	ca, err := s.set.CA(name)
	if err != nil {
		fail(response, http.StatusInternalServerError, err)
		return
	}
	content, err := ca.Sign(leaf, signing.PublicKey)
	if err != nil {
		fail(response, http.StatusInternalServerError, err)
		return
	}
	response.Write(content)
}

// verifiedNode returns the name of the node that asks, after its password has been compared with the one it came with first.
func (s *Supervisor) verifiedNode(response http.ResponseWriter, request *http.Request) (string, bool) {
	node, password := strings.ToLower(request.Header.Get("k3s-Node-Name")), request.Header.Get("k3s-Node-Password")
	if node == "" || password == "" {
		fail(response, http.StatusBadRequest, errors.New("node name or node password not set"))
		return "", false
	}
	name, _, err := s.certificate(request)
	if err == nil && strings.HasPrefix(name, "system:node:") && name != "system:node:"+node {
		fail(response, http.StatusBadRequest, errors.New("header node name does not match auth node name"))
		return "", false
	}
	client := s.Kube.Load()
	switch {
	case client == nil && node == s.Server.Name:
		// This server's own node starts before the API server; k3s compares with the secret later, for information only.
		s.compared.Do(func() { go s.comparePassword(node, password) })
		return node, true
	case client == nil:
		fail(response, http.StatusServiceUnavailable, errCoreNotReady)
		return "", false
	}
	if err := EnsurePassword(request.Context(), client, node, password); err != nil {
		code := http.StatusInternalServerError
		if errors.Is(err, errPassword) {
			code = http.StatusForbidden
		}
		fail(response, code, err)
		return "", false
	}
	return node, true
}

func (s *Supervisor) comparePassword(node, password string) {
	for s.Kube.Load() == nil {
		time.Sleep(time.Second)
	}
	if err := EnsurePassword(context.Background(), s.Kube.Load(), node, password); err != nil {
		logs.Warn("Deferred node password secret validation failed: %v", err)
	}
}

var errPassword = errors.New("hash does not match")

// PasswordSecret is where a node's password is kept, in kube-system.
func PasswordSecret(node string) string { return strings.ToLower(node) + ".node-password.k3s" }

// EnsurePassword compares a node's password with the stored hash, or stores it.
func EnsurePassword(ctx context.Context, client kubernetes.Interface, node, password string) error {
	return ensureSecret(ctx, client, PasswordSecret(node), password, fmt.Sprintf("unable to verify hash for node '%s'", node))
}

func (s *Supervisor) apiservers(response http.ResponseWriter, request *http.Request) {
	client := s.Kube.Load()
	if client == nil {
		answer(response, []string{})
		return
	}
	addresses, err := Servers(request.Context(), client)
	if err != nil {
		fail(response, http.StatusInternalServerError, err)
		return
	}
	answer(response, addresses)
}

// Servers lists `address:port` of every API server, from the endpoints of the `kubernetes` Service.
func Servers(ctx context.Context, client kubernetes.Interface) ([]string, error) {
	slices, err := client.DiscoveryV1().EndpointSlices("default").List(ctx, metav1.ListOptions{LabelSelector: discoveryv1.LabelServiceName + "=kubernetes"})
	if err != nil {
		return nil, err
	}
	var addresses []string
	for _, slice := range slices.Items {
		for _, endpoint := range slice.Endpoints {
			for _, address := range endpoint.Addresses {
				addresses = append(addresses, address+":6443")
			}
		}
	}
	return addresses, nil
}
