package maintain

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"math/big"
	"time"

	"standin/internal/config"
	"standin/internal/supervisor"
)

// Token runs `k3s token VERB`.
func Token(args []string) error {
	name, args, err := verb(args)
	if err != nil {
		return err
	}
	switch name {
	case "generate":
		return generate()
	case "rotate":
		return rotate(args)
	}
	return fmt.Errorf("No help topic for '%s'", name)
}

// generate prints a token in kubeadm's form, which is not a join token of k3s.
func generate() error {
	const letters = "abcdefghijklmnopqrstuvwxyz0123456789"
	text := make([]byte, 22)
	for i := range text {
		n, err := rand.Int(rand.Reader, big.NewInt(int64(len(letters))))
		if err != nil {
			return err
		}
		text[i] = letters[n.Int64()]
	}
	fmt.Printf("%s.%s\n", text[:6], text[6:])
	return nil
}

func rotate(args []string) error {
	values, err := parse([]config.Flag{{Name: "new-token"}}, args)
	if err != nil {
		return err
	}
	fmt.Println("\033[33mWARNING\033[0m: Recommended to keep a record of the old token. " +
		"If restoring from a snapshot, you must use the token associated with that snapshot.")
	info, err := dial(values)
	if err != nil {
		return err
	}
	next := values.Text("new-token")
	body, err := json.Marshal(supervisor.TokenRequest{NewToken: &next})
	if err != nil {
		return err
	}
	if err := put(info, "/v1-k3s/token", body); err != nil {
		return err
	}
	time.Sleep(time.Second)
	fmt.Println("Token rotated, restart k3s nodes with new token")
	return nil
}
