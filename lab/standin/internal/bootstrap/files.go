package bootstrap

import (
	"bytes"
	"encoding/json"
	"os"
	"time"

	"standin/internal/certs"
	"standin/internal/config"
	"standin/internal/logs"
)

// files are the shared files below server/, by the names k3s gives them.
var files = map[string]string{
	"ETCDServerCA": "tls/etcd/server-ca.crt", "ETCDServerCAKey": "tls/etcd/server-ca.key",
	"ETCDPeerCA": "tls/etcd/peer-ca.crt", "ETCDPeerCAKey": "tls/etcd/peer-ca.key",
	"ServerCA": "tls/server-ca.crt", "ServerCAKey": "tls/server-ca.key",
	"ClientCA": "tls/client-ca.crt", "ClientCAKey": "tls/client-ca.key",
	"RequestHeaderCA": "tls/request-header-ca.crt", "RequestHeaderCAKey": "tls/request-header-ca.key",
	"ServiceKey": "tls/service.key", "PasswdFile": "cred/passwd",
	"EncryptionConfig": "cred/encryption-config.json", "EncryptionHash": "cred/encryption-state.json",
}

// file is one shared file on its way.
type file struct {
	Timestamp time.Time
	Content   []byte
}

// Collect reads the shared files that exist.
func Collect(node config.Node) ([]byte, error) {
	bundle := map[string]file{}
	for name, path := range files {
		content, err := os.ReadFile(node.ServerDir(path))
		if os.IsNotExist(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		info, err := os.Stat(node.ServerDir(path))
		if err != nil {
			return nil, err
		}
		bundle[name] = file{info.ModTime(), content}
	}
	return json.Marshal(bundle)
}

// Spread writes the shared files below this server's directory.
func Spread(node config.Node, data []byte) error {
	bundle := map[string]file{}
	if err := json.Unmarshal(data, &bundle); err != nil {
		return err
	}
	for name, entry := range bundle {
		path, known := files[name]
		if !known {
			continue
		}
		if err := certs.Write(node.ServerDir(path), entry.Content); err != nil {
			return err
		}
	}
	return nil
}

// skew is how much clocks may differ before a file counts as newer.
const skew = 3 * time.Second

// Merge writes the files that are newer in the datastore than on disk, and says whether some on disk are newer.
// cred/passwd follows this server's own configuration.
func Merge(node config.Node, data []byte) (diskNewer bool, err error) {
	bundle := map[string]file{}
	if err := json.Unmarshal(data, &bundle); err != nil {
		return false, err
	}
	for name, entry := range bundle {
		path, known := files[name]
		if !known || name == "PasswdFile" {
			continue
		}
		content, err := os.ReadFile(node.ServerDir(path))
		if err == nil && bytes.Equal(content, entry.Content) {
			continue
		}
		if info, failure := os.Stat(node.ServerDir(path)); failure == nil && info.ModTime().Sub(entry.Timestamp) >= skew {
			logs.Warn("%s newer than within datastore", path)
			diskNewer = true
			continue
		}
		logs.Warn("datastore newer than %s", path)
		if err := certs.Write(node.ServerDir(path), entry.Content); err != nil {
			return false, err
		}
	}
	return diskNewer, nil
}
