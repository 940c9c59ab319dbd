package server

import (
	"context"
	"os"
	"time"

	"k8s.io/client-go/kubernetes"

	"standin/internal/encryption"
	"standin/internal/logs"
	"standin/internal/supervisor"
)

// ensureEncryption writes the API server's encryption configuration and its state, unless they are there, on a server that wants
// secrets encrypted.
func (r *run) ensureEncryption() error {
	if !r.settings.Switch("secrets-encryption") {
		return nil
	}
	if info, err := os.Stat(encryption.File(r.settings)); err != nil || info.Size() == 0 {
		provider := r.settings.Text("secrets-encryption-provider")
		key, err := encryption.NewKey(provider)
		if err != nil {
			return err
		}
		if err := encryption.Write(r.settings, provider, []encryption.Key{key}); err != nil {
			return err
		}
	} else if _, err := os.Stat(encryption.StateFile(r.settings)); err == nil {
		return nil
	}
	return encryption.WriteState(r.settings, encryption.StageStart)
}

// showEncryption writes into this server's Node with which configuration it runs, once the Node is there.
func (r *run) showEncryption(ctx context.Context, client kubernetes.Interface) {
	if !r.settings.Switch("secrets-encryption") {
		return
	}
	for ctx.Err() == nil {
		err := supervisor.ShowKept(ctx, client, r.settings)
		if err == nil {
			return
		}
		logs.Debug("encryption hash annotation: %v", err)
		time.Sleep(time.Second)
	}
}
