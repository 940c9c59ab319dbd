package release

import "testing"

func TestFind(t *testing.T) {
	for end, want := range map[string]string{
		"":     Base,
		"\x00": Base,
		"elf\nK3S-STANDIN-VERSION=v1.34.2+k3s1\n":              "v1.34.2+k3s1",
		"elf\nK3S-STANDIN-VERSION=v1.35.0-rc1+k3s1\n":          "v1.35.0-rc1+k3s1",
		"elf\nK3S-STANDIN-VERSION=v1.34.2+k3s1\nmore":          Base,
		"elf K3S-STANDIN-VERSION=v1.34.2+k3s1 \n":              Base,
		"\nK3S-STANDIN-VERSION=v1\n\nK3S-STANDIN-VERSION=v2\n": "v2",
	} {
		if got := Find([]byte(end)); got != want {
			t.Errorf("Find(%q) = %s, want %s", end, got, want)
		}
	}
}

func TestMinor(t *testing.T) {
	for version, want := range map[string]int{"v1.35.4+k3s1": 35, Base: 0, "nonsense": 0} {
		if got := Minor(version); got != want {
			t.Errorf("Minor(%s) = %d", version, got)
		}
	}
}
