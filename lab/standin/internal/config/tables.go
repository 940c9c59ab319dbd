package config

// nodeFlags exist for servers and agents alike. What has no comment in this file is honoured;
// the flags under "accepted" are read and checked for form, and then change nothing here.
var nodeFlags = []Flag{
	{Name: "config", Aliases: []string{"c"}},
	{Name: "token", Aliases: []string{"t"}, Env: "K3S_TOKEN"},
	{Name: "token-file", Env: "K3S_TOKEN_FILE"},
	{Name: "server", Aliases: []string{"s"}, Env: "K3S_URL"},
	{Name: "data-dir", Aliases: []string{"d"}, Env: "K3S_DATA_DIR", Default: "/var/lib/rancher/k3s"},
	{Name: "node-name", Env: "K3S_NODE_NAME"},
	{Name: "with-node-id", Kind: Switch},
	{Name: "node-ip", Aliases: []string{"i"}, Kind: List},
	{Name: "node-external-ip", Kind: List},
	{Name: "node-label", Kind: List},
	{Name: "node-taint", Kind: List},
	{Name: "lb-server-port", Env: "K3S_LB_SERVER_PORT", Default: "6444"},
	{Name: "kubelet-arg", Kind: List},
	{Name: "debug", Kind: Switch, Env: "K3S_DEBUG"},
	// Accepted: they steer containerd, the CNI, kube-proxy or the kernel, none of which is here.
	{Name: "v", Default: "0"}, {Name: "vmodule"}, {Name: "log", Aliases: []string{"l"}}, {Name: "alsologtostderr", Kind: Switch},
	{Name: "flannel-iface"}, {Name: "flannel-conf"}, {Name: "flannel-cni-conf"}, {Name: "resolv-conf"},
	{Name: "kube-proxy-arg", Kind: List}, {Name: "protect-kernel-defaults", Kind: Switch}, {Name: "selinux", Kind: Switch},
	{Name: "docker", Kind: Switch}, {Name: "container-runtime-endpoint"}, {Name: "default-runtime"}, {Name: "image-service-endpoint"},
	{Name: "disable-default-registry-endpoint", Kind: Switch}, {Name: "nonroot-devices", Kind: Switch},
	{Name: "pause-image"}, {Name: "snapshotter"}, {Name: "private-registry"}, {Name: "airgap-extra-registry", Kind: List},
	{Name: "image-credential-provider-bin-dir"}, {Name: "image-credential-provider-config"},
	{Name: "node-internal-dns", Kind: List}, {Name: "node-external-dns", Kind: List}, {Name: "bind-address"},
	{Name: "rootless", Kind: Switch}, {Name: "prefer-bundled-bin", Kind: Switch}, {Name: "enable-pprof", Kind: Switch},
	{Name: "vpn-auth"}, {Name: "vpn-auth-file"}, {Name: "disable-apiserver-lb", Kind: Switch},
}

// ServerFlags are the flags of `k3s server`.
var ServerFlags = append([]Flag{
	{Name: "cluster-init", Kind: Switch, Env: "K3S_CLUSTER_INIT"},
	{Name: "cluster-reset", Kind: Switch, Env: "K3S_CLUSTER_RESET"},
	{Name: "cluster-reset-restore-path"},
	{Name: "agent-token", Env: "K3S_AGENT_TOKEN"},
	{Name: "agent-token-file", Env: "K3S_AGENT_TOKEN_FILE"},
	{Name: "advertise-address"},
	{Name: "tls-san", Kind: List},
	{Name: "cluster-cidr", Kind: List, Default: "10.42.0.0/16"},
	{Name: "service-cidr", Kind: List, Default: "10.43.0.0/16"},
	{Name: "service-node-port-range", Default: "30000-32767"},
	{Name: "cluster-dns", Kind: List},
	{Name: "cluster-domain", Default: "cluster.local"},
	{Name: "write-kubeconfig", Aliases: []string{"o"}, Env: "K3S_KUBECONFIG_OUTPUT", Default: "/etc/rancher/k3s/k3s.yaml"},
	{Name: "write-kubeconfig-mode", Env: "K3S_KUBECONFIG_MODE", Default: "0600"},
	{Name: "kube-apiserver-arg", Kind: List},
	{Name: "kube-controller-manager-arg", Kind: List},
	{Name: "kube-scheduler-arg", Kind: List},
	{Name: "etcd-arg", Kind: List},
	{Name: "etcd-expose-metrics", Kind: Switch},
	{Name: "etcd-disable-snapshots", Kind: Switch},
	{Name: "etcd-snapshot-name", Default: "etcd-snapshot"},
	{Name: "etcd-snapshot-dir"},
	{Name: "etcd-snapshot-compress", Kind: Switch},
	{Name: "etcd-snapshot-retention", Default: "5"},
	{Name: "secrets-encryption", Kind: Switch},
	{Name: "secrets-encryption-provider", Default: "aescbc"},
	// Honoured only in the comparison between servers (see Critical).
	{Name: "disable", Kind: List},
	{Name: "disable-cloud-controller", Kind: Switch}, {Name: "disable-helm-controller", Kind: Switch},
	{Name: "disable-kube-proxy", Kind: Switch}, {Name: "disable-network-policy", Kind: Switch},
	{Name: "egress-selector-mode", Default: "agent"}, {Name: "embedded-registry", Kind: Switch},
	{Name: "flannel-backend", Default: "vxlan"}, {Name: "flannel-external-ip", Kind: Switch}, {Name: "flannel-ipv6-masq", Kind: Switch},
	{Name: "etcd-snapshot-schedule-cron", Default: "0 */12 * * *"},
	// Accepted: ETCDSnapshotFile objects are not made, S3 is configured by flags, SANs that clients ask for are never added.
	{Name: "etcd-snapshot-reconcile-interval"}, {Name: "etcd-s3-bucket-lookup-type"}, {Name: "etcd-s3-config-secret"},
	{Name: "tls-san-security", Kind: Switch, Default: "true"}, {Name: "https-listen-port", Default: "6443"}, {Name: "advertise-port"},
	{Name: "write-kubeconfig-group"}, {Name: "helm-job-image"}, {Name: "default-local-storage-path"}, {Name: "system-default-registry"},
	{Name: "servicelb-namespace"}, {Name: "kube-cloud-controller-manager-arg", Kind: List},
	{Name: "supervisor-metrics", Kind: Switch}, {Name: "multi-cluster-cidr", Kind: Switch},
	{Name: "datastore-endpoint"}, {Name: "datastore-cafile"}, {Name: "datastore-certfile"}, {Name: "datastore-keyfile"}, {Name: "kine-tls", Kind: Switch},
	{Name: "disable-scheduler", Kind: Switch}, {Name: "disable-apiserver", Kind: Switch}, {Name: "disable-controller-manager", Kind: Switch},
	{Name: "disable-etcd", Kind: Switch}, {Name: "disable-agent", Kind: Switch},
}, append(s3Flags, nodeFlags...)...)

// s3Flags are the same for `k3s server` and `k3s etcd-snapshot`, which also has them without `etcd-`.
var s3Flags = []Flag{
	{Name: "etcd-s3", Aliases: []string{"s3"}, Kind: Switch},
	{Name: "etcd-s3-endpoint", Aliases: []string{"s3-endpoint"}, Default: "s3.amazonaws.com"},
	{Name: "etcd-s3-endpoint-ca", Aliases: []string{"s3-endpoint-ca"}},
	{Name: "etcd-s3-skip-ssl-verify", Aliases: []string{"s3-skip-ssl-verify"}, Kind: Switch},
	{Name: "etcd-s3-access-key", Aliases: []string{"s3-access-key"}, Env: "AWS_ACCESS_KEY_ID"},
	{Name: "etcd-s3-secret-key", Aliases: []string{"s3-secret-key"}, Env: "AWS_SECRET_ACCESS_KEY"},
	{Name: "etcd-s3-session-token", Aliases: []string{"s3-session-token"}, Env: "AWS_SESSION_TOKEN"},
	{Name: "etcd-s3-bucket", Aliases: []string{"s3-bucket"}},
	{Name: "etcd-s3-region", Aliases: []string{"s3-region"}, Default: "us-east-1"},
	{Name: "etcd-s3-folder", Aliases: []string{"s3-folder"}},
	{Name: "etcd-s3-proxy", Aliases: []string{"s3-proxy"}},
	{Name: "etcd-s3-insecure", Aliases: []string{"s3-insecure"}, Kind: Switch},
	{Name: "etcd-s3-timeout", Aliases: []string{"s3-timeout"}, Default: "5m0s"},
	{Name: "etcd-s3-retention", Aliases: []string{"s3-retention"}, Default: "5"},
}

// AgentFlags are the flags of `k3s agent`.
var AgentFlags = nodeFlags

// SnapshotFlags are the flags of `k3s etcd-snapshot` and its verbs.
var SnapshotFlags = append([]Flag{
	{Name: "config", Aliases: []string{"c"}},
	{Name: "debug", Kind: Switch},
	{Name: "data-dir", Aliases: []string{"d"}, Env: "K3S_DATA_DIR", Default: "/var/lib/rancher/k3s"},
	{Name: "node-name", Env: "K3S_NODE_NAME"},
	{Name: "name", Default: "on-demand"},
	{Name: "snapshot-dir", Aliases: []string{"dir", "etcd-snapshot-dir"}},
	{Name: "snapshot-compress", Aliases: []string{"etcd-snapshot-compress"}, Kind: Switch},
	{Name: "snapshot-retention", Aliases: []string{"etcd-snapshot-retention"}, Default: "5"},
	{Name: "output", Aliases: []string{"o"}},
	{Name: "etcd-server", Aliases: []string{"s"}, Default: "https://127.0.0.1:6443"},
	{Name: "etcd-token", Aliases: []string{"t"}, Env: "K3S_TOKEN"},
}, s3Flags...)
