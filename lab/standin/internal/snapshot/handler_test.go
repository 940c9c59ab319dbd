package snapshot

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"standin/internal/config"
)

func TestListDeleteAndPrune(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a-s1-1700000001", "a-s1-1700000002", "b-s1-1700000003", "c-s1-1700000004.part"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	handler := &Handler{Server: config.Server{Node: config.Node{Name: "s1", Values: config.Values{"etcd-snapshot-dir": {dir}}}}}
	do := func(request Request) any {
		result, err := handler.do(context.Background(), request)
		if err != nil {
			t.Fatal(err)
		}
		return result
	}
	files := do(Request{Operation: "list"}).([]File)
	if len(files) != 3 || files[0].CreatedAt.Unix() != 1700000001 || files[0].Location != "file://"+filepath.Join(dir, files[0].Name) {
		t.Errorf("list: %+v", files)
	}
	one, none := 1, 0
	if got := do(Request{Operation: "prune", Name: []string{"a"}, Retention: &none}).(*Result); len(got.Deleted) != 0 {
		t.Errorf("prune with retention 0: %+v", got)
	}
	if got := do(Request{Operation: "prune", Name: []string{"a"}, Retention: &one}).(*Result); len(got.Deleted) != 1 || got.Deleted[0] != "a-s1-1700000001" {
		t.Errorf("prune: %+v", got)
	}
	if got := do(Request{Operation: "delete", Name: []string{"b-s1-1700000003", "gone"}}).(*Result); len(got.Deleted) != 1 {
		t.Errorf("delete: %+v", got)
	}
	if _, err := handler.do(context.Background(), Request{Operation: "delete", Name: []string{"../x"}}); err == nil {
		t.Error("a path was deleted")
	}
}
