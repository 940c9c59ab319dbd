package node

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"standin/internal/config"
)

func dropin(t *testing.T, node config.Node, below, content string) {
	t.Helper()
	file := node.AgentDir("etc", below)
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

const allowed = "apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\nfailCgroupV1: false\n"

func TestAKubeletRefusesCgroupV1(t *testing.T) {
	const unsupported = "failed to validate kubelet configuration, error: kubelet is configured to not run on a host using cgroup v1. " +
		"cgroup v1 support is unsupported and will be removed in a future release, path: "
	const maintained = "failed to validate kubelet configuration, error: kubelet is configured to not run on a host using cgroup v1. " +
		"cgroup v1 support is in maintenance mode, path: "
	for _, test := range []struct {
		minor    int
		cgroupV1 bool
		dropin   string
		args     []string
		want     string
	}{
		{35, true, "", nil, unsupported}, {35, false, "", nil, ""}, {34, true, "", nil, ""}, {35, true, allowed, nil, ""},
		{35, true, "", []string{"fail-cgroupv1=false"}, ""}, {35, true, allowed, []string{"--fail-cgroupv1"}, unsupported},
		{34, true, strings.Replace(allowed, "false", "true", 1), nil, maintained},
	} {
		node := config.Node{DataDir: t.TempDir(), Values: config.Values{"kubelet-arg": test.args}}
		if test.dropin != "" {
			dropin(t, node, "kubelet.conf.d/50-own.conf", test.dropin)
		}
		err := readSettings(node, test.minor, test.cgroupV1)
		if (err == nil) != (test.want == "") || err != nil && !strings.HasPrefix(err.Error(), test.want) {
			t.Errorf("%+v: got %v", test, err)
		}
	}
}

func TestAKubeletRefusesADropInThatCannotBeRead(t *testing.T) {
	for content, want := range map[string]string{
		"":                     "was empty",
		"failCgroupV1: [":      "error: yaml: line 1: ",
		"failCgroupV1: false":  "Object 'Kind' is missing",
		allowed + "maxPods: x": "failed to unmarshal merged JSON into kubelet configuration",
	} {
		node := config.Node{DataDir: t.TempDir()}
		dropin(t, node, "kubelet.conf.d/50-own.conf", content)
		err := readSettings(node, 34, false)
		if err == nil || !strings.HasPrefix(err.Error(), "failed to merge kubelet configs: ") || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v", content, err)
		}
	}
}

func TestContainerdEndsOverADropInThatCannotBeRead(t *testing.T) {
	node := config.Node{DataDir: t.TempDir()}
	dropin(t, node, "containerd/config-v3.toml.d/10-good.toml", "version = 3\n")
	if err := startContainerd(node); err != nil {
		t.Fatal(err)
	}
	dropin(t, node, "containerd/config-v3.toml.d/20-bad.toml", "version = 3\n[plugins\n")
	if err := startContainerd(node); err == nil || err.Error() != "exit status 1" {
		t.Fatalf("got %v", err)
	}
	log, err := os.ReadFile(node.AgentDir("containerd", "containerd.log"))
	if err != nil || !strings.Contains(string(log), "\ncontainerd: failed to unmarshal TOML at row 2 column ") ||
		!strings.Contains(string(log), node.AgentDir("etc", "containerd", "config-v3.toml.d", "20-bad.toml")) {
		t.Errorf("got %s, %v", log, err)
	}
}
