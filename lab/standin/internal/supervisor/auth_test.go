package supervisor

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"standin/internal/certs"
	"standin/internal/config"
)

func TestRoles(t *testing.T) {
	server := config.Server{Node: config.Node{DataDir: t.TempDir()}}
	if err := WritePasswords(server.ServerDir("cred", "passwd"), "s,ecret", "agent"); err != nil {
		t.Fatal(err)
	}
	if err := certs.EnsureCA(server.ServerDir("tls", "client-ca.crt"), server.ServerDir("tls", "client-ca.key"), "test"); err != nil {
		t.Fatal(err)
	}
	supervisor := &Supervisor{Server: server, set: certs.Set{Server: server}}
	for _, test := range []struct {
		user, password, role string
		code                 int
	}{
		{"server", "s,ecret", roleServer, http.StatusOK}, {"node", "agent", roleAgent, http.StatusOK},
		{"node", "agent", roleServer, http.StatusForbidden}, {"server", "agent", roleServer, http.StatusUnauthorized},
		{"nobody", "", roleServer, http.StatusUnauthorized}, {"", "", roleServer, http.StatusForbidden},
	} {
		request := httptest.NewRequest(http.MethodGet, "/x", nil)
		if test.user != "" {
			request.SetBasicAuth(test.user, test.password)
		}
		response := httptest.NewRecorder()
		supervisor.role(text("ok"), test.role)(response, request)
		if response.Code != test.code {
			t.Errorf("%s as %s: got %d, want %d", test.user, test.role, response.Code, test.code)
		}
	}
}
