// Package snapshot is `k3s etcd-snapshot` and the snapshots on a schedule: the server takes, lists and deletes them.
package snapshot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"sort"
	"strconv"
	"sync"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	snapshotv3 "go.etcd.io/etcd/client/v3/snapshot"
	"go.uber.org/zap"

	"standin/internal/config"
	"standin/internal/logs"
	"standin/internal/s3"
)

// Request is what the command sends to /db/snapshot.
type Request struct {
	Operation string       `json:"operation"`
	Name      []string     `json:"name,omitempty"`
	Dir       *string      `json:"dir,omitempty"`
	Retention *int         `json:"retention,omitempty"`
	S3        *s3.Settings `json:"s3,omitempty"`
}

// Result names what was made and removed; a name comes twice when it was so here and in S3.
type Result struct {
	Created []string `json:"created,omitempty"`
	Deleted []string `json:"deleted,omitempty"`
}

// Handler serves /db/snapshot on a server.
type Handler struct {
	Server config.Server
	// Config connects to the local etcd member.
	Config func() (clientv3.Config, error)
	stores s3.Cache
	saving sync.Mutex
}

// job is a request with the server's own settings filled in.
type job struct {
	Request
	dir       string
	base      string
	retention int
	store     *s3.Client
}

// storeError is the only one whose text k3s hands to the command.
type storeError struct{ error }

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
		status := http.StatusInternalServerError
		if errors.As(err, &storeError{}) {
			status = http.StatusBadRequest
		}
		http.Error(response, err.Error(), status)
		return
	}
	response.Header().Set("Content-Type", "application/json")
	json.NewEncoder(response).Encode(result)
}

func (h *Handler) do(ctx context.Context, asked Request) (any, error) {
	job, err := h.prepare(asked)
	if err != nil {
		return nil, err
	}
	if asked.S3 != nil {
		if job.store, err = h.stores.Open(ctx, *asked.S3); err != nil {
			return nil, storeError{fmt.Errorf("failed to initialize S3 client: %w", err)}
		}
	}
	switch asked.Operation {
	case "save":
		return h.save(ctx, job)
	case "list":
		return h.list(ctx, job)
	case "delete":
		return h.remove(ctx, job)
	case "prune":
		return h.prune(ctx, job), nil
	}
	return nil, errors.New("invalid snapshot operation")
}

// prepare fills in what the request leaves to the server.
func (h *Handler) prepare(asked Request) (job, error) {
	job := job{Request: asked, base: h.Server.Text("etcd-snapshot-name")}
	var err error
	if job.dir, err = directory(h.Server, asked.Dir); err != nil {
		return job, fmt.Errorf("failed to get etcd-snapshot-dir: %w", err)
	}
	if asked.Retention != nil {
		job.retention = *asked.Retention
	} else if text := h.Server.Text("etcd-snapshot-retention"); text != "" {
		if job.retention, err = strconv.Atoi(text); err != nil {
			return job, err
		}
	}
	if len(asked.Name) > 0 {
		job.base = asked.Name[0]
	}
	return job, nil
}

// save takes a snapshot and then prunes; that S3 did not get it is logged and is no error.
func (h *Handler) save(ctx context.Context, job job) (*Result, error) {
	if !h.saving.TryLock() {
		return nil, errors.New("snapshot save already in progress")
	}
	defer h.saving.Unlock()
	cfg, err := h.Config()
	if err != nil {
		return nil, err
	}
	name := fmt.Sprintf("%s-%s-%d", job.base, h.Server.Name, time.Now().Round(time.Second).Unix())
	path := filepath.Join(job.dir, name)
	logs.Info("Saving etcd snapshot to %s", path)
	if _, err := snapshotv3.SaveWithVersion(ctx, zap.NewNop(), cfg, path); err != nil {
		return nil, fmt.Errorf("failed to save snapshot: %w", err)
	}
	result := &Result{Created: []string{name}}
	deleted, err := retain(job.dir, job.base, job.retention)
	if err != nil {
		logs.Warn("Failed to apply local snapshot retention policy: %v", err)
	}
	result.Deleted = append(result.Deleted, deleted...)
	if job.store == nil {
		return result, nil
	}
	logs.Info("Saving etcd snapshot %s to S3", name)
	if err := job.store.Upload(ctx, path, h.Server.Name); err != nil {
		logs.Error("Error received during snapshot upload to S3: %s", err)
	} else {
		result.Created = append(result.Created, name)
		logs.Info("S3 upload complete for %s", name)
	}
	deleted, err = job.store.Retain(ctx, job.base)
	if err != nil {
		logs.Warn("Failed to apply s3 snapshot retention policy: %v", err)
	}
	result.Deleted = append(result.Deleted, deleted...)
	return result, nil
}

// list finds what is in S3 and here, oldest first.
func (h *Handler) list(ctx context.Context, job job) ([]File, error) {
	files, err := List(job.dir, h.Server.Name)
	if err != nil {
		return nil, err
	}
	if job.store != nil {
		objects, err := job.store.List(ctx)
		if err != nil {
			return nil, err
		}
		for _, object := range objects {
			files = append(files, File{object.Name, object.Location, "s3", object.CreatedAt, object.Size})
		}
	}
	sort.SliceStable(files, func(i, j int) bool {
		if files[i].CreatedAt.Equal(files[j].CreatedAt) {
			return files[i].Name < files[j].Name
		}
		return files[i].CreatedAt.Before(files[j].CreatedAt)
	})
	return files, nil
}

func (h *Handler) remove(ctx context.Context, job job) (*Result, error) {
	result, err := remove(job.dir, job.Name)
	if err != nil || job.store == nil {
		return result, err
	}
	for _, name := range job.Name {
		found, err := job.store.Delete(ctx, name)
		switch {
		case err != nil:
			logs.Error("Failed to delete S3 snapshot %s: %v", name, err)
		case found:
			result.Deleted = append(result.Deleted, name)
			logs.Info("Snapshot %s deleted from S3", name)
		default:
			logs.Info("Snapshot %s not found in S3", name)
		}
	}
	return result, nil
}

func (h *Handler) prune(ctx context.Context, job job) *Result {
	deleted, err := retain(job.dir, job.base, job.retention)
	if err != nil {
		logs.Error("Error applying snapshot retention policy: %v", err)
	}
	result := &Result{Deleted: deleted}
	if job.store != nil {
		deleted, err := job.store.Retain(ctx, job.base)
		if err != nil {
			logs.Error("Error applying S3 snapshot retention policy: %v", err)
		}
		result.Deleted = append(result.Deleted, deleted...)
	}
	return result
}
