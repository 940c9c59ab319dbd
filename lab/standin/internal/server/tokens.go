package server

import (
	"os"

	"standin/internal/certs"
	"standin/internal/logs"
	"standin/internal/token"
)

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
	if err := certs.Write(agentFile, []byte(token.Secure(ca, "node", r.nodePassword)+"\n")); err != nil {
		return err
	}
	logs.Info("Agent node token is available at %s", agentFile)
	logs.Info("To join server node to cluster: k3s server -s https://%s:6443 -t ${SERVER_NODE_TOKEN}", r.settings.AdvertiseIP)
	return nil
}

func relink(target, link string) error {
	if err := os.Remove(link); err != nil && !os.IsNotExist(err) {
		return err
	}
	return os.Symlink(target, link)
}
