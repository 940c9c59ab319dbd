package bootstrap

import (
	"errors"

	"standin/internal/logs"
)

// Prefix is where the sealed files lie in the datastore.
const Prefix = "/bootstrap"

var (
	// ErrOtherToken is k3s' text when the cluster's files are sealed with another token.
	ErrOtherToken = errors.New("bootstrap data already found and encrypted with different token")
	// ErrNone is k3s' text when an initialized datastore has none.
	ErrNone = errors.New("no bootstrap data found in datastore - check server token value and verify datastore integrity")
	// ErrSeveral is k3s' text when files are to be replaced and nobody knows which.
	ErrSeveral = errors.New("found multiple bootstrap keys in storage")
)

// Sealed are the sealed files in the datastore by key.
type Sealed map[string][]byte

// Pick returns what the password seals; nil when nothing is sealed at all.
func (s Sealed) Pick(password string) ([]byte, error) {
	if len(s) == 0 {
		return nil, nil
	}
	if len(s) > 1 {
		logs.Warn("found multiple bootstrap keys in storage")
	}
	value, found := s[Key(password)]
	if !found {
		return nil, ErrOtherToken
	}
	return value, nil
}

// Open picks and opens; a datastore without anything is an error.
func (s Sealed) Open(password string) (Files, error) {
	value, err := s.Pick(password)
	if err != nil {
		return nil, err
	}
	if len(value) == 0 {
		return nil, ErrNone
	}
	data, err := Open(password, value)
	if err != nil {
		return nil, err
	}
	return Parse(data)
}
