package config

import (
	"os"
	"path/filepath"
	"sort"
	"strings"

	utilnet "k8s.io/apimachinery/pkg/util/net"
)

// Node is what a server and an agent both know about themselves.
type Node struct {
	Values
	DataDir string
	Name    string
	// IP is the first node-ip, or the address of the interface with the default route.
	IP     string
	Labels []string
	Taints []string
	// Token as given: short, K10 secure, or empty.
	Token string
	// JoinURL is --server.
	JoinURL string
	// Args are the flags and files as k3s shows them in the k3s.io/node-args annotation, secrets replaced.
	Args []string
}

// Server adds what only servers have.
type Server struct {
	Node
	AgentToken string
	// AdvertiseIP is where other machines reach this server's API: --advertise-address, else the node's own address.
	AdvertiseIP string
	ClusterCIDR string
	ServiceCIDR string
	Domain      string
}

// NewNode settles the values that servers and agents share.
func NewNode(values Values) (Node, error) {
	node := Node{
		Values: values, DataDir: values.Text("data-dir"), JoinURL: values.Text("server"),
		Labels: values.All("node-label"), Taints: values.All("node-taint"),
	}
	var err error
	if node.Token, err = textOrFile(values, "token"); err != nil {
		return node, err
	}
	if node.Name = values.Text("node-name"); node.Name == "" {
		if node.Name, err = os.Hostname(); err != nil {
			return node, err
		}
	}
	node.Name = strings.ToLower(node.Name)
	if ips := values.List("node-ip"); len(ips) > 0 {
		node.IP = ips[0]
	} else if ip, err := utilnet.ChooseHostInterface(); err != nil {
		return node, err
	} else {
		node.IP = ip.String()
	}
	node.Args = shownArgs(values)
	return node, nil
}

// NewServer settles a server's values.
func NewServer(values Values) (Server, error) {
	node, err := NewNode(values)
	if err != nil {
		return Server{}, err
	}
	server := Server{Node: node, AdvertiseIP: values.Text("advertise-address"), Domain: values.Text("cluster-domain")}
	if server.AgentToken, err = textOrFile(values, "agent-token"); err != nil {
		return server, err
	}
	if server.AdvertiseIP == "" {
		server.AdvertiseIP = node.IP
	}
	server.ClusterCIDR = strings.Join(values.List("cluster-cidr"), ",")
	server.ServiceCIDR = strings.Join(values.List("service-cidr"), ",")
	return server, nil
}

// ServerDir is a path below the server's data directory.
func (n Node) ServerDir(parts ...string) string {
	return filepath.Join(append([]string{n.DataDir, "server"}, parts...)...)
}

// AgentDir is a path below the agent's data directory.
func (n Node) AgentDir(parts ...string) string {
	return filepath.Join(append([]string{n.DataDir, "agent"}, parts...)...)
}

func textOrFile(values Values, name string) (string, error) {
	if text := values.Text(name); text != "" {
		return text, nil
	}
	path := values.Text(name + "-file")
	if path == "" {
		return "", nil
	}
	content, err := os.ReadFile(path)
	return strings.TrimSpace(string(content)), err
}

// critical are the flags that every server must share.
var critical = []string{
	"cluster-cidr", "service-cidr", "cluster-dns", "cluster-domain", "disable-cloud-controller", "disable-helm-controller",
	"disable-kube-proxy", "disable-network-policy", "egress-selector-mode", "embedded-registry", "flannel-backend",
	"flannel-external-ip", "flannel-ipv6-masq", "secrets-encryption", "secrets-encryption-provider",
}

// Critical returns the values that every server must share, in a form that can be compared and sent.
func (s Server) Critical() map[string]string {
	values := map[string]string{}
	for _, name := range critical {
		values[name] = strings.Join(s.List(name), ",")
	}
	disabled := s.List("disable")
	sort.Strings(disabled)
	values["disable"] = strings.Join(disabled, ",")
	return values
}

// Mismatches names the critical flags that differ, sorted.
func Mismatches(mine, theirs map[string]string) []string {
	var names []string
	for name, value := range mine {
		if theirs[name] != value {
			names = append(names, name)
		}
	}
	sort.Strings(names)
	return names
}

func shownArgs(values Values) []string {
	var args []string
	for name, list := range values {
		for _, value := range list {
			if strings.HasSuffix(name, "token") || strings.HasSuffix(name, "-key") {
				value = "********"
			}
			args = append(args, "--"+name, value)
		}
	}
	return args
}
