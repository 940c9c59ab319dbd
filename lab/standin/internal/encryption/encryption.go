// Package encryption keeps the API server's EncryptionConfiguration for Secrets, as k3s does in cred/encryption-config.json.
package encryption

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	apiserverv1 "k8s.io/apiserver/pkg/apis/apiserver/v1"

	"standin/internal/certs"
	"standin/internal/config"
)

// Stages that a rotation goes through, and the first one.
const (
	StageStart    = "start"
	StageActive   = "reencrypt_active"
	StageFinished = "reencrypt_finished"
)

// Annotation on every server's Node: `<stage>-<hash of the configuration it runs with>`.
const Annotation = "k3s.io/encryption-config-hash"

// Key is one encryption key; the first of a list encrypts, all decrypt.
type Key = apiserverv1.Key

// File is where the configuration is.
func File(server config.Server) string { return server.ServerDir("cred", "encryption-config.json") }

// StateFile keeps the stage that outlives a restart.
func StateFile(server config.Server) string { return server.ServerDir("cred", "encryption-state.json") }

// NewKey makes a key named after the provider and the time.
func NewKey(provider string) (Key, error) {
	secret := make([]byte, 32)
	_, err := rand.Read(secret)
	name := fmt.Sprintf("%skey-%s", provider, time.Now().UTC().Format(time.RFC3339))
	return Key{Name: name, Secret: base64.StdEncoding.EncodeToString(secret)}, err
}

// Render writes a configuration with the given keys first and plain text last.
func Render(provider string, keys []Key) ([]byte, error) {
	var keyed apiserverv1.ProviderConfiguration
	if provider == "secretbox" {
		keyed.Secretbox = &apiserverv1.SecretboxConfiguration{Keys: keys}
	} else {
		keyed.AESCBC = &apiserverv1.AESConfiguration{Keys: keys}
	}
	return json.Marshal(apiserverv1.EncryptionConfiguration{
		TypeMeta: metav1.TypeMeta{Kind: "EncryptionConfiguration", APIVersion: "apiserver.config.k8s.io/v1"},
		Resources: []apiserverv1.ResourceConfiguration{{
			Resources: []string{"secrets"}, Providers: []apiserverv1.ProviderConfiguration{keyed, {Identity: &apiserverv1.IdentityConfiguration{}}},
		}},
	})
}

// Keys reads the keys and their provider from a server's configuration.
func Keys(server config.Server) (provider string, keys []Key, err error) {
	content, err := os.ReadFile(File(server))
	if err != nil {
		return "", nil, err
	}
	var found apiserverv1.EncryptionConfiguration
	if err := json.Unmarshal(content, &found); err != nil {
		return "", nil, err
	}
	for _, resource := range found.Resources {
		for _, candidate := range resource.Providers {
			if candidate.AESCBC != nil {
				return "aescbc", candidate.AESCBC.Keys, nil
			}
			if candidate.Secretbox != nil {
				return "secretbox", candidate.Secretbox.Keys, nil
			}
		}
	}
	return "", nil, fmt.Errorf("%s: no keys", File(server))
}

// Write replaces a server's configuration.
func Write(server config.Server, provider string, keys []Key) error {
	content, err := Render(provider, keys)
	if err != nil {
		return err
	}
	return certs.Write(File(server), content)
}

// Hash is the hex SHA-256 of a server's configuration.
func Hash(server config.Server) (string, error) {
	content, err := os.ReadFile(File(server))
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:]), err
}

// Value is the annotation's: stage and hash.
func Value(server config.Server, stage string) (string, error) {
	hash, err := Hash(server)
	return stage + "-" + hash, err
}

// WriteState keeps a stage beyond a restart.
func WriteState(server config.Server, stage string) error {
	value, err := Value(server, stage)
	if err != nil {
		return err
	}
	return certs.Write(StateFile(server), []byte(value))
}
