package supervisor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"standin/internal/encryption"
	"standin/internal/logs"
	"standin/internal/passwd"
)

// EncryptionState is what `k3s secrets-encrypt status` shows.
type EncryptionState struct {
	Stage        string   `json:"stage"`
	ActiveKey    string   `json:"activekey"`
	Enable       *bool    `json:"enable,omitempty"`
	HashMatch    bool     `json:"hashmatch,omitempty"`
	HashError    string   `json:"hasherror,omitempty"`
	InactiveKeys []string `json:"inactivekeys,omitempty"`
}

// EncryptionRequest is what its other verbs send.
type EncryptionRequest struct {
	Stage *string `json:"stage,omitempty"`
	Force bool    `json:"force"`
}

func (s *Supervisor) encryptionStatus(response http.ResponseWriter, request *http.Request) {
	client := s.Kube.Load()
	if client == nil {
		fail(response, http.StatusServiceUnavailable, errCoreNotReady)
		return
	}
	state, err := s.encryptionState(request.Context(), client)
	if err != nil {
		fail(response, http.StatusInternalServerError, err)
		return
	}
	answer(response, state)
}

func (s *Supervisor) encryptionState(ctx context.Context, client kubernetes.Interface) (EncryptionState, error) {
	var state EncryptionState
	provider, keys, err := encryption.Keys(s.Server)
	if os.IsNotExist(err) {
		return state, nil
	}
	if err != nil {
		return state, err
	}
	enabled := true
	state.Enable = &enabled
	label := map[string]string{"aescbc": "AES-CBC ", "secretbox": "XSalsa20-POLY1305 "}[provider]
	for i, key := range keys {
		if i == 0 {
			state.ActiveKey = label + key.Name
		} else {
			state.InactiveKeys = append(state.InactiveKeys, label+key.Name)
		}
	}
	state.Stage, err = s.compareHashes(ctx, client)
	state.HashMatch = err == nil
	if err != nil {
		state.HashError = err.Error()
	}
	return state, nil
}

func (s *Supervisor) encryptionConfig(response http.ResponseWriter, request *http.Request) {
	client := s.Kube.Load()
	var asked EncryptionRequest
	err := json.NewDecoder(request.Body).Decode(&asked)
	switch {
	case request.Method != http.MethodPut:
		fail(response, http.StatusMethodNotAllowed, errors.New("method not allowed"))
	case client == nil:
		fail(response, http.StatusServiceUnavailable, errCoreNotReady)
	case err != nil || asked.Stage == nil || (*asked.Stage != "rotate_keys" && *asked.Stage != encryption.StageActive):
		fail(response, http.StatusBadRequest, errors.New("the stand-in knows rotate-keys and reencrypt only"))
	case *asked.Stage == encryption.StageActive && !asked.Force:
		fail(response, http.StatusBadRequest, errors.New("the stand-in knows reencrypt with --force only"))
	case *asked.Stage == encryption.StageActive:
		ctx := context.WithoutCancel(request.Context())
		if err := ShowEncryption(ctx, client, s.Server, encryption.StageActive); err != nil {
			fail(response, http.StatusBadRequest, err)
			return
		}
		go func() {
			if err := s.reencrypt(ctx, client); err != nil {
				logs.Error("%v", err)
			}
		}()
	default:
		// The work goes on when the caller's patience ends.
		if err := s.rotateKeys(context.WithoutCancel(request.Context()), client); err != nil {
			fail(response, http.StatusBadRequest, err)
		}
	}
}

// rotateKeys puts a new key first, waits until the API server has read it, writes every Secret again and drops the old key.
func (s *Supervisor) rotateKeys(ctx context.Context, client kubernetes.Interface) error {
	stage, err := s.compareHashes(ctx, client)
	if err != nil {
		return err
	}
	if stage != encryption.StageStart && stage != encryption.StageFinished {
		return fmt.Errorf("incorrect stage: %s found on node %s", stage, s.Server.Name)
	}
	provider, keys, err := encryption.Keys(s.Server)
	if err != nil {
		return err
	}
	if err := ShowEncryption(ctx, client, s.Server, encryption.StageActive); err != nil {
		return err
	}
	key, err := encryption.NewKey(provider)
	if err != nil {
		return err
	}
	logs.Info("Rotating secrets-encryption %s keys", provider)
	reloads, err := reloadCount(ctx, client)
	if err != nil {
		return err
	}
	if err := encryption.Write(s.Server, provider, append([]encryption.Key{key}, keys...)); err != nil {
		return err
	}
	// both keys are the cluster's from now on, should this server end before it is done
	if err := s.save(ctx); err != nil {
		return err
	}
	if err := awaitReload(ctx, client, reloads); err != nil {
		return err
	}
	return s.reencrypt(ctx, client)
}

// reencrypt writes every Secret again with the first key and drops the last one.
func (s *Supervisor) reencrypt(ctx context.Context, client kubernetes.Interface) error {
	secrets, err := client.CoreV1().Secrets(metav1.NamespaceAll).List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	for i := range secrets.Items {
		secret := &secrets.Items[i]
		if _, err := client.CoreV1().Secrets(secret.Namespace).Update(ctx, secret, metav1.UpdateOptions{}); err != nil {
			return fmt.Errorf("failed to update secret %s/%s: %w", secret.Namespace, secret.Name, err)
		}
	}
	logs.Info("Updated %d secrets with new key", len(secrets.Items))
	provider, keys, err := encryption.Keys(s.Server)
	if err != nil {
		return err
	}
	if err := encryption.Write(s.Server, provider, keys[:len(keys)-1]); err != nil {
		return err
	}
	if err := ShowEncryption(ctx, client, s.Server, encryption.StageFinished); err != nil {
		return err
	}
	return s.save(ctx)
}

// save puts this server's files in the place of what is sealed in the datastore.
func (s *Supervisor) save(ctx context.Context) error {
	if s.Member == nil {
		return nil
	}
	users, err := passwd.Read(s.Server.ServerDir("cred", "passwd"))
	if err != nil {
		return err
	}
	return s.Member.SaveBootstrap(ctx, users.Password("server"), true)
}
