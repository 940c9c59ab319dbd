package supervisor

import (
	"encoding/json"
	"errors"
	"net/http"
	"os"

	"standin/internal/certs"
	"standin/internal/token"
)

// TokenRequest is what `k3s token rotate` sends.
type TokenRequest struct {
	NewToken *string `json:"newToken,omitempty"`
}

// rotateToken changes the servers' password, and the nodes' when it was the same: in cred/passwd, server/token and the sealed data.
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
	if err := json.NewDecoder(request.Body).Decode(&asked); err != nil {
		fail(response, http.StatusBadRequest, err)
		return
	}
	next := token.Random(16)
	if asked.NewToken != nil && *asked.NewToken != "" {
		next = *asked.NewToken
	}
	if err := s.changePassword(request, next); err != nil {
		fail(response, http.StatusInternalServerError, err)
	}
}

func (s *Supervisor) changePassword(request *http.Request, next string) error {
	file := s.Server.ServerDir("cred", "passwd")
	users, err := Passwords(file)
	if err != nil {
		return err
	}
	old, agent := users["server"][0], users["node"][0]
	if agent == old && s.Server.AgentToken == "" {
		agent = next
	}
	ca, err := os.ReadFile(s.set.File("server-ca.crt"))
	if err != nil {
		return err
	}
	if err := s.Member.RotateToken(request.Context(), old, next); err != nil {
		return err
	}
	if err := WritePasswords(file, next, agent); err != nil {
		return err
	}
	return certs.Write(s.Server.ServerDir("token"), []byte(token.Secure(ca, "server", next)+"\n"))
}
