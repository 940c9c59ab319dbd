package bootstrap

import (
	"encoding/json"
	"os"
	"path/filepath"
	"time"

	"standin/internal/config"
	"standin/internal/logs"
)

// names are the shared files below server/, by the names k3s gives them.
var names = map[string]string{
	"ETCDServerCA": "tls/etcd/server-ca.crt", "ETCDServerCAKey": "tls/etcd/server-ca.key",
	"ETCDPeerCA": "tls/etcd/peer-ca.crt", "ETCDPeerCAKey": "tls/etcd/peer-ca.key",
	"ServerCA": "tls/server-ca.crt", "ServerCAKey": "tls/server-ca.key",
	"ClientCA": "tls/client-ca.crt", "ClientCAKey": "tls/client-ca.key",
	"RequestHeaderCA": "tls/request-header-ca.crt", "RequestHeaderCAKey": "tls/request-header-ca.key",
	"ServiceKey": "tls/service.key", "PasswdFile": "cred/passwd", "IPSECKey": "cred/ipsec.psk",
	"EncryptionConfig": "cred/encryption-config.json", "EncryptionHash": "cred/encryption-state.json",
}

// encryption are those that a server has only with secrets-encryption.
var encryption = map[string]bool{"EncryptionConfig": true, "EncryptionHash": true}

// File is one shared file on its way.
type File struct {
	Timestamp time.Time
	Content   []byte
}

// Files are the shared files by name.
type Files map[string]File

// Parse undoes Collect.
func Parse(data []byte) (Files, error) {
	files := Files{}
	return files, json.Unmarshal(data, &files)
}

// path is where a file lies on this server; empty when it has none of this name.
func path(node config.Node, name string) string {
	below, known := names[name]
	if !known || encryption[name] && !node.Switch("secrets-encryption") {
		return ""
	}
	return node.ServerDir(below)
}

// Collect reads the shared files that exist.
func Collect(node config.Node) ([]byte, error) {
	files := Files{}
	for name := range names {
		file := path(node, name)
		if file == "" {
			continue
		}
		info, err := os.Stat(file)
		if err != nil {
			logs.Warn("failed to stat %s: %v", name, err)
			continue
		}
		content, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		files[name] = File{info.ModTime(), content}
	}
	return json.Marshal(files)
}

// Spread writes all of them below this server's directory, with the time that each had where it came from.
func (f Files) Spread(node config.Node) error {
	for name, entry := range f {
		file := path(node, name)
		if file == "" {
			continue
		}
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			return err
		}
		if err := os.WriteFile(file, entry.Content, 0o600); err != nil {
			return err
		}
		if err := os.Chtimes(file, entry.Timestamp, entry.Timestamp); err != nil {
			return err
		}
	}
	return nil
}
