package server

import (
	"os"
	"testing"
	"time"

	"standin/internal/config"
	"standin/internal/passwd"
	"standin/internal/token"
)

var secure = token.Secure([]byte("ca"), "server", "one")

// started is a server whose users were settled with these tokens an hour ago.
func started(t *testing.T, text, agentToken string) *run {
	t.Helper()
	r := &run{settings: config.Server{Node: config.Node{DataDir: t.TempDir(), Token: text}, AgentToken: agentToken}}
	if err := r.users(); err != nil {
		t.Fatal(err)
	}
	then := time.Now().Add(-time.Hour)
	if err := os.Chtimes(r.settings.ServerDir("cred", "passwd"), then, then); err != nil {
		t.Fatal(err)
	}
	return r
}

// again settles the users anew, and tells whether that wrote the file.
func again(t *testing.T, r *run) (file *passwd.File, written bool) {
	t.Helper()
	if err := r.users(); err != nil {
		t.Fatal(err)
	}
	path := r.settings.ServerDir("cred", "passwd")
	file, err := passwd.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return file, time.Since(info.ModTime()) < time.Minute
}

func TestAStartWritesPasswordsOnlyForNewTokens(t *testing.T) {
	r := started(t, secure, "agents")
	if _, written := again(t, r); written {
		t.Error("the same tokens were written again")
	}
	r.settings.AgentToken = "others"
	if file, written := again(t, r); !written || file.Password("node") != "others" || file.Password("server") != "one" {
		t.Errorf("a new agent token: got %v, %v", file, written)
	}
}

func TestNodesHaveTheServersPasswordWithoutAnAgentToken(t *testing.T) {
	r := started(t, secure, "")
	if r.nodePassword != "one" {
		t.Errorf("got %s", r.nodePassword)
	}
	r.settings.Token = ""
	if file, written := again(t, r); written || file.Password("server") != "one" {
		t.Errorf("without a token the one on disk counts: got %v, %v", file, written)
	}
}
