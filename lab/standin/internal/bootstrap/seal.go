// Package bootstrap carries what servers must share (CAs, keys, encryption configuration): over HTTP to a joiner,
// and sealed with the token in etcd for a restore.
package bootstrap

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"strings"

	"standin/internal/token"
)

// Key is the etcd key for a token's password: /bootstrap/ and 12 hex digits of its SHA-256.
func Key(password string) string {
	sum := sha256.Sum256([]byte(password))
	return "/bootstrap/" + hex.EncodeToString(sum[:])[:12]
}

func aead(password, salt string) (cipher.AEAD, error) {
	key, err := pbkdf2.Key(sha1.New, password, []byte(salt), 4096, 32)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// Seal encrypts with AES-GCM under a key derived from the password: `salt:base64(nonce and text)`.
func Seal(password string, plain []byte) ([]byte, error) {
	salt := token.Random(8)
	gcm, err := aead(password, salt)
	if err != nil {
		return nil, err
	}
	nonce := make([]byte, gcm.NonceSize())
	if _, err := rand.Read(nonce); err != nil {
		return nil, err
	}
	return []byte(salt + ":" + base64.StdEncoding.EncodeToString(gcm.Seal(nonce, nonce, plain, nil))), nil
}

// Open undoes Seal.
func Open(password string, sealed []byte) ([]byte, error) {
	salt, encoded, found := strings.Cut(string(sealed), ":")
	if !found {
		return nil, errors.New("invalid cipher text, not : delimited")
	}
	gcm, err := aead(password, salt)
	if err != nil {
		return nil, err
	}
	data, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil || len(data) < gcm.NonceSize() {
		return nil, errors.New("invalid cipher text")
	}
	return gcm.Open(nil, data[:gcm.NonceSize()], data[gcm.NonceSize():], nil)
}
