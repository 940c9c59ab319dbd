package token

import (
	"strings"
	"testing"
)

func TestSecureRoundTrip(t *testing.T) {
	ca := []byte("certificate")
	text := Secure(ca, "server", "p:w")
	parsed, err := Parse(text)
	if err != nil || parsed.User != "server" || parsed.Password != "p:w" || parsed.CAHash != HashCA(ca) {
		t.Fatalf("Parse(%s) = %+v, %v", text, parsed, err)
	}
	if err := parsed.Check(ca); err != nil {
		t.Error(err)
	}
	err = parsed.Check([]byte("another"))
	if err == nil || !strings.HasPrefix(err.Error(), "token CA hash does not match the Cluster CA certificate hash: "+HashCA(ca)+" != ") {
		t.Errorf("a foreign CA gave %v", err)
	}
}

func TestShort(t *testing.T) {
	parsed, err := Parse("secret")
	if err != nil || parsed != (Token{Password: "secret"}) || parsed.Check([]byte("any")) != nil {
		t.Errorf("got %+v, %v", parsed, err)
	}
}

func TestRefused(t *testing.T) {
	for text, want := range map[string]string{
		"":                                     "token must not be empty",
		"K10abc::server:x":                     "invalid token CA hash length",
		"K10" + strings.Repeat("0", 64) + "::": "invalid token format",
		"K10" + strings.Repeat("0", 64) + "::server:": "invalid token format",
	} {
		if _, err := Parse(text); err == nil || err.Error() != want {
			t.Errorf("Parse(%q) gave %v, want %s", text, err, want)
		}
	}
}
