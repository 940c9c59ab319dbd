package remote

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pkg/sftp"
)

// machine is an SFTP server on a pipe; its paths are those of this machine.
func machine(t *testing.T) files {
	ours, theirs := net.Pipe()
	server, err := sftp.NewServer(theirs)
	if err != nil {
		t.Fatal(err)
	}
	go server.Serve()
	client, err := sftp.NewClientPipe(ours, ours)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	return files{client}
}

func write(t *testing.T, path, content string) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestPut(t *testing.T) {
	remote := machine(t)
	for name, test := range map[string]struct {
		source   string // below local/
		existing string // `dir/` or a file, below remote/
		target   string
		want     string // the file that has "A" afterwards, or an error's text
	}{
		"folder to nothing":               {"tree", "", "to", "to/tree/sub/a"},
		"folder to folder":                {"tree", "to/", "to", "to/tree/sub/a"},
		"folder over the same folder":     {"tree", "to/tree/sub/a", "to", "to/tree/sub/a"},
		"folder/ to nothing":              {"tree/", "", "to/deep", "to/deep/sub/a"},
		"folder/ to folder":               {"tree/", "to/", "to", "to/sub/a"},
		"folder to file":                  {"tree", "to", "to", "not a directory"},
		"folder where its name is a file": {"tree", "to/tree", "to", "exists but is not a directory"},
		"folder where a part is a file":   {"tree", "to/tree/sub", "to", "exists but is not a directory"},
		"file to nothing":                 {"tree/sub/a", "", "to/new/b", "to/new/b"},
		"file to folder":                  {"tree/sub/a", "to/", "to", "to/a"},
		"file over file":                  {"tree/sub/a", "to/b", "to/b", "to/b"},
		"nothing":                         {"missing", "", "to", "no such file"},
	} {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			write(t, filepath.Join(root, "local/tree/sub/a"), "A")
			if path := filepath.Join(root, "remote", test.existing); strings.HasSuffix(test.existing, "/") {
				os.MkdirAll(path, 0o755)
			} else if test.existing != "" {
				write(t, path, "old")
			}
			err := remote.put(root+"/local/"+test.source, filepath.Join(root, "remote", test.target))
			if err != nil {
				if !strings.Contains(err.Error(), test.want) {
					t.Errorf("%v, want %q", err, test.want)
				}
				return
			}
			content, err := os.ReadFile(filepath.Join(root, "remote", test.want))
			if err != nil || string(content) != "A" {
				t.Errorf("%q %v, want A in %s", content, err, test.want)
			}
		})
	}
}

func TestPutText(t *testing.T) {
	remote, root := machine(t), t.TempDir()
	if err := remote.putText("text", filepath.Join(root, "new/file")); err != nil {
		t.Fatal(err)
	}
	if content, _ := os.ReadFile(filepath.Join(root, "new/file")); string(content) != "text" {
		t.Errorf("%q", content)
	}
	if err := remote.putText("text", root); err == nil || !strings.Contains(err.Error(), "is a directory; when using a text asset") {
		t.Errorf("%v", err)
	}
}
