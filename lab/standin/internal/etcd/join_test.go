package etcd

import (
	"errors"
	"reflect"
	"testing"

	"go.etcd.io/etcd/api/v3/etcdserverpb"
)

func member(name, address string, learner bool) *etcdserverpb.Member {
	return &etcdserverpb.Member{
		Name: name, IsLearner: learner, PeerURLs: []string{"https://" + address + ":2380"}, ClientURLs: []string{"https://" + address + ":2379"},
	}
}

func TestPlanAddsAStranger(t *testing.T) {
	members := []*etcdserverpb.Member{member("b-1", "10.0.0.2", false), member("a-1", "10.0.0.1", false), member("l-1", "10.0.0.9", true)}
	plan, err := Plan(members, "c-1", "c", "https://10.0.0.3:2380", "https://10.0.0.1:6443")
	want := JoinPlan{
		Cluster:   []string{"b-1=https://10.0.0.2:2380", "a-1=https://10.0.0.1:2380", "l-1=https://10.0.0.9:2380"},
		Endpoints: []string{"https://10.0.0.1:2379", "https://10.0.0.2:2379"}, Add: true,
	}
	if err != nil || !reflect.DeepEqual(plan, want) {
		t.Errorf("got %+v, %v", plan, err)
	}
}

func TestPlanKnowsItsOwnUnstartedMember(t *testing.T) {
	members := []*etcdserverpb.Member{member("a-1", "10.0.0.1", false), member("", "10.0.0.3", true)}
	plan, err := Plan(members, "c-1", "c", "https://10.0.0.3:2380", "https://10.0.0.1:6443")
	if err != nil || plan.Add || plan.Cluster[1] != "c-1=https://10.0.0.3:2380" {
		t.Errorf("got %+v, %v", plan, err)
	}
}

func TestPlanRefusesASecondMemberOfTheNode(t *testing.T) {
	members := []*etcdserverpb.Member{member("a-1", "10.0.0.1", false), member("my-c-0a1b2c3d", "10.0.0.3", false)}
	if _, err := Plan(members, "my-c-ffffffff", "my-c", "https://10.0.0.3:2380", "https://10.0.0.1:6443"); !errors.Is(err, ErrDuplicate) {
		t.Errorf("got %v", err)
	}
}

func TestArgument(t *testing.T) {
	for text, want := range map[string]any{"--heartbeat-interval=100": 100, "pre-vote": true, "log-level=warn": "warn", "a=false": false} {
		if _, value := Argument(text); value != want {
			t.Errorf("Argument(%s) = %v", text, value)
		}
	}
}
