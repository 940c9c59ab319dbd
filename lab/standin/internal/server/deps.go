package server

import (
	"os"
	"path/filepath"

	"standin/internal/certs"
	"standin/internal/passwd"
	"standin/internal/token"
)

// generate makes what this server still lacks, in k3s' order: certificates, passwords, keys.
func (r *run) generate() error {
	if err := r.set.EnsureCAs(); err != nil {
		return err
	}
	if err := r.set.EnsureLeaves(); err != nil {
		return err
	}
	if err := r.set.EnsureServiceKey(); err != nil {
		return err
	}
	if err := r.users(); err != nil {
		return err
	}
	if err := r.ensurePSK(); err != nil {
		return err
	}
	return r.ensureEncryption()
}

// users settles who may use the supervisor: the server's password is the configured one, else the one on disk, else a new one;
// nodes have the agent token's, else the same.
func (r *run) users() error {
	file, err := passwd.Read(filepath.Join(r.settings.ServerDir("cred"), "passwd"))
	if err != nil {
		return err
	}
	servers := r.settings.Token
	if servers == "" {
		servers = file.Password("server")
	}
	if servers == "" {
		servers = token.Random(16)
	}
	nodes := r.settings.AgentToken
	if nodes == "" {
		nodes = servers
		if parsed, err := token.Parse(servers); err == nil {
			nodes = parsed.Password
		}
	}
	file.Ensure("node", passwd.Agents, nodes)
	file.Ensure("server", passwd.Servers, servers)
	r.password, r.nodePassword = file.Password("server"), file.Password("node")
	return file.Write()
}

// ensurePSK makes the key that flannel's IPsec had; nothing uses it here, but servers share it.
func (r *run) ensurePSK() error {
	file := r.settings.ServerDir("cred", "ipsec.psk")
	if info, err := os.Stat(file); err == nil && info.Size() > 0 {
		return nil
	}
	return certs.Write(file, []byte(token.Random(48)+"\n"))
}
