package supervisor

import (
	"context"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"

	"golang.org/x/crypto/scrypt"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"standin/internal/token"
)

// hash is `$1:<salt>:15:8:1:<base64 of scrypt>`: version, salt and scrypt's parameters.
func hash(salt, password string) (string, error) {
	key, err := scrypt.Key([]byte(password), []byte(salt), 1<<15, 8, 1, 64)
	return fmt.Sprintf("$1:%s:15:8:1:%s", salt, base64.StdEncoding.EncodeToString(key)), err
}

func ensureSecret(ctx context.Context, client kubernetes.Interface, name, password, failure string) error {
	secrets := client.CoreV1().Secrets(metav1.NamespaceSystem)
	secret, err := secrets.Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		if secret, err = newSecret(name, password); err != nil {
			return err
		}
		if _, err = secrets.Create(ctx, secret, metav1.CreateOptions{}); !apierrors.IsAlreadyExists(err) {
			return err
		}
		secret, err = secrets.Get(ctx, name, metav1.GetOptions{})
	}
	if err != nil {
		return err
	}
	parts := strings.Split(string(secret.Data["hash"]), ":")
	if len(parts) != 6 {
		return fmt.Errorf("unable to locate hash data for node secret '%s'", name)
	}
	wanted, err := hash(parts[1], password)
	if err != nil {
		return err
	}
	if subtle.ConstantTimeCompare([]byte(wanted), secret.Data["hash"]) != 1 {
		return fmt.Errorf("%s: %w", failure, errPassword)
	}
	return nil
}

func newSecret(name, password string) (*corev1.Secret, error) {
	hashed, err := hash(token.Random(8), password)
	immutable := true
	return &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Name: name}, Immutable: &immutable, Data: map[string][]byte{"hash": []byte(hashed)},
	}, err
}
