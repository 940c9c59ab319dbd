// Package token reads and writes k3s' join tokens.
package token

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

const prefix = "K10"

// Token is `K10<hash of the CA>::<user>:<password>`, or only a password when it is short.
type Token struct {
	// CAHash is the hex SHA-256 of server-ca.crt; empty in a short token.
	CAHash   string
	User     string
	Password string
}

// Parse accepts the short and the secure form.
func Parse(text string) (Token, error) {
	if text == "" {
		return Token{}, errors.New("token must not be empty")
	}
	rest, secure := strings.CutPrefix(text, prefix)
	if !secure {
		return Token{Password: text}, nil
	}
	hash, credentials, found := strings.Cut(rest, "::")
	if !found {
		credentials, hash = hash, ""
	}
	if hash != "" && len(hash) != sha256.Size*2 {
		return Token{}, errors.New("invalid token CA hash length")
	}
	user, password, found := strings.Cut(credentials, ":")
	if !found || password == "" {
		return Token{}, errors.New("invalid token format")
	}
	return Token{CAHash: hash, User: user, Password: password}, nil
}

// HashCA is the hash that stands in a secure token.
func HashCA(ca []byte) string {
	sum := sha256.Sum256(ca)
	return hex.EncodeToString(sum[:])
}

// Secure writes the secure form for the CA's certificate file.
func Secure(ca []byte, user, password string) string {
	return prefix + HashCA(ca) + "::" + user + ":" + password
}

// Check compares the hash in the token, if there is one, with the CA that a server presents.
func (t Token) Check(ca []byte) error {
	if found := HashCA(ca); t.CAHash != "" && t.CAHash != found {
		return fmt.Errorf("token CA hash does not match the Cluster CA certificate hash: %s != %s", t.CAHash, found)
	}
	return nil
}

// Random makes a password of the given number of random bytes, in hex.
func Random(bytes int) string {
	buffer := make([]byte, bytes)
	if _, err := rand.Read(buffer); err != nil {
		panic(err)
	}
	return hex.EncodeToString(buffer)
}
