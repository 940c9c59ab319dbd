package etcd

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"go.etcd.io/etcd/api/v3/etcdserverpb"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"

	"standin/internal/logs"
)

const (
	// learnerTick is how often etcd's leader looks after learners. k3s: 15 s; shorter here, so that a rehearsal is not mostly waiting.
	learnerTick = 5 * time.Second
	// learnerStall is after how long without progress a learner is removed.
	learnerStall = 5 * time.Minute
	progressKey  = "k3s/etcd/learnerProgress"

	// VoterCondition is the Node condition that tells whether its member votes.
	VoterCondition corev1.NodeConditionType = "EtcdIsVoter"
	// RoleLabel marks Nodes with etcd.
	RoleLabel = "node-role.kubernetes.io/etcd"
	// NameAnnotation and AddressAnnotation tie a Node to its member.
	NameAnnotation    = "etcd.k3s.cattle.io/node-name"
	AddressAnnotation = "etcd.k3s.cattle.io/node-address"
)

type progress struct {
	ID               uint64      `json:"id,omitempty"`
	Name             string      `json:"name,omitempty"`
	RaftAppliedIndex uint64      `json:"raftAppliedIndex,omitempty"`
	LastProgress     metav1.Time `json:"lastProgress,omitempty"`
}

// ManageLearners promotes learners and writes the Nodes' EtcdIsVoter condition, on the member that leads.
func (m *Member) ManageLearners(ctx context.Context, client func() kubernetes.Interface) {
	ticker := time.NewTicker(learnerTick)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			if err := m.manageOnce(ctx, client()); err != nil {
				logs.Error("%v", err)
			}
		}
	}
}

func (m *Member) manageOnce(ctx context.Context, client kubernetes.Interface) error {
	ctx, cancel := context.WithTimeout(ctx, testTimeout)
	defer cancel()
	status, err := m.Client.Status(ctx, Local)
	if err != nil {
		return fmt.Errorf("Failed to check local etcd status for learner management: %w", err)
	}
	if status.Header.MemberId != status.Leader {
		return nil
	}
	list, err := m.Client.MemberList(ctx)
	if err != nil {
		return fmt.Errorf("Failed to get etcd members for learner management: %w", err)
	}
	for _, member := range list.Members {
		if member.IsLearner {
			if err := m.track(ctx, member); err != nil {
				logs.Error("Failed to track learner progress towards promotion: %v", err)
			}
		}
	}
	if client == nil {
		return nil
	}
	return m.conditions(ctx, client, list.Members)
}

// track promotes a learner when it can be, and removes it when it has not moved for learnerStall.
func (m *Member) track(ctx context.Context, member *etcdserverpb.Member) error {
	if _, err := m.Client.MemberPromote(ctx, member.ID); err == nil {
		logs.Info("Promoted learner %s", member.Name)
		return nil
	}
	var seen progress
	stored, err := m.Client.Get(ctx, progressKey)
	if err != nil {
		return err
	}
	if len(stored.Kvs) > 0 {
		if err := json.Unmarshal(stored.Kvs[0].Value, &seen); err != nil {
			return err
		}
	}
	now := time.Now()
	if seen.ID != member.ID || seen.Name != member.Name {
		seen = progress{ID: member.ID, Name: member.Name, LastProgress: metav1.NewTime(now)}
	}
	for _, url := range member.ClientURLs {
		if status, err := m.statusOf(ctx, url); err == nil && seen.RaftAppliedIndex < status {
			seen.RaftAppliedIndex, seen.LastProgress = status, metav1.NewTime(now)
		}
	}
	if stalled := now.Sub(seen.LastProgress.Time); stalled > learnerStall {
		logs.Warn("Removed learner %s from etcd cluster", member.Name)
		_, err := m.Client.MemberRemove(ctx, member.ID)
		return err
	} else if stalled > 0 {
		logs.Warn("Learner %s stalled at RaftAppliedIndex=%d for %s", seen.Name, seen.RaftAppliedIndex, stalled)
	}
	content, err := json.Marshal(seen)
	if err != nil {
		return err
	}
	_, err = m.Client.Put(ctx, progressKey, string(content))
	return err
}

func (m *Member) statusOf(ctx context.Context, url string) (uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	status, err := m.Client.Status(ctx, url)
	if err != nil {
		return 0, fmt.Errorf("failed to check etcd member status: %w", err)
	}
	return status.RaftAppliedIndex, nil
}

func (m *Member) conditions(ctx context.Context, client kubernetes.Interface, members []*etcdserverpb.Member) error {
	nodes, err := client.CoreV1().Nodes().List(ctx, metav1.ListOptions{LabelSelector: RoleLabel + "=true"})
	if err != nil {
		return fmt.Errorf("Failed to list nodes with etcd role: %w", err)
	}
	byName := map[string]*etcdserverpb.Member{}
	for _, member := range members {
		byName[member.Name] = member
	}
	for i := range nodes.Items {
		node := &nodes.Items[i]
		wanted := corev1.NodeCondition{
			Type: VoterCondition, Status: corev1.ConditionFalse, Reason: "NotAMember", Message: "Node is not a member of the etcd cluster",
		}
		if member := byName[node.Annotations[NameAnnotation]]; member != nil {
			wanted.Reason, wanted.Message = "MemberIsLearner", "Node has not been promoted to voting member of the etcd cluster"
			if !member.IsLearner {
				wanted.Status, wanted.Reason, wanted.Message = corev1.ConditionTrue, "MemberNotLearner", "Node is a voting member of the etcd cluster"
			}
			if _, err := m.statusOf(ctx, member.ClientURLs[0]); err != nil {
				wanted.Status, wanted.Reason, wanted.Message = corev1.ConditionFalse, "Unhealthy", err.Error()
			}
		}
		if err := setCondition(ctx, client, node, wanted); err != nil {
			return fmt.Errorf("unable to set etcd status condition of %s: %w", node.Name, err)
		}
	}
	return nil
}

func setCondition(ctx context.Context, client kubernetes.Interface, node *corev1.Node, wanted corev1.NodeCondition) error {
	now := metav1.Now()
	wanted.LastHeartbeatTime, wanted.LastTransitionTime = now, now
	for _, found := range node.Status.Conditions {
		if found.Type == wanted.Type && found.Status == wanted.Status && found.Reason == wanted.Reason && found.Message == wanted.Message {
			if now.Sub(found.LastHeartbeatTime.Time) < 5*time.Minute {
				return nil
			}
			wanted.LastTransitionTime = found.LastTransitionTime
		}
	}
	patch, err := json.Marshal(map[string]any{"status": map[string]any{"conditions": []corev1.NodeCondition{wanted}}})
	if err != nil {
		return err
	}
	_, err = client.CoreV1().Nodes().Patch(ctx, node.Name, types.StrategicMergePatchType, patch, metav1.PatchOptions{}, "status")
	return err
}
