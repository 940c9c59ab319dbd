package random

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"math/big"

	"github.com/pulumi/pulumi-go-provider/infer"
)

// ID is random:index/randomId:RandomId: random bytes in four spellings.
type ID struct{}

// IDArgs are its inputs. The prefix is put before every spelling as it is.
type IDArgs struct {
	ByteLength int               `pulumi:"byteLength"`
	Keepers    map[string]string `pulumi:"keepers,optional"`
	Prefix     *string           `pulumi:"prefix,optional"`
}

// IDState is what is kept of it.
type IDState struct {
	IDArgs
	B64Std string `pulumi:"b64Std"`
	B64Url string `pulumi:"b64Url"`
	Dec    string `pulumi:"dec"`
	Hex    string `pulumi:"hex"`
}

// Annotate sets the token.
func (r *ID) Annotate(a infer.Annotator) { a.SetToken("index/randomId", "RandomId") }

// Create draws the bytes. The resource's id is their base64url without the prefix.
func (*ID) Create(_ context.Context, req infer.CreateRequest[IDArgs]) (infer.CreateResponse[IDState], error) {
	state := IDState{IDArgs: req.Inputs}
	if req.DryRun {
		return infer.CreateResponse[IDState]{Output: state}, nil
	}
	drawn := make([]byte, state.ByteLength)
	if _, err := rand.Read(drawn); err != nil {
		return infer.CreateResponse[IDState]{}, err
	}
	return infer.CreateResponse[IDState]{ID: base64.RawURLEncoding.EncodeToString(drawn), Output: state.spell(drawn)}, nil
}

func (s IDState) spell(drawn []byte) IDState {
	prefix := *or(s.Prefix, "")
	s.B64Std = prefix + base64.StdEncoding.EncodeToString(drawn)
	s.B64Url = prefix + base64.RawURLEncoding.EncodeToString(drawn)
	s.Hex = prefix + hex.EncodeToString(drawn)
	s.Dec = prefix + new(big.Int).SetBytes(drawn).String()
	return s
}
