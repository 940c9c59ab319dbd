package etcd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"time"

	"go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"

	"standin/internal/access"
	"standin/internal/logs"
)

// Members is what /db/info answers.
type Members struct {
	Members []*etcdserverpb.Member `json:"members"`
}

// Join adds this member as a learner through a living server and starts it; it waits while another one is joining.
func (m *Member) Join(ctx context.Context, info *access.Info) error {
	for {
		err := m.tryJoin(ctx, info)
		var failed access.StatusError
		switch {
		case err == nil:
			return nil
		case errors.Is(err, rpctypes.ErrTooManyLearners), errors.Is(err, rpctypes.ErrUnhealthy):
			logs.Info("Waiting for other members to finish joining etcd cluster: %v", err)
		case errors.As(err, &failed):
			logs.Info("Waiting to retrieve etcd cluster member list: %v", err)
		default:
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Second):
		}
	}
}

func (m *Member) tryJoin(ctx context.Context, info *access.Info) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	content, err := info.Get("/db/info")
	if err != nil {
		return err
	}
	var list Members
	if err := json.Unmarshal(content, &list); err != nil {
		return err
	}
	plan, err := Plan(list.Members, m.Name, m.Server.Name, m.peerURL(), info.URL)
	if err != nil {
		if errors.Is(err, ErrDuplicate) {
			os.Remove(m.dir("name"))
		}
		return err
	}
	if plan.Add {
		client, err := m.connect(plan.Endpoints...)
		if err != nil {
			return err
		}
		defer client.Close()
		logs.Info("Adding member %s=%s to etcd cluster %v", m.Name, m.peerURL(), plan.Cluster)
		if _, err := client.MemberAddAsLearner(ctx, []string{m.peerURL()}); err != nil {
			return err
		}
		plan.Cluster = append(plan.Cluster, m.Name+"="+m.peerURL())
	}
	logs.Info("Starting etcd to join cluster with members %v", plan.Cluster)
	return m.start(map[string]any{"initial-cluster": strings.Join(plan.Cluster, ","), "initial-cluster-state": "existing"})
}

// ErrDuplicate is k3s' text when another member already has this node's name.
var ErrDuplicate = errors.New("duplicate node name found, please use a unique name for this node")

// JoinPlan is what the member list means for a joiner.
type JoinPlan struct {
	// Cluster is etcd's initial-cluster without the joiner when it must be added.
	Cluster []string
	// Endpoints of voters, the server that is joined first.
	Endpoints []string
	Add       bool
}

// Plan decides how the member `name` of node `node` joins. An address that is known under no name yet is its own.
func Plan(members []*etcdserverpb.Member, name, node, peerURL, server string) (JoinPlan, error) {
	plan := JoinPlan{Add: true}
	joined, err := url.Parse(server)
	if err != nil {
		return plan, err
	}
	for _, member := range members {
		memberName := member.Name
		own := false
		for _, peer := range member.PeerURLs {
			if memberName == "" && peer == peerURL {
				memberName = name
			}
			if memberName == name && peer == peerURL {
				own, plan.Add = true, false
			}
		}
		if len(member.PeerURLs) > 0 {
			plan.Cluster = append(plan.Cluster, fmt.Sprintf("%s=%s", memberName, member.PeerURLs[0]))
		}
		if memberName != name && NodeOf(memberName) == node {
			return plan, ErrDuplicate
		}
		if member.IsLearner || own {
			continue
		}
		if contains(member.ClientURLs, joined.Hostname()) {
			plan.Endpoints = append(append([]string{}, member.ClientURLs...), plan.Endpoints...)
		} else {
			plan.Endpoints = append(plan.Endpoints, member.ClientURLs...)
		}
	}
	return plan, nil
}

// NodeOf is the node's name in a member's name `<node>-<8 hex>`.
func NodeOf(member string) string {
	if at := strings.LastIndex(member, "-"); at > 1 {
		return member[:at]
	}
	return member
}

func contains(urls []string, host string) bool {
	for _, text := range urls {
		if parsed, err := url.Parse(text); err == nil && parsed.Hostname() == host {
			return true
		}
	}
	return false
}
