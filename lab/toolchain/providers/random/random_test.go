package random

import (
	"strings"
	"testing"

	"golang.org/x/crypto/bcrypt"
)

func TestGenerate(t *testing.T) {
	no, three, other := false, 3, "~"
	for name, test := range map[string]struct {
		args  Args
		from  string
		fails string
	}{
		"everything":        {Args{Length: 48}, lowerCase + upperCase + digits + specials, ""},
		"no specials":       {Args{Length: 48, Special: &no}, lowerCase + upperCase + digits, ""},
		"own specials":      {Args{Length: 9, Lower: &no, Upper: &no, Numeric: &no, OverrideSpecial: &other}, "~", ""},
		"old name":          {Args{Length: 9, Special: &no, Number: &no}, lowerCase + upperCase, ""},
		"minimum":           {Args{Length: 3, MinNumeric: &three}, digits, ""},
		"too many at least": {Args{Length: 2, MinNumeric: &three}, "", "length is 2, but the minimums add up to 3"},
		"nothing":           {Args{Length: 2, Lower: &no, Upper: &no, Numeric: &no, Special: &no}, "", "no characters"},
	} {
		got, err := test.args.withDefaults().generate()
		if test.fails != "" {
			if err == nil || !strings.Contains(err.Error(), test.fails) {
				t.Errorf("%s: %v, want %q", name, err, test.fails)
			}
			continue
		}
		if err != nil || len(got) != test.args.Length || strings.Trim(got, test.from) != "" {
			t.Errorf("%s: %q %v", name, got, err)
		}
	}
}

func TestHashLooksAtTheFirst72Bytes(t *testing.T) {
	long := strings.Repeat("x", 80)
	hashed, err := hash(long)
	if err != nil || bcrypt.CompareHashAndPassword([]byte(hashed), []byte(long[:72])) != nil {
		t.Errorf("%q %v", hashed, err)
	}
}

func TestSpell(t *testing.T) {
	prefix := "p-"
	got := IDState{IDArgs: IDArgs{Prefix: &prefix}}.spell([]byte{0xfb, 0xff})
	if got.Hex != "p-fbff" || got.Dec != "p-64511" || got.B64Std != "p-+/8=" || got.B64Url != "p--_8" {
		t.Errorf("%+v", got)
	}
}
