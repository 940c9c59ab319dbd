package kubevip

import (
	"testing"
	"time"
)

func TestParse(t *testing.T) {
	env := map[string]string{
		"vip_arp": "true", "cp_enable": "true", "address": "10.0.0.10", "vip_nodename": "a", "vip_leaseduration": "5",
		"vip_renewdeadline": "3", "vip_retryperiod": "1", "vip_arpRate": "500", "vip_cidr": "24", "KUBERNETES_SERVICE_HOST": "127.0.0.1",
		"KUBERNETES_SERVICE_PORT": "6443",
	}
	got, err := Parse(func(name string) string { return env[name] })
	want := Settings{
		Node: "a", Address: "10.0.0.10", Prefix: 24, Lease: "plndr-cp-lock", Namespace: "kube-system", Duration: 5 * time.Second,
		Renew: 3 * time.Second, Retry: time.Second, ARPRate: 500 * time.Millisecond, APIServer: "127.0.0.1:6443",
	}
	if err != nil || got != want {
		t.Errorf("got %+v, %v", got, err)
	}
	env["vip_arpRate"], env["vip_leaseduration"] = "100", "soon"
	if got, err := Parse(func(name string) string { return env[name] }); err == nil || got.ARPRate != 3*time.Second {
		t.Errorf("got %+v, %v", got, err)
	}
}
