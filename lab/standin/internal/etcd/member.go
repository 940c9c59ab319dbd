// Package etcd runs this server's member of the embedded etcd cluster the way k3s does.
package etcd

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/server/v3/embed"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"

	"standin/internal/certs"
	"standin/internal/config"
	"standin/internal/logs"
	"standin/internal/token"
)

const (
	// Local is where the API server and everything on this machine reach etcd.
	Local       = "https://127.0.0.1:2379"
	dialTimeout = 2 * time.Second
	testTimeout = 10 * time.Second
)

// Member is this server's member, running or not.
type Member struct {
	Server config.Server
	// Name is `<node>-<8 hex>`, kept in the data directory.
	Name string
	// Client is connected to the local member.
	Client *clientv3.Client
	etcd   *embed.Etcd
	// loopback keeps other machines out during a reset.
	loopback bool
	// stopping tells a wanted end of etcd from a removal.
	stopping atomic.Bool
}

// New finds or makes the member's name and a client for it. Certificates must be there.
func New(server config.Server) (*Member, error) {
	member := &Member{Server: server}
	if err := member.setName(false); err != nil {
		return nil, err
	}
	client, err := member.connect(Local)
	member.Client = client
	return member, err
}

func (m *Member) dir(parts ...string) string {
	return m.Server.ServerDir(append([]string{"db", "etcd"}, parts...)...)
}

// Rejoin moves away the data of a member that was removed from its cluster, so that this server joins anew. One that knows no
// server to join stays out.
func Rejoin(server config.Server) error {
	dir := server.ServerDir("db", "etcd")
	if _, err := os.Stat(filepath.Join(dir, "tombstone")); err != nil {
		return nil
	}
	if server.JoinURL == "" {
		return errors.New("tombstone file has been detected but --server is empty: backup and delete ${datadir}/server/db to create " +
			"a new cluster, or set --server to rejoin the cluster")
	}
	logs.Info("tombstone file has been detected, removing ${datadir}/server/db to rejoin the cluster")
	return os.Rename(dir, fmt.Sprintf("%s-backup-%d", dir, time.Now().Unix()))
}

// Initialized says whether this server has etcd data; k3s looks for the write-ahead log.
func Initialized(server config.Server) bool {
	info, err := os.Stat(server.ServerDir("db", "etcd", "member", "wal"))
	return err == nil && info.IsDir()
}

// setName takes the name on disk, or makes one; a reset makes a new one in any case.
func (m *Member) setName(fresh bool) error {
	content, err := os.ReadFile(m.dir("name"))
	if err == nil && !fresh {
		m.Name = string(content)
		return nil
	}
	if err != nil && !os.IsNotExist(err) {
		return err
	}
	m.Name = m.Server.Name + "-" + token.Random(4)
	return certs.Write(m.dir("name"), []byte(m.Name))
}

func (m *Member) peerURL() string   { return "https://" + m.Server.IP + ":2380" }
func (m *Member) clientURL() string { return "https://" + m.Server.IP + ":2379" }

func (m *Member) connect(endpoints ...string) (*clientv3.Client, error) {
	secure, err := m.tls()
	if err != nil {
		return nil, err
	}
	return clientv3.New(clientv3.Config{
		Endpoints: endpoints, TLS: secure, DialTimeout: dialTimeout,
		DialKeepAliveTime: 30 * time.Second, DialKeepAliveTimeout: 10 * time.Second, PermitWithoutStream: true,
		Logger: quiet(), DialOptions: dialOptions(),
	})
}

// dialOptions make a client that came before its server notice it soon; the default waits longer and longer.
func dialOptions() []grpc.DialOption {
	return []grpc.DialOption{grpc.WithConnectParams(grpc.ConnectParams{
		Backoff: backoff.Config{BaseDelay: 100 * time.Millisecond, Multiplier: 1.2, MaxDelay: 500 * time.Millisecond}, MinConnectTimeout: dialTimeout,
	})}
}

func (m *Member) tls() (*tls.Config, error) {
	set := certs.Set{Server: m.Server}
	pair, err := tls.LoadX509KeyPair(set.File("etcd/client.crt"), set.File("etcd/client.key"))
	if err != nil {
		return nil, err
	}
	ca, err := os.ReadFile(set.File("etcd/server-ca.crt"))
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(ca)
	return &tls.Config{RootCAs: pool, Certificates: []tls.Certificate{pair}}, nil
}

// Ready tells whether this member votes in a cluster that knows it by this name and address.
func (m *Member) Ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, testTimeout)
	defer cancel()
	status, err := m.Client.Status(ctx, Local)
	if err != nil {
		return err
	}
	if status.IsLearner {
		return errors.New("this server has not yet been promoted from learner to voting member")
	}
	if err := m.disarm(ctx); err != nil {
		return fmt.Errorf("failed to report and disarm etcd alarms: %w", err)
	}
	list, err := m.Client.MemberList(ctx)
	if err != nil {
		return err
	}
	var found []string
	for _, member := range list.Members {
		for _, url := range member.PeerURLs {
			if url == m.peerURL() && member.Name == m.Name {
				return nil
			}
		}
		found = append(found, member.Name+"="+strings.Join(member.PeerURLs, ","))
	}
	return fmt.Errorf("this server is a not a member of the etcd cluster. Found %v, expect: %s=%s", found, m.Name, m.Server.IP)
}

func (m *Member) disarm(ctx context.Context) error {
	alarms, err := m.Client.AlarmList(ctx)
	if err != nil {
		return err
	}
	for _, alarm := range alarms.Alarms {
		logs.Warn("Alarm on etcd member %d: %s", alarm.MemberID, alarm.Alarm)
	}
	if len(alarms.Alarms) > 0 {
		_, err = m.Client.AlarmDisarm(ctx, &clientv3.AlarmMember{})
	}
	return err
}

// ClientConfig is how a client connects to the local member.
func (m *Member) ClientConfig() (clientv3.Config, error) {
	secure, err := m.tls()
	return clientv3.Config{Endpoints: []string{Local}, TLS: secure, DialTimeout: dialTimeout, Logger: quiet()}, err
}
