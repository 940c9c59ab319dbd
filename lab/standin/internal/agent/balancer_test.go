package agent

import (
	"path/filepath"
	"slices"
	"testing"
)

func TestUpdateKeepsTheServerInUseFirst(t *testing.T) {
	balancer := &Balancer{file: filepath.Join(t.TempDir(), "state.json"), fallback: "a:6443", servers: []string{"a:6443"}}
	balancer.Update([]string{"b:6443", "a:6443", "c:6443"})
	if want := []string{"a:6443", "b:6443", "c:6443"}; !slices.Equal(balancer.servers, want) {
		t.Errorf("got %v", balancer.servers)
	}
	balancer.demote("a:6443")
	balancer.Update([]string{"a:6443", "c:6443"})
	if want := []string{"c:6443", "a:6443"}; !slices.Equal(balancer.servers, want) {
		t.Errorf("got %v", balancer.servers)
	}
	balancer.Update(nil)
	if len(balancer.servers) != 2 {
		t.Error("an empty answer emptied the list")
	}
}
