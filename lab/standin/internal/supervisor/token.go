package supervisor

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"os"

	"standin/internal/certs"
	"standin/internal/passwd"
	"standin/internal/token"
)

// TokenRequest is what `k3s token rotate` sends.
type TokenRequest struct {
	NewToken *string `json:"newToken,omitempty"`
}

func (s *Supervisor) rotateToken(response http.ResponseWriter, request *http.Request) {
	if request.Method != http.MethodPut {
		fail(response, http.StatusMethodNotAllowed, errors.New("method not allowed"))
		return
	}
	var asked TokenRequest
	if s.Member == nil {
		fail(response, http.StatusInternalServerError, errors.New("the stand-in rotates tokens with etcd only"))
		return
	}
	if err := json.NewDecoder(request.Body).Decode(&asked); err != nil || asked.NewToken == nil {
		fail(response, http.StatusBadRequest, errors.New("no token in the request"))
		return
	}
	// k3s goes on when the caller's patience ends
	if err := s.changePassword(context.WithoutCancel(request.Context()), *asked.NewToken); err != nil {
		fail(response, http.StatusInternalServerError, err)
	}
}

// changePassword changes the servers' password, and the nodes' when it was the same: on disk, then in the datastore, where this
// server's files take the place of what was sealed, also when the password stays as it was.
func (s *Supervisor) changePassword(ctx context.Context, text string) error {
	users, err := passwd.Read(s.Server.ServerDir("cred", "passwd"))
	if err != nil {
		return err
	}
	old := users.Password("server")
	if old == "" {
		return errors.New("server token not found")
	}
	if text == "" {
		text = token.Random(16)
	}
	next, err := token.Parse(text)
	if err != nil {
		return err
	}
	users.Ensure("server", passwd.Servers, next.Password)
	if users.Password("node") == old && s.Server.AgentToken == "" {
		users.Ensure("node", passwd.Agents, next.Password)
	}
	if err := users.Write(); err != nil {
		return err
	}
	ca, err := os.ReadFile(s.set.File("server-ca.crt"))
	if err != nil {
		return err
	}
	if err := certs.Write(s.Server.ServerDir("token"), []byte(token.Secure(ca, "server", next.Password)+"\n")); err != nil {
		return err
	}
	if err := s.Member.Reseal(ctx, old, next.Password); err != nil {
		return err
	}
	return s.Member.SaveBootstrap(ctx, next.Password, true)
}
