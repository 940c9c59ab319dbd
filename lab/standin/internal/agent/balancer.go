// Package agent is `k3s agent`: a load balancer over all servers, and the node behind it.
package agent

import (
	"encoding/json"
	"io"
	"net"
	"os"
	"slices"
	"sync"
	"time"

	"standin/internal/certs"
	"standin/internal/logs"
)

// Balancer passes connections on to one of the servers it knows; it stays with one that answers.
type Balancer struct {
	// file keeps the servers between starts.
	file string
	// fallback is the configured server, tried when no other answers.
	fallback string
	mutex    sync.Mutex
	servers  []string
}

// state is the file's content.
type state struct {
	ServerAddresses []string `json:"serverAddresses"`
}

// NewBalancer listens on 127.0.0.1:port.
func NewBalancer(port, file, fallback string) (*Balancer, error) {
	balancer := &Balancer{file: file, fallback: fallback, servers: []string{fallback}}
	var kept state
	if content, err := os.ReadFile(file); err == nil && json.Unmarshal(content, &kept) == nil && len(kept.ServerAddresses) > 0 {
		balancer.servers = kept.ServerAddresses
	}
	listener, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", port))
	if err != nil {
		return nil, err
	}
	logs.Info("Running load balancer k3s-agent-load-balancer 127.0.0.1:%s -> %v [default: %s]", port, balancer.servers, fallback)
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				logs.Fatal("load balancer: %v", err)
			}
			go balancer.serve(connection)
		}
	}()
	return balancer, nil
}

// Update replaces the servers, keeping the order of those known: the first is in use.
func (b *Balancer) Update(servers []string) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	kept := slices.DeleteFunc(slices.Clone(b.servers), func(server string) bool { return !slices.Contains(servers, server) })
	for _, server := range servers {
		if !slices.Contains(kept, server) {
			kept = append(kept, server)
		}
	}
	if slices.Equal(kept, b.servers) || len(kept) == 0 {
		return
	}
	logs.Info("Updated load balancer k3s-agent-load-balancer server addresses -> %v [default: %s]", kept, b.fallback)
	b.servers = kept
	b.save()
}

func (b *Balancer) save() {
	content, err := json.Marshal(state{b.servers})
	if err == nil {
		err = certs.Write(b.file, content)
	}
	if err != nil {
		logs.Warn("failed to save load balancer state: %v", err)
	}
}

func (b *Balancer) serve(client net.Conn) {
	defer client.Close()
	server := b.dial()
	if server == nil {
		return
	}
	defer server.Close()
	done := make(chan struct{}, 2)
	relay := func(to, from net.Conn) {
		io.Copy(to, from)
		done <- struct{}{}
	}
	go relay(server, client)
	go relay(client, server)
	<-done
}

// dial tries the servers in order; one that does not answer moves to the end.
func (b *Balancer) dial() net.Conn {
	b.mutex.Lock()
	candidates := slices.Clone(b.servers)
	b.mutex.Unlock()
	if !slices.Contains(candidates, b.fallback) {
		candidates = append(candidates, b.fallback)
	}
	for _, server := range candidates {
		connection, err := net.DialTimeout("tcp", server, 2*time.Second)
		if err == nil {
			return connection
		}
		logs.Debug("Dial error from load balancer k3s-agent-load-balancer to %s: %v", server, err)
		b.demote(server)
	}
	return nil
}

func (b *Balancer) demote(server string) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	if at := slices.Index(b.servers, server); at >= 0 {
		b.servers = append(slices.Delete(b.servers, at, at+1), server)
	}
}
