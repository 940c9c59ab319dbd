package node

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"syscall"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	kubeletapis "k8s.io/kubelet/pkg/apis"
	"k8s.io/kubernetes/pkg/util/taints"

	"standin/internal/release"
)

// describe is the Node as it is registered.
func (k *Kubelet) describe() (*corev1.Node, error) {
	labels := map[string]string{
		corev1.LabelHostname: k.Node.Name, corev1.LabelOSStable: runtime.GOOS, corev1.LabelArchStable: runtime.GOARCH,
		"beta.kubernetes.io/os": runtime.GOOS, "beta.kubernetes.io/arch": runtime.GOARCH, corev1.LabelInstanceTypeStable: "k3s",
	}
	var refused []string
	for _, text := range k.Node.Labels {
		name, value, _ := strings.Cut(text, "=")
		if foreign(name) {
			refused = append(refused, name)
		}
		labels[name] = value
	}
	if len(refused) > 0 {
		slices.Sort(refused)
		return nil, fmt.Errorf("unknown 'kubernetes.io' or 'k8s.io' labels specified with --node-labels: %v\n--node-labels in the "+
			"'kubernetes.io' namespace must begin with an allowed prefix (%s) or be in the specifically allowed set (%s)",
			refused, strings.Join(kubeletapis.KubeletLabelNamespaces(), ", "), strings.Join(kubeletapis.KubeletLabels(), ", "))
	}
	wanted, _, err := taints.ParseTaints(k.Node.Taints)
	if err != nil {
		return nil, fmt.Errorf("invalid node-taint: %w", err)
	}
	args, err := json.Marshal(append([]string{k.Role}, sortedPairs(k.Node.Args)...))
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(args)
	return &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: k.Node.Name, Labels: labels, Annotations: map[string]string{
			"k3s.io/node-args": string(args), "k3s.io/node-config-hash": base32.StdEncoding.EncodeToString(sum[:]), "k3s.io/node-env": "{}",
			"k3s.io/hostname": k.Node.Name, "k3s.io/internal-ip": k.Node.IP,
			"volumes.kubernetes.io/controller-managed-attach-detach": "true",
		}},
		Spec:   corev1.NodeSpec{Taints: wanted},
		Status: k.status(),
	}, nil
}

// foreign tells whether a kubelet may not give itself this label.
func foreign(name string) bool {
	namespace, _, found := strings.Cut(name, "/")
	reserved := namespace == "kubernetes.io" || strings.HasSuffix(namespace, ".kubernetes.io") || namespace == "k8s.io" || strings.HasSuffix(namespace, ".k8s.io")
	return found && reserved && !kubeletapis.IsKubeletLabel(name)
}

// sortedPairs orders `--name value` pairs by name, keeping a list's values in order.
func sortedPairs(args []string) []string {
	var pairs [][2]string
	for i := 0; i+1 < len(args); i += 2 {
		pairs = append(pairs, [2]string{args[i], args[i+1]})
	}
	slices.SortStableFunc(pairs, func(a, b [2]string) int { return strings.Compare(a[0], b[0]) })
	var sorted []string
	for _, pair := range pairs {
		sorted = append(sorted, pair[0], pair[1])
	}
	return sorted
}

func (k *Kubelet) status() corev1.NodeStatus {
	now := metav1.Now()
	condition := func(kind corev1.NodeConditionType, status corev1.ConditionStatus, reason, message string) corev1.NodeCondition {
		return corev1.NodeCondition{Type: kind, Status: status, Reason: reason, Message: message, LastHeartbeatTime: now, LastTransitionTime: now}
	}
	capacity := corev1.ResourceList{
		corev1.ResourceCPU: *resource.NewQuantity(int64(runtime.NumCPU()), resource.DecimalSI), corev1.ResourceMemory: *memory(),
		corev1.ResourcePods: *resource.NewQuantity(110, resource.DecimalSI),
	}
	return corev1.NodeStatus{
		Capacity: capacity, Allocatable: capacity,
		Addresses: []corev1.NodeAddress{{Type: corev1.NodeInternalIP, Address: k.Node.IP}, {Type: corev1.NodeHostName, Address: k.Node.Name}},
		Conditions: []corev1.NodeCondition{
			condition(corev1.NodeMemoryPressure, corev1.ConditionFalse, "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
			condition(corev1.NodeDiskPressure, corev1.ConditionFalse, "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
			condition(corev1.NodePIDPressure, corev1.ConditionFalse, "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
			condition(corev1.NodeReady, corev1.ConditionTrue, "KubeletReady", "kubelet is posting ready status"),
		},
		DaemonEndpoints: corev1.NodeDaemonEndpoints{KubeletEndpoint: corev1.DaemonEndpoint{Port: kubeletPort}},
		NodeInfo: corev1.NodeSystemInfo{
			MachineID: first("/etc/machine-id"), BootID: first("/proc/sys/kernel/random/boot_id"), KernelVersion: first("/proc/sys/kernel/osrelease"),
			OSImage: osImage(), ContainerRuntimeVersion: "standin://none", KubeletVersion: release.Version(),
			OperatingSystem: runtime.GOOS, Architecture: runtime.GOARCH,
		},
	}
}

func memory() *resource.Quantity {
	var info syscall.Sysinfo_t
	if syscall.Sysinfo(&info) != nil {
		return resource.NewQuantity(0, resource.BinarySI)
	}
	return resource.NewQuantity(int64(info.Totalram)*int64(info.Unit), resource.BinarySI)
}

func first(file string) string {
	content, _ := os.ReadFile(file)
	return strings.TrimSpace(string(content))
}

func osImage() string {
	for _, line := range strings.Split(first("/etc/os-release"), "\n") {
		if name, found := strings.CutPrefix(line, "PRETTY_NAME="); found {
			return strings.Trim(name, `"`)
		}
	}
	return "unknown"
}
