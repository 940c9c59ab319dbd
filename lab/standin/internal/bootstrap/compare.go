package bootstrap

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"standin/internal/config"
	"standin/internal/logs"
)

// Newer are files on disk that differ from the datastore's and were written after them.
type Newer []string

func (n Newer) Error() string {
	return strings.Join(n, ", ") + " newer than datastore and could cause a cluster outage. " +
		"Remove the file(s) from disk and restart to be recreated from datastore."
}

// skew is how many seconds clocks may differ before a file counts as newer.
const skew = 3

// Reconcile brings the files on disk up to the datastore's, all of them or none; it fails with Newer when one on disk is newer,
// but not in a reset, where the datastore always counts.
func Reconcile(node config.Node, files Files, reset bool) error {
	stale, newer, err := compare(node, files)
	if err != nil {
		return err
	}
	if len(newer) > 0 && !reset {
		return newer
	}
	if !stale && !reset {
		return nil
	}
	logs.Warn("Updating bootstrap data on disk from datastore")
	return files.Spread(node)
}

// compare tells whether a file on disk is not the datastore's, and which of those are newer there.
func compare(node config.Node, files Files) (stale bool, newer Newer, err error) {
	for name, entry := range files {
		file := path(node, name)
		if file == "" {
			logs.Warn("Unable to lookup path to reconcile %s", name)
			continue
		}
		content, err := os.ReadFile(file)
		if os.IsNotExist(err) {
			logs.Warn("%s doesn't exist. continuing...", file)
			stale = true
			continue
		}
		if err != nil {
			return false, nil, fmt.Errorf("failed to get update status of %s: %w", name, err)
		}
		if bytes.Equal(content, entry.Content) {
			continue
		}
		stale = true
		info, err := os.Stat(file)
		if err != nil {
			return false, nil, fmt.Errorf("failed to get update status of %s: %w", name, err)
		}
		if info.ModTime().Unix()-entry.Timestamp.Unix() >= skew {
			newer = append(newer, file)
		} else {
			logs.Warn("%s will be updated from the datastore.", file)
		}
	}
	return stale, newer, nil
}

// Bare tells whether a directory with keys is missing or empty; what comes over HTTP is then written without being compared.
func Bare(node config.Node) (bool, error) {
	for _, name := range []string{"cred", "tls", "tls/etcd"} {
		dir, err := os.Open(node.ServerDir(name))
		if os.IsNotExist(err) {
			return true, nil
		}
		if err != nil {
			return false, err
		}
		_, err = dir.Readdirnames(1)
		dir.Close()
		if errors.Is(err, io.EOF) {
			return true, nil
		}
		if err != nil {
			return false, err
		}
	}
	return false, nil
}
