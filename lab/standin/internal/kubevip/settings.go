// Package kubevip plays the control-plane part of kube-vip in ARP mode: an election on a Lease, and the address on the winner.
package kubevip

import (
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"time"
)

// Settings are kube-vip's environment variables, with its defaults.
type Settings struct {
	Node      string
	Address   string
	Interface string
	// Prefix is the length of the address's network, 32 unless vip_subnet or vip_cidr says otherwise.
	Prefix    int
	Lease     string
	Namespace string
	Duration  time.Duration
	Renew     time.Duration
	Retry     time.Duration
	// ARPRate is how often the address is announced; kube-vip announces it on this tick only.
	ARPRate time.Duration
	// APIServer is host:port.
	APIServer string
}

const (
	arpRateDefault = 3000
	arpRateMinimum = 500
)

// Parse reads the settings from a look-up of environment variables.
func Parse(env func(string) string) (Settings, error) {
	settings := Settings{
		Node: env("vip_nodename"), Address: env("address"), Interface: env("vip_interface"),
		Lease: text(env("vip_leasename"), "plndr-cp-lock"), Namespace: text(env("cp_namespace"), "kube-system"),
	}
	if net.ParseIP(settings.Address) == nil {
		return settings, fmt.Errorf("no valid address: %q", settings.Address)
	}
	if env("vip_arp") != "true" || env("cp_enable") != "true" {
		return settings, fmt.Errorf("the stand-in knows vip_arp=true with cp_enable=true only")
	}
	if settings.Node == "" {
		settings.Node, _ = os.Hostname()
	}
	host, port := env("KUBERNETES_SERVICE_HOST"), env("KUBERNETES_SERVICE_PORT")
	settings.APIServer = net.JoinHostPort(text(host, "127.0.0.1"), text(port, "6443"))
	var err error
	number := func(name string, fallback int) int {
		value, failure := strconv.Atoi(strings.TrimPrefix(text(env(name), strconv.Itoa(fallback)), "/"))
		if failure != nil && err == nil {
			err = fmt.Errorf("%s: %q is not a number", name, env(name))
		}
		return value
	}
	settings.Prefix = number("vip_subnet", number("vip_cidr", 32))
	settings.Duration = time.Duration(number("vip_leaseduration", 15)) * time.Second
	settings.Renew = time.Duration(number("vip_renewdeadline", 10)) * time.Second
	settings.Retry = time.Duration(number("vip_retryperiod", 2)) * time.Second
	rate := number("vip_arpRate", arpRateDefault)
	if rate < arpRateMinimum {
		rate = arpRateDefault
	}
	settings.ARPRate = time.Duration(rate) * time.Millisecond
	return settings, err
}

func text(value, fallback string) string {
	if value == "" {
		return fallback
	}
	return value
}
