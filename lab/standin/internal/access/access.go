// Package access talks to the supervisor of a k3s server: with a token, checking the CA as k3s does.
package access

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"standin/internal/logs"
	"standin/internal/token"
)

const timeout = 10 * time.Second

// Info is a server whose CA has been checked, and the credentials for it.
type Info struct {
	URL string
	CA  []byte
	// User and Password for basic authentication.
	User, Password string
	client         *http.Client
}

// Dial fetches the server's CA, compares it with the token's hash and returns the checked access. user replaces the token's user.
// One who knows the CA already asks nobody, unless the token has the hash of another one.
func Dial(server, text, user string, known ...[]byte) (*Info, error) {
	parsed, err := token.Parse(text)
	if err != nil {
		return nil, err
	}
	address, err := url.Parse(server)
	if err != nil {
		return nil, fmt.Errorf("Invalid server url, failed to parse: %s: %w", server, err)
	}
	if address.Scheme != "https" {
		return nil, fmt.Errorf("only https:// URLs are supported, invalid scheme: %s", server)
	}
	info := &Info{URL: strings.TrimRight(server, "/"), User: user, Password: parsed.Password}
	for _, ca := range known {
		if len(ca) > 0 && parsed.Check(ca) == nil {
			info.trust(ca)
			return info, nil
		}
	}
	info.client = &http.Client{Timeout: timeout, Transport: &http.Transport{
		DisableKeepAlives: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true},
	}}
	if info.CA, err = info.send(http.MethodGet, "/cacerts", nil, nil, false); err != nil {
		return nil, fmt.Errorf("failed to get CA certs: %w", err)
	}
	if parsed.CAHash == "" {
		logs.Warn("Cluster CA certificate is not trusted by the host CA bundle, but the token does not include a CA hash. " +
			"Use the full token from the server's node-token file to enable Cluster CA validation.")
	}
	if err := parsed.Check(info.CA); err != nil {
		return nil, err
	}
	info.trust(info.CA)
	if _, err := info.send(http.MethodGet, "/cacerts", nil, nil, false); err != nil {
		return nil, fmt.Errorf("CA cert validation failed: %w", err)
	}
	return info, nil
}

// trust makes later requests accept a server with a certificate of this CA only.
func (i *Info) trust(ca []byte) {
	i.CA = ca
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(ca)
	i.client = &http.Client{Timeout: timeout, Transport: &http.Transport{
		DisableKeepAlives: true, TLSClientConfig: &tls.Config{RootCAs: pool},
	}}
}

// StatusError is an answer other than 2xx.
type StatusError struct {
	URL    string
	Code   int
	Status string
	Body   string
}

func (e StatusError) Error() string { return strings.TrimSpace(e.URL + ": " + e.Status + " " + e.Body) }

// Get reads a path of the supervisor.
func (i *Info) Get(path string) ([]byte, error) { return i.send(http.MethodGet, path, nil, nil, true) }

// Send makes any other request.
func (i *Info) Send(method, path string, body []byte, header http.Header) ([]byte, error) {
	return i.send(method, path, body, header, true)
}

func (i *Info) send(method, path string, body []byte, header http.Header, authenticate bool) ([]byte, error) {
	request, err := http.NewRequest(method, i.URL+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	for name, values := range header {
		request.Header[name] = values
	}
	if authenticate {
		request.SetBasicAuth(i.User, i.Password)
	}
	response, err := i.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	if response.StatusCode < 200 || response.StatusCode > 299 {
		failure := StatusError{URL: i.URL + path, Code: response.StatusCode, Status: response.Status}
		if method != http.MethodGet {
			failure.Body = string(content)
		}
		return nil, failure
	}
	return content, nil
}

// SetTimeout is for requests that take longer than most.
func (i *Info) SetTimeout(timeout time.Duration) { i.client.Timeout = timeout }
