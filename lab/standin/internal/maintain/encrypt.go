package maintain

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"standin/internal/access"
	"standin/internal/config"
	"standin/internal/supervisor"
)

// rotateTimeout is how long k3s' own command waits for a rotation.
const rotateTimeout = 70 * time.Second

// SecretsEncrypt runs `k3s secrets-encrypt VERB`.
func SecretsEncrypt(args []string) error {
	name, args, err := verb(args)
	if err != nil {
		return err
	}
	values, err := parse([]config.Flag{{Name: "force", Aliases: []string{"f"}, Kind: config.Switch}}, args)
	if err != nil {
		return err
	}
	info, err := dial(values)
	if err != nil {
		return err
	}
	switch name {
	case "status":
		return encryptStatus(info, values.Text("output"))
	case "rotate-keys":
		info.SetTimeout(rotateTimeout)
		if err := put(info, "/v1-k3s/encrypt/config", []byte(`{"stage":"rotate_keys"}`)); err != nil {
			return fmt.Errorf("see server log for details: %w", err)
		}
		fmt.Println("keys rotated, reencryption started")
		return nil
	case "reencrypt":
		if err := put(info, "/v1-k3s/encrypt/config", fmt.Appendf(nil, `{"stage":"reencrypt_active","force":%t}`, values.Switch("force"))); err != nil {
			return fmt.Errorf("see server log for details: %w", err)
		}
		fmt.Println("reencryption started")
		return nil
	}
	return fmt.Errorf("the stand-in does not know secrets-encrypt %s", name)
}

func encryptStatus(info *access.Info, format string) error {
	content, err := info.Get("/v1-k3s/encrypt/status")
	if err != nil {
		return fmt.Errorf("see server log for details: %w", err)
	}
	var state supervisor.EncryptionState
	if err := json.Unmarshal(content, &state); err != nil {
		return err
	}
	if strings.ToLower(format) == "json" {
		text, err := json.MarshalIndent(state, "", "\t")
		fmt.Println(string(text))
		return err
	}
	if state.Enable == nil {
		fmt.Println("Encryption Status: Disabled, no configuration file found")
		return nil
	}
	fmt.Printf("Encryption Status: Enabled\nCurrent Rotation Stage: %s\n", state.Stage)
	if state.HashMatch {
		fmt.Println("Server Encryption Hashes: All hashes match")
	} else {
		fmt.Printf("Server Encryption Hashes: %s\n", state.HashError)
	}
	writer := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprint(writer, "\nActive\tKey Type\tName\n------\t--------\t----\n")
	for i, key := range append([]string{state.ActiveKey}, state.InactiveKeys...) {
		kind, name, _ := strings.Cut(key, " ")
		fmt.Fprintf(writer, "%s\t%s\t%s\n", map[bool]string{true: " *"}[i == 0], kind, name)
	}
	return writer.Flush()
}
