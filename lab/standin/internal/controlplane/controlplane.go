// Package controlplane starts upstream's kube-apiserver, kube-controller-manager and kube-scheduler with k3s' arguments.
package controlplane

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"os"
	"sort"
	"strings"
	"time"

	"standin/internal/certs"
	"standin/internal/config"
	"standin/internal/datastore"
	"standin/internal/etcd"
	"standin/internal/logs"
	"standin/internal/process"
)

// Address is where the API server listens; only the supervisor's port is for others.
const Address = "127.0.0.1:6444"

// controllers are those whose work can be seen here; the others would only cost memory.
var controllers = []string{
	"certificatesigningrequest-approving-controller", "certificatesigningrequest-signing-controller", "clusterrole-aggregation-controller",
	"cronjob-controller", "daemonset-controller", "deployment-controller", "disruption-controller", "endpoints-controller",
	"endpointslice-controller", "garbage-collector-controller", "job-controller", "namespace-controller", "node-ipam-controller",
	"node-lifecycle-controller", "pod-garbage-collector-controller", "replicaset-controller", "root-ca-certificate-publisher-controller",
	"serviceaccount-controller", "serviceaccount-token-controller", "statefulset-controller", "taint-eviction-controller",
	"ttl-after-finished-controller",
}

// StartAPIServer starts kube-apiserver. Its datastore must answer already.
func StartAPIServer(server config.Server, sqlite bool) {
	set := certs.Set{Server: server}
	issuer := "https://kubernetes.default.svc." + server.Domain
	args := map[string]string{
		"storage-backend": "etcd3", "etcd-servers": etcd.Local, "etcd-cafile": set.File("etcd/server-ca.crt"),
		"etcd-certfile": set.File("etcd/client.crt"), "etcd-keyfile": set.File("etcd/client.key"),
		"allow-privileged": "true", "authorization-mode": "Node,RBAC", "anonymous-auth": "false", "profiling": "false",
		"bind-address": "127.0.0.1", "secure-port": "6444", "advertise-address": server.AdvertiseIP,
		"cert-dir": server.ServerDir("tls", "temporary-certs"), "tls-cert-file": set.File("serving-kube-apiserver.crt"),
		"tls-private-key-file": set.File("serving-kube-apiserver.key"), "client-ca-file": set.File("client-ca.crt"),
		"service-account-signing-key-file": set.File("service.key"), "service-account-key-file": set.File("service.key"),
		"service-account-issuer": issuer, "api-audiences": issuer + ",k3s",
		"service-cluster-ip-range": server.ServiceCIDR, "service-node-port-range": server.Text("service-node-port-range"),
		"kubelet-certificate-authority": set.File("server-ca.crt"), "kubelet-client-certificate": set.File("client-kube-apiserver.crt"),
		"kubelet-client-key": set.File("client-kube-apiserver.key"), "kubelet-preferred-address-types": "InternalIP,ExternalIP,Hostname",
		"requestheader-client-ca-file": set.File("request-header-ca.crt"), "requestheader-allowed-names": "system:auth-proxy",
		"requestheader-extra-headers-prefix": "X-Remote-Extra-", "requestheader-group-headers": "X-Remote-Group",
		"requestheader-username-headers": "X-Remote-User", "proxy-client-cert-file": set.File("client-auth-proxy.crt"),
		"proxy-client-key-file": set.File("client-auth-proxy.key"), "enable-admission-plugins": "NodeRestriction",
	}
	if server.Switch("secrets-encryption") {
		args["encryption-provider-config"] = server.ServerDir("cred", "encryption-config.json")
		args["encryption-provider-config-automatic-reload"] = "true"
	}
	if sqlite {
		args["etcd-servers"] = datastore.Endpoint(server)
		// this kine does not list keys without their values, which the gate makes the API server ask for
		args["feature-gates"] = "SizeBasedListCostEstimate=false"
		for _, secure := range []string{"etcd-cafile", "etcd-certfile", "etcd-keyfile"} {
			delete(args, secure)
		}
	}
	run("kube-apiserver", args, server.All("kube-apiserver-arg"))
}

// StartControllers starts kube-controller-manager and kube-scheduler. The API server must answer already.
func StartControllers(server config.Server) {
	set := certs.Set{Server: server}
	run("kube-controller-manager", map[string]string{
		"kubeconfig": server.ServerDir("cred", "controller.kubeconfig"), "authentication-kubeconfig": server.ServerDir("cred", "controller.kubeconfig"),
		"authorization-kubeconfig":         server.ServerDir("cred", "controller.kubeconfig"),
		"service-account-private-key-file": set.File("service.key"), "root-ca-file": set.File("server-ca.crt"),
		"allocate-node-cidrs": "true", "cluster-cidr": server.ClusterCIDR, "service-cluster-ip-range": server.ServiceCIDR,
		"bind-address": "127.0.0.1", "secure-port": "10257", "profiling": "false", "use-service-account-credentials": "true",
		"controllers": strings.Join(controllers, ","), "cert-dir": server.ServerDir("tls", "kube-controller-manager"),
		"cluster-signing-kube-apiserver-client-cert-file": set.File("client-ca.crt"), "cluster-signing-kube-apiserver-client-key-file": set.File("client-ca.key"),
		"cluster-signing-kubelet-client-cert-file": set.File("client-ca.crt"), "cluster-signing-kubelet-client-key-file": set.File("client-ca.key"),
		"cluster-signing-kubelet-serving-cert-file": set.File("server-ca.crt"), "cluster-signing-kubelet-serving-key-file": set.File("server-ca.key"),
		"cluster-signing-legacy-unknown-cert-file": set.File("server-ca.crt"), "cluster-signing-legacy-unknown-key-file": set.File("server-ca.key"),
	}, server.All("kube-controller-manager-arg"))
	run("kube-scheduler", map[string]string{
		"kubeconfig": server.ServerDir("cred", "scheduler.kubeconfig"), "authentication-kubeconfig": server.ServerDir("cred", "scheduler.kubeconfig"),
		"authorization-kubeconfig": server.ServerDir("cred", "scheduler.kubeconfig"),
		"bind-address":             "127.0.0.1", "secure-port": "10259", "profiling": "false", "cert-dir": server.ServerDir("tls", "kube-scheduler"),
	}, server.All("kube-scheduler-arg"))
}

func run(name string, args map[string]string, extra []string) {
	rendered := Arguments(args, extra)
	logs.Info("Running %s %s", name, strings.Join(rendered, " "))
	process.Run(name, rendered)
}

// Arguments puts the user's arguments over ours: one that is given replaces ours, `name+=value` adds to it.
func Arguments(ours map[string]string, extra []string) []string {
	merged := map[string][]string{}
	for name, value := range ours {
		merged[name] = []string{value}
	}
	given := map[string]bool{}
	for _, argument := range extra {
		name, value, found := strings.Cut(strings.TrimPrefix(argument, "--"), "=")
		if !found {
			value = "true"
		}
		name, appends := strings.CutSuffix(name, "+")
		if !appends && !given[name] {
			merged[name] = nil
		}
		given[name] = true
		merged[name] = append(merged[name], value)
	}
	var rendered []string
	for name, values := range merged {
		for _, value := range values {
			rendered = append(rendered, "--"+name+"="+value)
		}
	}
	sort.Strings(rendered)
	return rendered
}

// WaitReady returns when the API server's /readyz says ok.
func WaitReady(ctx context.Context, server config.Server) error {
	client, err := Client(server)
	if err != nil {
		return err
	}
	for {
		if response, err := client.Get("https://" + Address + "/readyz"); err == nil {
			body, _ := io.ReadAll(response.Body)
			response.Body.Close()
			if response.StatusCode == http.StatusOK && string(body) == "ok" {
				return nil
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// Client is an HTTP client with the supervisor's certificate.
func Client(server config.Server) (*http.Client, error) {
	set := certs.Set{Server: server}
	pair, err := tls.LoadX509KeyPair(set.File("client-supervisor.crt"), set.File("client-supervisor.key"))
	if err != nil {
		return nil, err
	}
	ca, err := os.ReadFile(set.File("server-ca.crt"))
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(ca) {
		return nil, fmt.Errorf("%s: no certificate", set.File("server-ca.crt"))
	}
	return &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: pool, Certificates: []tls.Certificate{pair}},
	}}, nil
}
