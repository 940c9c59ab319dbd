package s3

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"standin/internal/logs"
)

// Client is a bucket that was there when it was opened.
type Client struct {
	store    *minio.Client
	settings Settings
}

// Cache keeps the clients that could be opened: a bucket is asked for once by each process.
type Cache struct {
	mu      sync.Mutex
	clients map[Settings]*Client
}

// Open connects and makes sure that the bucket exists.
func (c *Cache) Open(ctx context.Context, settings Settings) (*Client, error) {
	scheme := "https://"
	if settings.Insecure {
		scheme = "http://"
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if client := c.clients[settings]; client != nil {
		logs.Info("Reusing cached S3 client for endpoint=%q bucket=%q folder=%q", scheme+settings.Endpoint, settings.Bucket, settings.Folder)
		return client, nil
	}
	logs.Info("Attempting to create new S3 client for endpoint=%q bucket=%q folder=%q", scheme+settings.Endpoint, settings.Bucket, settings.Folder)
	if settings.Bucket == "" {
		return nil, errors.New("s3 bucket name was not set")
	}
	transport, err := settings.transport()
	if err != nil {
		return nil, err
	}
	store, err := minio.New(settings.Endpoint, &minio.Options{
		Creds:  credentials.NewStaticV4(settings.AccessKey, settings.SecretKey, settings.SessionToken),
		Secure: !settings.Insecure, Region: settings.Region, Transport: transport, BucketLookup: minio.BucketLookupAuto,
	})
	if err != nil {
		return nil, err
	}
	logs.Info("Checking if S3 bucket %s exists", settings.Bucket)
	ctx, cancel := context.WithTimeout(ctx, settings.Timeout)
	defer cancel()
	exists, err := store.BucketExists(ctx, settings.Bucket)
	if err != nil {
		return nil, fmt.Errorf("failed to test for existence of bucket %s: %w", settings.Bucket, err)
	}
	if !exists {
		return nil, fmt.Errorf("bucket %s does not exist", settings.Bucket)
	}
	logs.Info("S3 bucket %s exists", settings.Bucket)
	client := &Client{store: store, settings: settings}
	if c.clients == nil {
		c.clients = map[Settings]*Client{}
	}
	c.clients[settings] = client
	return client, nil
}

// Object is one snapshot in the bucket.
type Object struct {
	Name      string
	Location  string
	CreatedAt time.Time
	Size      int64
}

// Upload copies a file into the bucket, under its own name.
func (c *Client) Upload(ctx context.Context, file, node string) error {
	key := path.Join(c.settings.Folder, filepath.Base(file))
	logs.Info("Uploading snapshot to s3://%s/%s", c.settings.Bucket, key)
	ctx, cancel := context.WithTimeout(ctx, c.settings.Timeout)
	defer cancel()
	_, err := c.store.FPutObject(ctx, c.settings.Bucket, key, file, minio.PutObjectOptions{
		NumThreads: 2, ContentType: "application/octet-stream", UserMetadata: map[string]string{"K3s-Node-Name": node},
	})
	return err
}

// Download copies a snapshot into a directory and returns the file.
func (c *Client) Download(ctx context.Context, name, dir string) (string, error) {
	file := filepath.Join(dir, name)
	ctx, cancel := context.WithTimeout(ctx, c.settings.Timeout)
	defer cancel()
	if err := c.store.FGetObject(ctx, c.settings.Bucket, path.Join(c.settings.Folder, name), file, minio.GetObjectOptions{}); err != nil {
		return "", err
	}
	return file, os.Chmod(file, 0o600)
}

// List finds the snapshots of all nodes in the folder. The time is in the name, as k3s reads it.
func (c *Client) List(ctx context.Context) ([]Object, error) {
	found, err := c.objects(ctx, c.settings.Folder)
	if err != nil {
		return nil, err
	}
	var objects []Object
	for _, info := range found {
		if info.Size == 0 {
			continue
		}
		created, name := info.LastModified, path.Base(info.Key)
		if seconds, err := strconv.ParseInt(name[strings.LastIndexByte(name, '-')+1:], 10, 64); err == nil {
			created = time.Unix(seconds, 0)
		}
		objects = append(objects, Object{name, fmt.Sprintf("s3://%s/%s", c.settings.Bucket, info.Key), created.UTC(), info.Size})
	}
	return objects, nil
}

// Retain deletes the oldest snapshots whose name begins with a prefix, of all nodes, until as many as configured are left.
func (c *Client) Retain(ctx context.Context, prefix string) ([]string, error) {
	if c.settings.Retention < 1 {
		return nil, nil
	}
	prefix = path.Join(c.settings.Folder, prefix)
	logs.Info("Applying snapshot retention=%d to snapshots stored in s3://%s/%s", c.settings.Retention, c.settings.Bucket, prefix)
	found, err := c.objects(ctx, prefix)
	if err != nil || len(found) <= c.settings.Retention {
		return nil, err
	}
	sort.Slice(found, func(i, j int) bool { return found[j].LastModified.Before(found[i].LastModified) })
	var deleted []string
	for _, info := range found[c.settings.Retention:] {
		logs.Info("Removing S3 snapshot: s3://%s/%s", c.settings.Bucket, info.Key)
		name := path.Base(info.Key)
		if _, err := c.Delete(ctx, name); err != nil {
			return deleted, err
		}
		deleted = append(deleted, name)
	}
	return deleted, nil
}

// Delete removes a snapshot, and tells whether there was one.
func (c *Client) Delete(ctx context.Context, name string) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, c.settings.Timeout)
	defer cancel()
	key := path.Join(c.settings.Folder, name)
	if _, err := c.store.StatObject(ctx, c.settings.Bucket, key, minio.StatObjectOptions{}); err != nil {
		if minio.ToErrorResponse(err).StatusCode == http.StatusNotFound {
			return false, nil
		}
		return false, err
	}
	return true, c.store.RemoveObject(ctx, c.settings.Bucket, key, minio.RemoveObjectOptions{})
}

func (c *Client) objects(ctx context.Context, prefix string) ([]minio.ObjectInfo, error) {
	ctx, cancel := context.WithTimeout(ctx, c.settings.Timeout)
	defer cancel()
	var found []minio.ObjectInfo
	for info := range c.store.ListObjects(ctx, c.settings.Bucket, minio.ListObjectsOptions{Prefix: prefix, Recursive: true}) {
		if info.Err != nil {
			return nil, info.Err
		}
		found = append(found, info)
	}
	return found, nil
}
