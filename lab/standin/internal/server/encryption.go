package server

import (
	"crypto/rand"
	"encoding/base64"
	"os"

	"standin/internal/certs"
	"standin/internal/encryption"
)

// ensureEncryption writes the API server's encryption configuration on a founder that wants secrets encrypted.
func (r *run) ensureEncryption() error {
	file := r.settings.ServerDir("cred", "encryption-config.json")
	if _, err := os.Stat(file); err == nil || !r.settings.Switch("secrets-encryption") {
		return nil
	}
	secret := make([]byte, 32)
	if _, err := rand.Read(secret); err != nil {
		return err
	}
	provider := r.settings.Text("secrets-encryption-provider")
	content, err := encryption.Render(provider, []encryption.Key{{Name: provider + "key", Secret: base64.StdEncoding.EncodeToString(secret)}})
	if err != nil {
		return err
	}
	return certs.Write(file, content)
}
