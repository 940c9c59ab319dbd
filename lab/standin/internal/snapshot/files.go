package snapshot

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"time"

	"standin/internal/config"
	"standin/internal/logs"
)

// File is one snapshot, on this machine or (NodeName `s3`) in S3.
type File struct {
	Name      string    `json:"name"`
	Location  string    `json:"location"`
	NodeName  string    `json:"nodeName"`
	CreatedAt time.Time `json:"createdAt"`
	Size      int64     `json:"size"`
}

// directory is where snapshots are; only the default one is made.
func directory(server config.Server, asked *string) (string, error) {
	dir := server.Text("etcd-snapshot-dir")
	if asked != nil && *asked != "" {
		dir = *asked
	}
	if dir == "" {
		dir = server.ServerDir("db", "snapshots")
		return dir, os.MkdirAll(dir, 0o700)
	}
	info, err := os.Stat(dir)
	if err == nil && !info.IsDir() {
		err = fmt.Errorf("%s is not a directory", dir)
	}
	return dir, err
}

// Directory is the server's own directory of snapshots.
func Directory(server config.Server) (string, error) { return directory(server, nil) }

// List finds the snapshots in a directory, oldest name first. The time is in the name, as k3s reads it.
func List(dir, node string) ([]File, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	files := []File{}
	for _, entry := range entries {
		info, err := entry.Info()
		if err != nil || info.IsDir() || strings.HasSuffix(entry.Name(), ".part") {
			continue
		}
		created := info.ModTime()
		if seconds, err := strconv.ParseInt(entry.Name()[strings.LastIndexByte(entry.Name(), '-')+1:], 10, 64); err == nil {
			created = time.Unix(seconds, 0)
		}
		files = append(files, File{entry.Name(), "file://" + filepath.Join(dir, entry.Name()), node, created.UTC(), info.Size()})
	}
	sort.Slice(files, func(i, j int) bool { return files[i].Name < files[j].Name })
	return files, nil
}

func remove(dir string, names []string) (*Result, error) {
	result := &Result{}
	for _, name := range names {
		if filepath.Base(name) != name {
			return nil, errors.New("invalid snapshot name: path traversal not allowed")
		}
		if err := os.Remove(filepath.Join(dir, name)); err == nil {
			result.Deleted = append(result.Deleted, name)
			logs.Info("Snapshot %s deleted locally", name)
		} else if os.IsNotExist(err) {
			logs.Info("Snapshot %s not found locally", name)
		} else {
			return nil, err
		}
	}
	return result, nil
}

// retain deletes the oldest files whose name begins with a prefix until as many as wanted are left; below 1 it keeps all.
func retain(dir, prefix string, retention int) ([]string, error) {
	if retention < 1 {
		return nil, nil
	}
	logs.Info("Applying snapshot retention=%d to local snapshots with prefix %s in %s", retention, prefix, dir)
	files, err := List(dir, "")
	if err != nil {
		return nil, err
	}
	var matching []File
	for _, file := range files {
		if strings.HasPrefix(file.Name, prefix) {
			matching = append(matching, file)
		}
	}
	if len(matching) <= retention {
		return nil, nil
	}
	sort.Slice(matching, func(i, j int) bool { return matching[j].CreatedAt.Before(matching[i].CreatedAt) })
	var deleted []string
	for _, file := range matching[retention:] {
		logs.Info("Removing local snapshot %s", filepath.Join(dir, file.Name))
		if err := os.Remove(filepath.Join(dir, file.Name)); err != nil {
			return deleted, err
		}
		deleted = append(deleted, file.Name)
	}
	return deleted, nil
}
