package node

import (
	"context"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// standinMessage stands in the Ready condition of every pod.
const standinMessage = "stand-in: no container runs"

func (p *podRunner) running(ctx context.Context, pod *corev1.Pod) (*corev1.PodStatus, error) {
	ip, err := p.address(ctx, pod)
	if err != nil {
		return nil, err
	}
	now := metav1.NewTime(time.Now())
	status := &corev1.PodStatus{
		Phase: corev1.PodRunning, PodIP: ip, PodIPs: []corev1.PodIP{{IP: ip}},
		HostIP: p.kubelet.Node.IP, HostIPs: []corev1.HostIP{{IP: p.kubelet.Node.IP}}, StartTime: &now,
	}
	finished := pod.Spec.RestartPolicy != corev1.RestartPolicyAlways
	state := corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: now}}
	if finished {
		status.Phase = corev1.PodSucceeded
		state = corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{Reason: "Completed", StartedAt: now, FinishedAt: now}}
	}
	ready := corev1.ConditionTrue
	if finished {
		ready = corev1.ConditionFalse
	}
	for _, kind := range []corev1.PodConditionType{corev1.PodReadyToStartContainers, corev1.PodInitialized, corev1.PodReady, corev1.ContainersReady, corev1.PodScheduled} {
		condition := corev1.PodCondition{Type: kind, Status: corev1.ConditionTrue, LastTransitionTime: now}
		if kind == corev1.PodReady || kind == corev1.ContainersReady {
			condition.Status = ready
		}
		if kind == corev1.PodReady {
			condition.Message = standinMessage
		}
		status.Conditions = append(status.Conditions, condition)
	}
	started := true
	for _, container := range pod.Spec.Containers {
		status.ContainerStatuses = append(status.ContainerStatuses, corev1.ContainerStatus{
			Name: container.Name, Image: container.Image, ImageID: container.Image, ContainerID: "standin://" + string(pod.UID),
			Ready: !finished, Started: &started, State: state,
		})
	}
	for _, container := range pod.Spec.InitContainers {
		status.InitContainerStatuses = append(status.InitContainerStatuses, corev1.ContainerStatus{
			Name: container.Name, Image: container.Image, ImageID: container.Image, Ready: true,
			State: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{Reason: "Completed", StartedAt: now, FinishedAt: now}},
		})
	}
	return status, nil
}
