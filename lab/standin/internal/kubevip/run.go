package kubevip

import (
	"context"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"

	"standin/internal/logs"
)

// The environment variables through which the kubelet hands over the service account.
const (
	tokenFileEnv = "STANDIN_TOKEN_FILE"
	caFileEnv    = "STANDIN_CA_FILE"
)

// holding is held while the address is put on or taken off.
var holding sync.Mutex

// Main is the process that plays the container. It ends when the lease is lost; the kubelet starts it again.
func Main() {
	logs.Setup(false)
	settings, err := Parse(os.Getenv)
	if err != nil {
		logs.Fatal("%v", err)
	}
	if settings.Interface == "" {
		if settings.Interface, err = defaultInterface(); err != nil {
			logs.Fatal("unable to detect default interface: %v", err)
		}
	}
	client, err := kubernetes.NewForConfig(&rest.Config{
		Host: "https://" + settings.APIServer, BearerTokenFile: os.Getenv(tokenFileEnv),
		TLSClientConfig: rest.TLSClientConfig{CAFile: os.Getenv(caFileEnv)}, Timeout: 10 * time.Second,
	})
	if err != nil {
		logs.Fatal("%v", err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if found, err := settings.remove(); err != nil {
		logs.Fatal("%v", err)
	} else if found {
		logs.Info("removed %s, left over on %s", settings.Address, settings.Interface)
	}
	settings.elect(ctx, client)
}

func (s Settings) elect(ctx context.Context, client kubernetes.Interface) {
	logs.Info("Beginning cluster membership, namespace [%s], lock name [%s], id [%s]", s.Namespace, s.Lease, s.Node)
	leaderelection.RunOrDie(ctx, leaderelection.LeaderElectionConfig{
		Lock: &resourcelock.LeaseLock{
			LeaseMeta: metav1.ObjectMeta{Name: s.Lease, Namespace: s.Namespace}, Client: client.CoordinationV1(),
			LockConfig: resourcelock.ResourceLockConfig{Identity: s.Node},
		},
		ReleaseOnCancel: true, LeaseDuration: s.Duration, RenewDeadline: s.Renew, RetryPeriod: s.Retry,
		Callbacks: leaderelection.LeaderCallbacks{
			OnStartedLeading: s.lead,
			OnStoppedLeading: func() {
				logs.Info("This node is becoming a follower within the cluster")
				holding.Lock()
				defer holding.Unlock()
				if _, err := s.remove(); err != nil {
					logs.Warn("%v", err)
				}
				logs.Error("lost leadership, restarting kube-vip")
			},
			OnNewLeader: func(identity string) { logs.Info("Node [%s] is assuming leadership of the cluster", identity) },
		},
	})
}

// lead puts the address on the interface at once, and announces it after the first tick and on every one that follows.
func (s Settings) lead(ctx context.Context) {
	if err := s.add(); err != nil {
		logs.Fatal("could not add %s to %s: %v", s.cidr(), s.Interface, err)
	}
	logs.Info("layer 2 broadcaster starting for [%s/%s]", s.Address, s.Interface)
	ticker := time.NewTicker(s.ARPRate)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		s.repeat(ctx)
	}
}

// repeat announces the address, after putting it back if somebody took it away; never after the lease was lost.
func (s Settings) repeat(ctx context.Context) {
	holding.Lock()
	defer holding.Unlock()
	if ctx.Err() != nil {
		return
	}
	if err := s.add(); err != nil {
		logs.Warn("%v", err)
	}
	if err := s.announce(); err != nil {
		logs.Warn("gratuitous ARP: %v", err)
	}
}
