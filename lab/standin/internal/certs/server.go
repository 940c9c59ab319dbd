package certs

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net"
	"os"
	"path/filepath"

	"standin/internal/config"
)

// Set finds the files of a server; k3s' names, below server/.
type Set struct{ Server config.Server }

// File is a path below server/tls.
func (s Set) File(name string) string { return s.Server.ServerDir("tls", name) }

// EnsureCAs makes the CAs that a founder makes and a joiner receives.
func (s Set) EnsureCAs() error {
	for _, ca := range []struct{ file, name string }{
		{"client-ca", "k3s-client-ca"}, {"server-ca", "k3s-server-ca"}, {"request-header-ca", "k3s-request-header-ca"},
		{"etcd/server-ca", "etcd-server-ca"}, {"etcd/peer-ca", "etcd-peer-ca"},
	} {
		if err := EnsureCA(s.File(ca.file+".crt"), s.File(ca.file+".key"), ca.name); err != nil {
			return err
		}
	}
	return nil
}

// EnsureServiceKey makes the key for service account tokens, which servers share too.
func (s Set) EnsureServiceKey() error {
	if _, err := os.Stat(s.File("service.key")); err == nil {
		return nil
	}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return err
	}
	return Write(s.File("service.key"), pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}))
}

// CA loads one of the CAs by the name of its files.
func (s Set) CA(name string) (CA, error) { return LoadCA(s.File(name+".crt"), s.File(name+".key")) }

// EnsureLeaves issues or renews every certificate of this server and writes the components' kubeconfigs.
func (s Set) EnsureLeaves() error {
	server := s.Server
	serviceIP, err := ServiceIP(server.ServiceCIDR)
	if err != nil {
		return err
	}
	kubernetes := []string{
		"kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc." + server.Domain, "localhost", server.Name,
		"127.0.0.1", "::1", serviceIP, server.IP, server.AdvertiseIP,
	}
	kubernetes = append(append(kubernetes, server.List("node-external-ip")...), server.List("tls-san")...)
	etcdHosts := []string{"localhost", server.Name, "127.0.0.1", "::1", server.IP}
	for _, leaf := range []struct {
		ca, file string
		Leaf
	}{
		{"client-ca", "client-admin", Leaf{Name: "system:admin", Groups: []string{"system:masters"}, Client: true}},
		{"client-ca", "client-supervisor", Leaf{Name: "system:k3s-supervisor", Groups: []string{"system:masters"}, Client: true}},
		{"client-ca", "client-controller", Leaf{Name: "system:kube-controller-manager", Client: true}},
		{"client-ca", "client-scheduler", Leaf{Name: "system:kube-scheduler", Client: true}},
		{"client-ca", "client-kube-apiserver", Leaf{Name: "system:apiserver", Groups: []string{"system:masters"}, Client: true}},
		{"request-header-ca", "client-auth-proxy", Leaf{Name: "system:auth-proxy", Client: true}},
		{"server-ca", "serving-kube-apiserver", Leaf{Name: "kube-apiserver", Hosts: kubernetes, Server: true}},
		{"server-ca", "serving-supervisor", Leaf{Name: "k3s", Groups: []string{"k3s"}, Hosts: kubernetes, Server: true}},
		{"etcd/server-ca", "etcd/server-client", Leaf{Name: "etcd-server", Hosts: etcdHosts, Server: true, Client: true}},
		{"etcd/server-ca", "etcd/client", Leaf{Name: "etcd-client", Client: true}},
		{"etcd/peer-ca", "etcd/peer-server-client", Leaf{Name: "etcd-peer", Hosts: etcdHosts, Server: true, Client: true}},
	} {
		ca, err := s.CA(leaf.ca)
		if err != nil {
			return err
		}
		if _, err := ca.Ensure(s.File(leaf.file+".crt"), s.File(leaf.file+".key"), leaf.Leaf); err != nil {
			return err
		}
	}
	for _, name := range []string{"admin", "supervisor", "controller", "scheduler"} {
		content, err := Kubeconfig("https://127.0.0.1:6444", s.File("server-ca.crt"), s.File("client-"+name+".crt"), s.File("client-"+name+".key"))
		if err != nil {
			return err
		}
		if err := Write(server.ServerDir("cred", name+".kubeconfig"), content); err != nil {
			return err
		}
	}
	return nil
}

// ServiceIP is the first address of the Service network: the `kubernetes` Service.
func ServiceIP(cidr string) (string, error) {
	ip, _, err := net.ParseCIDR(cidr)
	if err != nil {
		return "", fmt.Errorf("invalid service-cidr %s: %w", cidr, err)
	}
	ip = ip.To4()
	if ip == nil {
		return "", fmt.Errorf("invalid service-cidr %s: the stand-in knows IPv4 only", cidr)
	}
	ip[3]++
	return ip.String(), nil
}

// WriteAdminKubeconfig writes what `k3s kubectl` uses, with certificates inside.
func (s Set) WriteAdminKubeconfig(file string, mode os.FileMode) error {
	content, err := EmbeddedKubeconfig("https://127.0.0.1:6443", s.File("server-ca.crt"), s.File("client-admin.crt"), s.File("client-admin.key"))
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	if err := Write(file, content); err != nil {
		return err
	}
	return os.Chmod(file, mode)
}
