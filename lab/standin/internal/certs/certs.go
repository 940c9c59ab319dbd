// Package certs issues and renews the certificates that k3s keeps in server/tls.
package certs

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"time"
)

const (
	caLife   = 10 * 365 * 24 * time.Hour
	leafLife = 365 * 24 * time.Hour
	// RenewBefore is when a start renews a leaf: less than this is left.
	RenewBefore = 120 * 24 * time.Hour
)

// CA signs leaves.
type CA struct {
	Cert *x509.Certificate
	Key  crypto.Signer
	// PEM is the certificate file as it is; its hash is in the join token.
	PEM []byte
}

// Leaf says what a certificate is for.
type Leaf struct {
	Name   string
	Groups []string
	Hosts  []string
	Client bool
	Server bool
}

// EnsureCA makes a self-signed CA unless its files are there.
func EnsureCA(certFile, keyFile, name string) error {
	if _, err := os.Stat(certFile); err == nil {
		return nil
	}
	key, keyPEM, err := newKey()
	if err != nil {
		return err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(0), Subject: pkix.Name{CommonName: fmt.Sprintf("%s@%d", name, time.Now().Unix())},
		NotBefore: time.Now().UTC(), NotAfter: time.Now().Add(caLife).UTC(),
		KeyUsage:              x509.KeyUsageKeyEncipherment | x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		BasicConstraintsValid: true, IsCA: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return err
	}
	if err := Write(keyFile, keyPEM); err != nil {
		return err
	}
	return Write(certFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

// LoadCA reads a CA's two files.
func LoadCA(certFile, keyFile string) (CA, error) {
	certPEM, err := os.ReadFile(certFile)
	if err != nil {
		return CA{}, err
	}
	cert, err := first(certPEM)
	if err != nil {
		return CA{}, fmt.Errorf("%s: %w", certFile, err)
	}
	keyPEM, err := os.ReadFile(keyFile)
	if err != nil {
		return CA{}, err
	}
	key, err := parseKey(keyPEM)
	return CA{cert, key, certPEM}, err
}

// Sign issues a certificate for a public key: PEM of the leaf followed by the CA.
func (ca CA) Sign(leaf Leaf, public crypto.PublicKey) ([]byte, error) {
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: leaf.Name, Organization: leaf.Groups},
		NotBefore: ca.Cert.NotBefore, NotAfter: time.Now().Add(leafLife).UTC(),
		KeyUsage: x509.KeyUsageKeyEncipherment | x509.KeyUsageDigitalSignature,
	}
	if leaf.Client {
		template.ExtKeyUsage = append(template.ExtKeyUsage, x509.ExtKeyUsageClientAuth)
	}
	if leaf.Server {
		template.ExtKeyUsage = append(template.ExtKeyUsage, x509.ExtKeyUsageServerAuth)
	}
	for _, host := range leaf.Hosts {
		if ip := net.ParseIP(host); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, host)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, ca.Cert, public, ca.Key)
	if err != nil {
		return nil, err
	}
	return append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), ca.PEM...), nil
}

// Ensure issues a leaf into two files unless a good one is there: from this CA, with these names, and not soon to expire.
func (ca CA) Ensure(certFile, keyFile string, leaf Leaf) (issued bool, err error) {
	if ca.good(certFile, leaf) {
		if _, err := os.Stat(keyFile); err == nil {
			return false, nil
		}
	}
	key, err := EnsureKey(keyFile)
	if err != nil {
		return false, err
	}
	content, err := ca.Sign(leaf, key.Public())
	if err != nil {
		return false, err
	}
	return true, Write(certFile, content)
}

func (ca CA) good(certFile string, leaf Leaf) bool {
	content, err := os.ReadFile(certFile)
	if err != nil || !bytes.HasSuffix(content, ca.PEM) {
		return false
	}
	cert, err := first(content)
	if err != nil || time.Until(cert.NotAfter) < RenewBefore || cert.Subject.CommonName != leaf.Name {
		return false
	}
	for _, host := range leaf.Hosts {
		if cert.VerifyHostname(host) != nil {
			return false
		}
	}
	return true
}
