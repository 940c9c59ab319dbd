package supervisor

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"standin/internal/certs"
	"standin/internal/config"
	"standin/internal/passwd"
)

func TestRoles(t *testing.T) {
	server := config.Server{Node: config.Node{DataDir: t.TempDir()}}
	users := write(t, server, "s,ecret", "agent")
	if err := certs.EnsureCA(server.ServerDir("tls", "client-ca.crt"), server.ServerDir("tls", "client-ca.key"), "test"); err != nil {
		t.Fatal(err)
	}
	supervisor := &Supervisor{Server: server, set: certs.Set{Server: server}, users: users}
	for _, test := range []struct {
		user, password, role string
		code                 int
	}{
		{"server", "s,ecret", roleServer, http.StatusOK}, {"node", "agent", roleAgent, http.StatusOK},
		{"node", "agent", roleServer, http.StatusForbidden}, {"server", "agent", roleServer, http.StatusUnauthorized},
		{"nobody", "", roleServer, http.StatusUnauthorized}, {"", "", roleServer, http.StatusForbidden},
	} {
		if got := ask(supervisor, test.user, test.password, test.role); got != test.code {
			t.Errorf("%s as %s: got %d, want %d", test.user, test.role, got, test.code)
		}
	}
}

func TestARotatedPasswordCountsOnlyAfterTheNextStart(t *testing.T) {
	server := config.Server{Node: config.Node{DataDir: t.TempDir()}}
	supervisor := &Supervisor{Server: server, set: certs.Set{Server: server}, users: write(t, server, "old", "agent")}
	write(t, server, "new", "agent")
	if got := ask(supervisor, "server", "old", roleServer); got != http.StatusOK {
		t.Errorf("the old password: got %d", got)
	}
	if got := ask(supervisor, "server", "new", roleServer); got != http.StatusUnauthorized {
		t.Errorf("the new password: got %d", got)
	}
}

// write replaces cred/passwd and reads it as a start does.
func write(t *testing.T, server config.Server, servers, nodes string) *passwd.File {
	t.Helper()
	users, err := passwd.Read(server.ServerDir("cred", "passwd"))
	if err != nil {
		t.Fatal(err)
	}
	users.Ensure("server", passwd.Servers, servers)
	users.Ensure("node", passwd.Agents, nodes)
	if err := users.Write(); err != nil {
		t.Fatal(err)
	}
	return users
}

// ask is the code of the answer to a request that needs a role.
func ask(supervisor *Supervisor, user, password, role string) int {
	request := httptest.NewRequest(http.MethodGet, "/x", nil)
	if user != "" {
		request.SetBasicAuth(user, password)
	}
	response := httptest.NewRecorder()
	supervisor.role(text("ok"), role)(response, request)
	return response.Code
}
