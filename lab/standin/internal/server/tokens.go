package server

import (
	"os"
	"strings"

	"standin/internal/certs"
	"standin/internal/logs"
	"standin/internal/supervisor"
	"standin/internal/token"
)

// settlePassword decides the server's password (configured, else the one on disk, else a new one) and who may use the supervisor.
func (r *run) settlePassword() error {
	text := r.settings.Token
	if text == "" {
		content, err := os.ReadFile(r.settings.ServerDir("token"))
		if err != nil && !os.IsNotExist(err) {
			return err
		}
		if text = strings.TrimSpace(string(content)); text == "" {
			text = token.Random(16)
		}
	}
	parsed, err := token.Parse(text)
	if err != nil {
		return err
	}
	r.password = parsed.Password
	agent := r.password
	if r.settings.AgentToken != "" {
		parsed, err := token.Parse(r.settings.AgentToken)
		if err != nil {
			return err
		}
		agent = parsed.Password
	}
	for _, file := range []string{r.settings.ServerDir("cred", "passwd"), r.settings.ServerDir("token")} {
		if content, err := os.ReadFile(file); err == nil {
			r.before[file] = content
		}
	}
	return supervisor.WritePasswords(r.settings.ServerDir("cred", "passwd"), r.password, agent)
}

// takeBack undoes what a start with the wrong token has written.
func (r *run) takeBack() {
	for file, content := range r.before {
		if err := certs.Write(file, content); err != nil {
			logs.Warn("%v", err)
		}
	}
}

// writeTokens writes the secure tokens: server/token, node-token as a link to it, and agent-token.
func (r *run) writeTokens() error {
	ca, err := os.ReadFile(r.set.File("server-ca.crt"))
	if err != nil {
		return err
	}
	file := r.settings.ServerDir("token")
	if err := certs.Write(file, []byte(token.Secure(ca, "server", r.password)+"\n")); err != nil {
		return err
	}
	logs.Info("Server node token is available at %s", file)
	if err := relink(file, r.settings.ServerDir("node-token")); err != nil {
		return err
	}
	agentFile := r.settings.ServerDir("agent-token")
	if r.settings.AgentToken == "" {
		return relink(file, agentFile)
	}
	os.Remove(agentFile)
	if err := certs.Write(agentFile, []byte(nodeToken(ca, r.settings.ServerDir("cred", "passwd"))+"\n")); err != nil {
		return err
	}
	logs.Info("Agent node token is available at %s", agentFile)
	logs.Info("To join server node to cluster: k3s server -s https://%s:6443 -t ${SERVER_NODE_TOKEN}", r.settings.AdvertiseIP)
	return nil
}

// nodeToken is the token with which nodes come, from cred/passwd.
func nodeToken(ca []byte, passwords string) string {
	users, err := supervisor.Passwords(passwords)
	if err != nil {
		logs.Fatal("%v", err)
	}
	return token.Secure(ca, "node", users["node"][0])
}

func relink(target, link string) error {
	if err := os.Remove(link); err != nil && !os.IsNotExist(err) {
		return err
	}
	return os.Symlink(target, link)
}
