// Package s3 keeps snapshots in an S3-compatible store, with the client that k3s uses.
package s3

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"standin/internal/config"
)

// Settings are the etcd-s3 flags; the command sends them to the server.
type Settings struct {
	AccessKey     string        `json:"accessKey,omitempty"`
	Bucket        string        `json:"bucket,omitempty"`
	Endpoint      string        `json:"endpoint,omitempty"`
	EndpointCA    string        `json:"endpointCA,omitempty"`
	Folder        string        `json:"folder,omitempty"`
	Proxy         string        `json:"proxy,omitempty"`
	Region        string        `json:"region,omitempty"`
	SecretKey     string        `json:"secretKey,omitempty"`
	SessionToken  string        `json:"sessionToken,omitempty"`
	Insecure      bool          `json:"insecure,omitempty"`
	SkipSSLVerify bool          `json:"skipSSLVerify,omitempty"`
	Retention     int           `json:"retention,omitempty"`
	Timeout       time.Duration `json:"timeout,omitempty"`
}

// FromValues reads the flags; nil when S3 is not switched on.
func FromValues(values config.Values) (*Settings, error) {
	if !values.Switch("etcd-s3") {
		return nil, nil
	}
	timeout, err := time.ParseDuration(values.Text("etcd-s3-timeout"))
	if err != nil {
		return nil, err
	}
	retention, err := strconv.Atoi(values.Text("etcd-s3-retention"))
	if err != nil {
		return nil, err
	}
	return &Settings{
		AccessKey: values.Text("etcd-s3-access-key"), SecretKey: values.Text("etcd-s3-secret-key"),
		SessionToken: values.Text("etcd-s3-session-token"), Bucket: values.Text("etcd-s3-bucket"),
		Endpoint: values.Text("etcd-s3-endpoint"), EndpointCA: values.Text("etcd-s3-endpoint-ca"),
		Folder: values.Text("etcd-s3-folder"), Proxy: values.Text("etcd-s3-proxy"), Region: values.Text("etcd-s3-region"),
		Insecure: values.Switch("etcd-s3-insecure"), SkipSSLVerify: values.Switch("etcd-s3-skip-ssl-verify"),
		Retention: retention, Timeout: timeout,
	}, nil
}

func (s Settings) transport() (*http.Transport, error) {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.DisableCompression = true
	if s.SkipSSLVerify {
		transport.TLSClientConfig = &tls.Config{InsecureSkipVerify: true}
	} else if s.EndpointCA != "" {
		pool, err := authorities(s.EndpointCA)
		if err != nil {
			return nil, err
		}
		transport.TLSClientConfig = &tls.Config{RootCAs: pool}
	}
	if s.Proxy == "none" {
		transport.Proxy = nil
	} else if s.Proxy != "" {
		address, err := url.Parse(s.Proxy)
		if err != nil {
			return nil, errors.New("failed to parse etcd-s3-proxy value as URL: " + err.Error())
		}
		if address.Scheme == "" || address.Host == "" {
			return nil, errors.New("proxy URL must include scheme and host")
		}
		transport.Proxy = http.ProxyURL(address)
	}
	return transport, nil
}

// authorities reads certificates in base64, or files of them, separated by blanks.
func authorities(text string) (*x509.CertPool, error) {
	pool, loaded := x509.NewCertPool(), false
	for _, item := range strings.Fields(text) {
		content, err := base64.StdEncoding.DecodeString(item)
		if err != nil {
			if content, err = os.ReadFile(item); err != nil {
				return nil, err
			}
		}
		loaded = pool.AppendCertsFromPEM(content) || loaded
	}
	if !loaded {
		return nil, errors.New("no certificates loaded from etcd-s3-endpoint-ca")
	}
	return pool, nil
}
