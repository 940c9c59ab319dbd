package kubevip

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"standin/internal/certs"
)

// refresh gets a token for the pod's service account, as a kubelet does for the projected volume.
func (k *Keeper) refresh(ctx context.Context, pod *corev1.Pod) error {
	seconds := int64(tokenLife.Seconds())
	name := pod.Spec.ServiceAccountName
	request, err := k.client.CoreV1().ServiceAccounts(pod.Namespace).CreateToken(ctx, name, &authenticationv1.TokenRequest{
		Spec: authenticationv1.TokenRequestSpec{ExpirationSeconds: &seconds, BoundObjectRef: &authenticationv1.BoundObjectReference{
			Kind: "Pod", APIVersion: "v1", Name: pod.Name, UID: pod.UID,
		}},
	}, metav1.CreateOptions{})
	if err != nil {
		return err
	}
	return certs.Write(filepath.Join(k.dir(pod.UID), "token"), []byte(request.Status.Token))
}

func (k *Keeper) start(pod *corev1.Pod, container *corev1.Container) error {
	logDir := fmt.Sprintf("/var/log/pods/%s_%s_%s/%s", pod.Namespace, pod.Name, pod.UID, container.Name)
	if err := os.MkdirAll(logDir, 0o755); err != nil {
		return err
	}
	log, err := os.OpenFile(filepath.Join(logDir, "0.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o640)
	if err != nil {
		return err
	}
	defer log.Close()
	command := exec.Command("/proc/self/exe")
	command.Args = []string{filepath.Join(k.node.DataDir, "data/current/bin", Shim), "-namespace", "k8s.io", "-id", string(pod.UID)}
	command.Env = append(k.environment(pod, container), tokenFileEnv+"="+filepath.Join(k.dir(pod.UID), "token"),
		caFileEnv+"="+k.node.AgentDir("server-ca.crt"), "PATH="+os.Getenv("PATH"))
	command.Stdout, command.Stderr = log, log
	command.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := command.Start(); err != nil {
		return err
	}
	go command.Wait()
	return certs.Write(filepath.Join(k.dir(pod.UID), "pid"), []byte(strconv.Itoa(command.Process.Pid)))
}

func (k *Keeper) environment(pod *corev1.Pod, container *corev1.Container) []string {
	var env []string
	for _, variable := range container.Env {
		value := variable.Value
		if variable.ValueFrom != nil && variable.ValueFrom.FieldRef != nil {
			switch variable.ValueFrom.FieldRef.FieldPath {
			case "spec.nodeName":
				value = pod.Spec.NodeName
			case "metadata.name":
				value = pod.Name
			case "metadata.namespace":
				value = pod.Namespace
			case "status.hostIP", "status.podIP":
				value = k.node.IP
			}
		}
		env = append(env, variable.Name+"="+value)
	}
	return env
}

// alive returns the process of a pod, or 0. The command line is compared: process ids are used again.
func (k *Keeper) alive(uid types.UID) int {
	content, err := os.ReadFile(filepath.Join(k.dir(uid), "pid"))
	if err != nil {
		return 0
	}
	pid, err := strconv.Atoi(string(content))
	if err != nil {
		return 0
	}
	line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	if err != nil || !strings.Contains(string(line), string(uid)) {
		return 0
	}
	return pid
}
