package certs

import (
	"os"

	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"
)

// Kubeconfig names certificate files by path, as the components' own kubeconfigs do.
func Kubeconfig(server, caFile, certFile, keyFile string) ([]byte, error) {
	return render(&api.Cluster{Server: server, CertificateAuthority: caFile}, &api.AuthInfo{ClientCertificate: certFile, ClientKey: keyFile})
}

// EmbeddedKubeconfig contains the certificates, so that it can be carried away.
func EmbeddedKubeconfig(server, caFile, certFile, keyFile string) ([]byte, error) {
	content := map[string][]byte{}
	for _, file := range []string{caFile, certFile, keyFile} {
		bytes, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		content[file] = bytes
	}
	return render(
		&api.Cluster{Server: server, CertificateAuthorityData: content[caFile]},
		&api.AuthInfo{ClientCertificateData: content[certFile], ClientKeyData: content[keyFile]},
	)
}

func render(cluster *api.Cluster, user *api.AuthInfo) ([]byte, error) {
	kubeconfig := api.NewConfig()
	kubeconfig.Clusters["default"] = cluster
	kubeconfig.AuthInfos["default"] = user
	kubeconfig.Contexts["default"] = &api.Context{Cluster: "default", AuthInfo: "default"}
	kubeconfig.CurrentContext = "default"
	return clientcmd.Write(*kubeconfig)
}
