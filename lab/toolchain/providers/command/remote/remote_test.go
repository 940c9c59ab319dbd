package remote

import (
	"testing"

	"github.com/pulumi/pulumi-go-provider/infer/types"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

func TestGaveUp(t *testing.T) {
	for _, test := range []struct {
		before, limit int
		want          bool
	}{{0, 0, true}, {0, 1, false}, {1, 1, true}, {9, 10, false}, {10, 10, true}, {1000, -1, false}} {
		if got := gaveUp(test.before, test.limit); got != test.want {
			t.Errorf("failure after %d, limit %d: %v", test.before, test.limit, got)
		}
	}
}

func TestHostKeyNamesItsAlgorithm(t *testing.T) {
	user, limit := "root", 1
	key := "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILci4YVOYQ+qiUyzmsXaEUvsGfisEfuNIhYgTRcELDVh"
	config, err := (&Login{User: &user, PerDialTimeout: &limit, HostKey: &key}).clientConfig()
	if err != nil {
		t.Fatal(err)
	}
	if got := config.HostKeyAlgorithms; len(got) != 1 || got[0] != "ssh-ed25519" {
		t.Errorf("algorithms %v, want that of the key only", got)
	}
	bad := "nonsense"
	if _, err := (&Login{User: &user, PerDialTimeout: &limit, HostKey: &bad}).clientConfig(); err == nil {
		t.Error("a bad host key was accepted")
	}
}

func TestSources(t *testing.T) {
	text, _ := resource.NewTextAsset("text")
	parts, _ := resource.NewAssetArchive(map[string]any{"a": text})
	folder := &resource.Archive{Path: "/folder"}
	for name, test := range map[string]struct {
		source types.AssetOrArchive
		want   string
	}{
		"text":     {types.AssetOrArchive{Asset: text}, ""},
		"folder":   {types.AssetOrArchive{Archive: folder}, ""},
		"nothing":  {types.AssetOrArchive{}, "either asset or archive must be set"},
		"both":     {types.AssetOrArchive{Asset: text, Archive: folder}, "only one of asset or archive can be set"},
		"assembly": {types.AssetOrArchive{Archive: parts}, "archive must be a path to a file or directory"},
	} {
		got := ""
		if problems := (&CopyToRemoteInputs{Source: test.source}).problems(); len(problems) > 0 {
			got = problems[0].Reason
		}
		if got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}
