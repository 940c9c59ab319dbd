package random

import (
	"context"

	"github.com/pulumi/pulumi-go-provider/infer"
	"golang.org/x/crypto/bcrypt"
)

// Args are the inputs of RandomPassword and RandomString. What is absent is allowed, with a minimum of 0.
type Args struct {
	Keepers         map[string]string `pulumi:"keepers,optional"`
	Length          int               `pulumi:"length"`
	Lower           *bool             `pulumi:"lower,optional"`
	MinLower        *int              `pulumi:"minLower,optional"`
	MinNumeric      *int              `pulumi:"minNumeric,optional"`
	MinSpecial      *int              `pulumi:"minSpecial,optional"`
	MinUpper        *int              `pulumi:"minUpper,optional"`
	Number          *bool             `pulumi:"number,optional"`
	Numeric         *bool             `pulumi:"numeric,optional"`
	OverrideSpecial *string           `pulumi:"overrideSpecial,optional"`
	Special         *bool             `pulumi:"special,optional"`
	Upper           *bool             `pulumi:"upper,optional"`
}

// withDefaults is the arguments as outputs: every one with its value. `number` is the old name of `numeric`.
func (a Args) withDefaults() Args {
	if a.Numeric == nil {
		a.Numeric = a.Number
	}
	a.Lower, a.Upper, a.Numeric, a.Special = or(a.Lower, true), or(a.Upper, true), or(a.Numeric, true), or(a.Special, true)
	a.Number = a.Numeric
	a.MinLower, a.MinUpper, a.MinNumeric, a.MinSpecial = or(a.MinLower, 0), or(a.MinUpper, 0), or(a.MinNumeric, 0), or(a.MinSpecial, 0)
	return a
}

// generate wants arguments with their defaults.
func (a Args) generate() (string, error) {
	special := specials
	if a.OverrideSpecial != nil && *a.OverrideSpecial != "" {
		special = *a.OverrideSpecial
	}
	return generate(a.Length, []charset{
		{lowerCase, *a.Lower, *a.MinLower},
		{upperCase, *a.Upper, *a.MinUpper},
		{digits, *a.Numeric, *a.MinNumeric},
		{special, *a.Special, *a.MinSpecial},
	})
}

func or[T any](value *T, fallback T) *T {
	if value != nil {
		return value
	}
	return &fallback
}

// Password is random:index/randomPassword:RandomPassword.
type Password struct{}

// PasswordState is what is kept of it.
type PasswordState struct {
	Args
	Result     string `pulumi:"result" provider:"secret"`
	BcryptHash string `pulumi:"bcryptHash" provider:"secret"`
}

// Annotate sets the token.
func (r *Password) Annotate(a infer.Annotator) { a.SetToken("index/randomPassword", "RandomPassword") }

// Create makes the password. Its id says nothing: it is not secret.
func (*Password) Create(
	_ context.Context, req infer.CreateRequest[Args],
) (infer.CreateResponse[PasswordState], error) {
	state := PasswordState{Args: req.Inputs.withDefaults()}
	var err error
	if !req.DryRun {
		if state.Result, err = state.generate(); err == nil {
			state.BcryptHash, err = hash(state.Result)
		}
	}
	return infer.CreateResponse[PasswordState]{ID: "none", Output: state}, err
}

// hash looks at the first 72 bytes only, as bcrypt does.
func hash(password string) (string, error) {
	hashed, err := bcrypt.GenerateFromPassword([]byte(password[:min(len(password), 72)]), bcrypt.DefaultCost)
	return string(hashed), err
}

// String is random:index/randomString:RandomString.
type String struct{}

// StringState is what is kept of it.
type StringState struct {
	Args
	Result string `pulumi:"result"`
}

// Annotate sets the token.
func (r *String) Annotate(a infer.Annotator) { a.SetToken("index/randomString", "RandomString") }

// Create makes the string, which is its id too.
func (*String) Create(
	_ context.Context, req infer.CreateRequest[Args],
) (infer.CreateResponse[StringState], error) {
	state := StringState{Args: req.Inputs.withDefaults()}
	var err error
	if !req.DryRun {
		state.Result, err = state.generate()
	}
	return infer.CreateResponse[StringState]{ID: state.Result, Output: state}, err
}
