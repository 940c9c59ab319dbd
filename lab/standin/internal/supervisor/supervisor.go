// Package supervisor is k3s' port 6443: the supervisor's own paths and, for all others, a proxy to the API server.
package supervisor

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"k8s.io/client-go/kubernetes"

	"standin/internal/bootstrap"
	"standin/internal/certs"
	"standin/internal/config"
	"standin/internal/etcd"
	"standin/internal/logs"
	"standin/internal/passwd"
)

// Supervisor answers on port 6443.
type Supervisor struct {
	Server config.Server
	// Member is nil on SQLite.
	Member *etcd.Member
	// Kube is nil until the API server answers.
	Kube atomic.Pointer[kubernetes.Clientset]
	// Snapshot handles /db/snapshot.
	Snapshot http.Handler
	set      certs.Set
	proxy    http.Handler
	// users are who had a password when this process started.
	users *passwd.File
	// compared is for the password of this server's own node.
	compared sync.Once
}

// New prepares the handlers; certificates and passwords must be there.
func New(server config.Server, member *etcd.Member, snapshot http.Handler) (*Supervisor, error) {
	users, err := passwd.Read(server.ServerDir("cred", "passwd"))
	if err != nil {
		return nil, err
	}
	supervisor := &Supervisor{Server: server, Member: member, Snapshot: snapshot, set: certs.Set{Server: server}, users: users}
	supervisor.proxy, err = newProxy(supervisor.set)
	return supervisor, err
}

// Listen serves on every address of the machine until the process ends.
func (s *Supervisor) Listen() error {
	certificate, err := tls.LoadX509KeyPair(s.set.File("serving-supervisor.crt"), s.set.File("serving-supervisor.key"))
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", ":6443")
	if err != nil {
		return err
	}
	server := &http.Server{
		Handler: s.routes(), ReadHeaderTimeout: 30 * time.Second, ErrorLog: silent(),
		TLSConfig: &tls.Config{Certificates: []tls.Certificate{certificate}, ClientAuth: tls.RequestClientCert, MinVersion: tls.VersionTLS12},
	}
	logs.Info("Listening on :6443")
	go func() { logs.Fatal("server stopped: %v", server.ServeTLS(listener, "", "")) }()
	return nil
}

func (s *Supervisor) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/ping", text("pong"))
	mux.Handle("/cacerts", s.file("server-ca.crt"))
	if s.Member != nil {
		mux.HandleFunc("/db/info", s.localOrRole(roleServer, s.info))
		mux.HandleFunc("/db/snapshot", s.role(s.Snapshot.ServeHTTP, roleServer))
	}
	server := func(path string, handler http.HandlerFunc) {
		mux.HandleFunc("/v1-k3s/"+path, s.role(handler, roleServer))
	}
	server("server-bootstrap", s.bootstrap)
	server("token", s.rotateToken)
	server("encrypt/status", s.encryptionStatus)
	server("encrypt/config", s.encryptionConfig)
	agent := func(path string, handler http.HandlerFunc) {
		mux.HandleFunc("/v1-k3s/"+path, s.role(handler, roleAgent, roleNodes))
	}
	agent("config", s.config)
	agent("readyz", s.readyz)
	agent("apiservers", s.apiservers)
	agent("client-ca.crt", s.file("client-ca.crt"))
	agent("server-ca.crt", s.file("server-ca.crt"))
	agent("client-kubelet.crt", s.clientKubelet)
	agent("serving-kubelet.crt", s.servingKubelet)
	mux.Handle("/", s.proxy)
	return mux
}

func text(answer string) http.HandlerFunc {
	return func(response http.ResponseWriter, _ *http.Request) {
		response.Header().Set("Content-Type", "text/plain")
		response.Write([]byte(answer))
	}
}

func (s *Supervisor) file(name string) http.HandlerFunc {
	return func(response http.ResponseWriter, _ *http.Request) {
		content, err := os.ReadFile(s.set.File(name))
		if err != nil {
			fail(response, http.StatusInternalServerError, err)
			return
		}
		response.Header().Set("Content-Type", "text/plain")
		response.Write(content)
	}
}

func (s *Supervisor) info(response http.ResponseWriter, request *http.Request) {
	ctx, cancel := context.WithTimeout(request.Context(), 2*time.Second)
	defer cancel()
	list, err := s.Member.Client.MemberList(ctx)
	if err != nil {
		fail(response, http.StatusInternalServerError, errors.New("failed to get etcd MemberList: "+err.Error()))
		return
	}
	answer(response, etcd.Members{Members: list.Members})
}

// bootstrap sends what is sealed in the datastore with the token of the request, else the files on disk.
func (s *Supervisor) bootstrap(response http.ResponseWriter, request *http.Request) {
	_, password, _ := request.BasicAuth()
	data, err := s.shared(request.Context(), password)
	if err == nil {
		logs.Info("Serving HTTP bootstrap from datastore for %s", request.RemoteAddr)
	} else {
		logs.Warn("Failed to retrieve HTTP bootstrap data from datastore; falling back to disk for %s: %v", request.RemoteAddr, err)
		if data, err = bootstrap.Collect(s.Server.Node); err != nil {
			fail(response, http.StatusInternalServerError, err)
			return
		}
	}
	response.Header().Set("Content-Type", "application/json")
	response.Write(data)
}

func (s *Supervisor) shared(ctx context.Context, password string) ([]byte, error) {
	if s.Member == nil {
		return nil, errors.New("etcd datastore disabled")
	}
	return s.Member.SharedFiles(ctx, password)
}

// Settings is what a server tells agents and joining servers.
type Settings struct {
	Critical      map[string]string
	ClusterDomain string
}

func (s *Supervisor) config(response http.ResponseWriter, _ *http.Request) {
	answer(response, Settings{Critical: s.Server.Critical(), ClusterDomain: s.Server.Domain})
}

func (s *Supervisor) readyz(response http.ResponseWriter, request *http.Request) {
	if s.Kube.Load() == nil {
		fail(response, http.StatusServiceUnavailable, errCoreNotReady)
		return
	}
	text("ok")(response, request)
}

var errCoreNotReady = errors.New("runtime core not ready")

func answer(response http.ResponseWriter, value any) {
	response.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(response).Encode(value); err != nil {
		logs.Warn("failed to answer: %v", err)
	}
}
