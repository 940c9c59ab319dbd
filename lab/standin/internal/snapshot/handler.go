// Package snapshot is `k3s etcd-snapshot`: the command asks the running server, which takes, lists and deletes.
package snapshot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	snapshotv3 "go.etcd.io/etcd/client/v3/snapshot"
	"go.uber.org/zap"

	"standin/internal/config"
	"standin/internal/logs"
)

// Request is what the command sends to /db/snapshot.
type Request struct {
	Operation string   `json:"operation"`
	Name      []string `json:"name,omitempty"`
	Dir       *string  `json:"dir,omitempty"`
	Retention *int     `json:"retention,omitempty"`
}

// Result names what was made and removed.
type Result struct {
	Created []string `json:"created,omitempty"`
	Deleted []string `json:"deleted,omitempty"`
}

// File is one snapshot on this machine.
type File struct {
	Name      string    `json:"name"`
	Location  string    `json:"location"`
	NodeName  string    `json:"nodeName"`
	CreatedAt time.Time `json:"createdAt"`
	Size      int64     `json:"size"`
}

// Handler serves /db/snapshot on a server.
type Handler struct {
	Server config.Server
	// Config connects to the local etcd member.
	Config func() (clientv3.Config, error)
}

// ServeHTTP carries out one request.
func (h *Handler) ServeHTTP(response http.ResponseWriter, request *http.Request) {
	var asked Request
	if err := json.NewDecoder(request.Body).Decode(&asked); err != nil {
		http.Error(response, err.Error(), http.StatusBadRequest)
		return
	}
	result, err := h.do(request.Context(), asked)
	if err != nil {
		logs.Warn("Error in etcd-snapshot handler: %v", err)
		http.Error(response, err.Error(), http.StatusInternalServerError)
		return
	}
	response.Header().Set("Content-Type", "application/json")
	json.NewEncoder(response).Encode(result)
}

func (h *Handler) do(ctx context.Context, asked Request) (any, error) {
	dir := h.Server.Text("etcd-snapshot-dir")
	if asked.Dir != nil && *asked.Dir != "" {
		dir = *asked.Dir
	}
	if dir == "" {
		dir = h.Server.ServerDir("db", "snapshots")
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, err
		}
	}
	switch asked.Operation {
	case "save":
		return h.save(ctx, dir, asked)
	case "list":
		return List(dir, h.Server.Name)
	case "delete":
		return remove(dir, asked.Name)
	case "prune":
		return h.prune(dir, asked)
	}
	return nil, errors.New("invalid snapshot operation")
}

func (h *Handler) save(ctx context.Context, dir string, asked Request) (*Result, error) {
	base := h.Server.Text("etcd-snapshot-name")
	if len(asked.Name) > 0 {
		base = asked.Name[0]
	}
	cfg, err := h.Config()
	if err != nil {
		return nil, err
	}
	name := fmt.Sprintf("%s-%s-%d", base, h.Server.Name, time.Now().Round(time.Second).Unix())
	path := filepath.Join(dir, name)
	logs.Info("Saving etcd snapshot to %s", path)
	if _, err := snapshotv3.SaveWithVersion(ctx, zap.NewNop(), cfg, path); err != nil {
		return nil, fmt.Errorf("failed to save snapshot: %w", err)
	}
	return &Result{Created: []string{name}}, nil
}

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
		} else if !os.IsNotExist(err) {
			return nil, err
		}
	}
	return result, nil
}

func (h *Handler) prune(dir string, asked Request) (*Result, error) {
	files, err := List(dir, h.Server.Name)
	if err != nil || asked.Retention == nil || len(asked.Name) == 0 {
		return &Result{}, err
	}
	var names []string
	for _, file := range files {
		if strings.HasPrefix(file.Name, asked.Name[0]+"-"+h.Server.Name) {
			names = append(names, file.Name)
		}
	}
	if len(names) <= *asked.Retention {
		return &Result{}, nil
	}
	return remove(dir, names[:len(names)-*asked.Retention])
}
