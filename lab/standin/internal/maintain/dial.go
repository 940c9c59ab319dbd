// Package maintain is k3s' commands for the running cluster: token, secrets-encrypt, certificate.
package maintain

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"standin/internal/access"
	"standin/internal/config"
)

// flags are those that every command here has.
var flags = []config.Flag{
	{Name: "config", Aliases: []string{"c"}},
	{Name: "data-dir", Aliases: []string{"d"}, Env: "K3S_DATA_DIR", Default: "/var/lib/rancher/k3s"},
	{Name: "token", Aliases: []string{"t"}, Env: "K3S_TOKEN"},
	{Name: "server", Aliases: []string{"s"}, Env: "K3S_URL", Default: "https://127.0.0.1:6443"},
	{Name: "output", Aliases: []string{"o"}},
	{Name: "debug", Kind: config.Switch},
}

// verb splits the verb of a command from its flags.
func verb(args []string) (string, []string, error) {
	if len(args) == 0 || strings.HasPrefix(args[0], "-") {
		return "", nil, fmt.Errorf("a subcommand is needed")
	}
	return args[0], args[1:], nil
}

// parse reads flags only: these commands do not look into config.yaml.
func parse(extra []config.Flag, args []string) (config.Values, error) {
	all := append(append([]config.Flag{}, flags...), extra...)
	values, rest, err := config.Parse(all, args)
	if err != nil {
		return nil, err
	}
	if len(rest) > 0 {
		return nil, fmt.Errorf("this command does not take any arguments")
	}
	return values.Complete(all), nil
}

// dial reaches the running server with the token given, or the one on disk.
func dial(values config.Values) (*access.Info, error) {
	text := values.Text("token")
	if text == "" {
		content, err := os.ReadFile(filepath.Join(values.Text("data-dir"), "server", "token"))
		if err != nil {
			return nil, err
		}
		text = strings.TrimSpace(string(content))
	}
	return access.Dial(values.Text("server"), text, "server")
}

func put(info *access.Info, path string, body []byte) error {
	_, err := info.Send(http.MethodPut, path, body, nil)
	return err
}
