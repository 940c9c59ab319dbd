package supervisor

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"strings"

	"standin/internal/certs"
	"standin/internal/controlplane"
)

// newProxy passes requests on to the API server. Who presents a client certificate of the cluster is named in the headers
// of the front-proxy protocol, sent with the proxy's own certificate; everybody else is the API server's to judge.
func newProxy(set certs.Set) (http.Handler, error) {
	ca, err := os.ReadFile(set.File("server-ca.crt"))
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(ca)
	pair, err := tls.LoadX509KeyPair(set.File("client-auth-proxy.crt"), set.File("client-auth-proxy.key"))
	if err != nil {
		return nil, err
	}
	named := proxyTo(&tls.Config{RootCAs: pool, Certificates: []tls.Certificate{pair}})
	nameless := proxyTo(&tls.Config{RootCAs: pool})
	return http.HandlerFunc(func(response http.ResponseWriter, request *http.Request) {
		for name := range request.Header {
			if strings.HasPrefix(strings.ToLower(name), "x-remote-") {
				request.Header.Del(name)
			}
		}
		if request.TLS != nil && len(request.TLS.PeerCertificates) > 0 {
			if user, groups, ok := identity(set, request.TLS.PeerCertificates); ok {
				request.Header.Set("X-Remote-User", user)
				for _, group := range groups {
					request.Header.Add("X-Remote-Group", group)
				}
				named.ServeHTTP(response, request)
				return
			}
		}
		nameless.ServeHTTP(response, request)
	}), nil
}

func proxyTo(secure *tls.Config) http.Handler {
	target := &url.URL{Scheme: "https", Host: controlplane.Address}
	return &httputil.ReverseProxy{
		Rewrite: func(request *httputil.ProxyRequest) {
			request.SetURL(target)
			request.Out.Host = request.In.Host
		},
		// HTTP/1.1 only: connections that change protocol (exec, port-forward) cannot start on HTTP/2.
		Transport:     &http.Transport{TLSClientConfig: secure, MaxIdleConnsPerHost: 200, TLSNextProto: map[string]func(string, *tls.Conn) http.RoundTripper{}},
		FlushInterval: -1,
		ErrorLog:      silent(),
		ErrorHandler: func(response http.ResponseWriter, request *http.Request, err error) {
			if request.Context().Err() == nil {
				fail(response, http.StatusServiceUnavailable, errors.New("apiserver not ready"))
			}
		},
	}
}
