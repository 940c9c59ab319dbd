// Package encryption writes the API server's EncryptionConfiguration for Secrets.
package encryption

import (
	"encoding/json"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	apiserverv1 "k8s.io/apiserver/pkg/apis/apiserver/v1"
)

// Key is one encryption key; the first of a list encrypts, all decrypt.
type Key = apiserverv1.Key

// Render writes a configuration with the given keys first and plain text last, as k3s keeps it in cred/encryption-config.json.
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
