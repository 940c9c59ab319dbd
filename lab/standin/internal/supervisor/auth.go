package supervisor

import (
	"crypto/subtle"
	"crypto/x509"
	"encoding/json"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"standin/internal/certs"
	"standin/internal/logs"
	"standin/internal/passwd"
)

const (
	roleServer = passwd.Servers
	roleAgent  = passwd.Agents
	roleNodes  = "system:nodes"
)

// authenticate returns the groups of a request: basic authentication against cred/passwd as it was when this process started,
// or a client certificate.
func (s *Supervisor) authenticate(request *http.Request) (groups []string, err error) {
	if name, password, basic := request.BasicAuth(); basic {
		known, found := s.users.User(name)
		if !found || subtle.ConstantTimeCompare([]byte(known.Password), []byte(password)) != 1 {
			return nil, errors.New("invalid credentials for user " + name)
		}
		return []string{known.Group}, nil
	}
	_, groups, err = s.certificate(request)
	return groups, err
}

// certificate returns name and groups of the client certificate, if there is one of this cluster.
func (s *Supervisor) certificate(request *http.Request) (string, []string, error) {
	if request.TLS == nil || len(request.TLS.PeerCertificates) == 0 {
		return "", nil, nil
	}
	name, groups, ok := identity(s.set, request.TLS.PeerCertificates)
	if !ok {
		return "", nil, errors.New("client certificate is not of this cluster")
	}
	return name, groups, nil
}

func identity(set certs.Set, presented []*x509.Certificate) (string, []string, bool) {
	content, err := os.ReadFile(set.File("client-ca.crt"))
	if err != nil {
		return "", nil, false
	}
	options := x509.VerifyOptions{Roots: x509.NewCertPool(), Intermediates: x509.NewCertPool(), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
	options.Roots.AppendCertsFromPEM(content)
	for _, extra := range presented[1:] {
		options.Intermediates.AddCert(extra)
	}
	if _, err := presented[0].Verify(options); err != nil {
		return "", nil, false
	}
	return presented[0].Subject.CommonName, presented[0].Subject.Organization, true
}

func (s *Supervisor) role(next http.HandlerFunc, roles ...string) http.HandlerFunc {
	return func(response http.ResponseWriter, request *http.Request) {
		groups, err := s.authenticate(request)
		if err != nil {
			logs.Error("Failed to authenticate request from %s: %v", request.RemoteAddr, err)
			fail(response, http.StatusUnauthorized, errors.New("not authorized"))
			return
		}
		if !slices.ContainsFunc(groups, func(group string) bool { return slices.Contains(roles, group) }) {
			fail(response, http.StatusForbidden, errors.New("forbidden"))
			return
		}
		next(response, request)
	}
}

func (s *Supervisor) localOrRole(role string, next http.HandlerFunc) http.HandlerFunc {
	guarded := s.role(next, role)
	return func(response http.ResponseWriter, request *http.Request) {
		if host, _, _ := net.SplitHostPort(request.RemoteAddr); host == "127.0.0.1" || host == "::1" {
			next(response, request)
			return
		}
		guarded(response, request)
	}
}

// fail answers with a Status object, as k3s and the API server do.
func fail(response http.ResponseWriter, code int, err error) {
	status := metav1.Status{
		TypeMeta: metav1.TypeMeta{Kind: "Status", APIVersion: "v1"}, Status: metav1.StatusFailure,
		Message: err.Error(), Reason: metav1.StatusReason(strings.ReplaceAll(http.StatusText(code), " ", "")), Code: int32(code),
	}
	response.Header().Set("Content-Type", "application/json")
	response.WriteHeader(code)
	json.NewEncoder(response).Encode(status)
}

func silent() *log.Logger { return log.New(io.Discard, "", 0) }
