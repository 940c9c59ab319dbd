package passwd

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

func open(t *testing.T, path string) *File {
	t.Helper()
	file, err := Read(path)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

func put(t *testing.T, path, server, node string) {
	t.Helper()
	file := open(t, path)
	file.Ensure("node", Agents, node)
	file.Ensure("server", Servers, server)
	if err := file.Write(); err != nil {
		t.Fatal(err)
	}
}

func TestTheFileIsOnlyWrittenWhenSomethingInItChanged(t *testing.T) {
	path := filepath.Join(t.TempDir(), "passwd")
	put(t, path, "s,ecret", "agent")
	then := time.Now().Add(-time.Hour).Truncate(time.Second)
	if err := os.Chtimes(path, then, then); err != nil {
		t.Fatal(err)
	}
	put(t, path, "K10abc::server:s,ecret", "agent")
	if info, _ := os.Stat(path); !info.ModTime().Equal(then) {
		t.Error("written although nothing changed")
	}
	put(t, path, "s,ecret", "another")
	if info, _ := os.Stat(path); info.ModTime().Equal(then) {
		t.Error("not written although the agent token changed")
	}
	if file := open(t, path); file.Password("node") != "another" || file.Password("server") != "s,ecret" {
		t.Errorf("got %v", file.users)
	}
}

func TestTheLinesComeInNoOrder(t *testing.T) {
	found := map[string]bool{}
	for range 100 {
		path := filepath.Join(t.TempDir(), "passwd")
		put(t, path, "a", "b")
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		found[string(content)] = true
	}
	if len(found) != 2 {
		t.Errorf("got %v", found)
	}
}

func TestPasswordOfAToken(t *testing.T) {
	for text, want := range map[string]string{
		"short": "short", "K10abc::server:p:w": "p:w", "K10abc::node:pw": "K10abc::node:pw",
	} {
		if got := password("server", text); got != want {
			t.Errorf("password(%s) = %s", text, got)
		}
	}
}
