package remote

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/pkg/sftp"
)

// files are a machine's files, by SFTP. Modes are sshd's defaults; what is there already is overwritten, nothing is deleted.
type files struct{ *sftp.Client }

// put copies a file or a directory:
//
//	source  target is a directory  target is missing  target is a file
//	dir     target/dir             target/dir         fails
//	dir/    target/...             target/...         fails
//	file    target/file            target             target, overwritten
func (f files) put(source, target string) error {
	info, err := os.Stat(source)
	if err != nil {
		return err
	}
	existing, err := f.stat(target)
	if err != nil {
		return err
	}
	if info.IsDir() {
		return f.putTree(source, target, existing)
	}
	if existing != nil && existing.IsDir() {
		target = filepath.Join(target, filepath.Base(source))
	} else if existing == nil {
		if err := f.parents(target); err != nil {
			return err
		}
	}
	return f.putFile(source, target)
}

// putText writes a text to a file. A text has no name of its own, so the target may not be a directory.
func (f files) putText(text, target string) error {
	existing, err := f.stat(target)
	if err != nil {
		return err
	}
	if existing != nil && existing.IsDir() {
		return fmt.Errorf("remote path %s is a directory; when using a text asset, remotePath must be a file path", target)
	}
	if err := f.parents(target); err != nil {
		return err
	}
	file, err := f.create(target)
	if err != nil {
		return err
	}
	defer file.Close()
	if _, err := file.Write([]byte(text)); err != nil {
		return fmt.Errorf("failed to write text content to remote path %s: %w", target, err)
	}
	return nil
}

func (f files) putTree(source, target string, existing fs.FileInfo) error {
	if existing == nil {
		if err := f.MkdirAll(target); err != nil {
			return fmt.Errorf("failed to create remote directory %s: %w", target, err)
		}
	}
	if !strings.HasSuffix(source, "/") {
		target = filepath.Join(target, filepath.Base(source))
	}
	return fs.WalkDir(os.DirFS(source), ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			return f.directory(filepath.Join(target, path))
		}
		return f.putFile(filepath.Join(source, path), filepath.Join(target, path))
	})
}

func (f files) putFile(source, target string) error {
	local, err := os.Open(source)
	if err != nil {
		return err
	}
	defer local.Close()
	remote, err := f.create(target)
	if err != nil {
		return err
	}
	defer remote.Close()
	if _, err := remote.ReadFrom(local); err != nil {
		return fmt.Errorf("failed to copy file %s to remote path %s: %w", source, target, err)
	}
	return nil
}

// directory makes sure that a directory is there; its parent must exist.
func (f files) directory(path string) error {
	existing, err := f.stat(path)
	if err != nil {
		return err
	}
	if existing == nil {
		if err := f.Mkdir(path); err != nil {
			return fmt.Errorf("failed to create remote directory %s: %w", path, err)
		}
	} else if !existing.IsDir() {
		return fmt.Errorf("remote path %s exists but is not a directory", path)
	}
	return nil
}

func (f files) parents(path string) error {
	if err := f.MkdirAll(filepath.Dir(path)); err != nil {
		return fmt.Errorf("failed to create parent directories for %s: %w", path, err)
	}
	return nil
}

func (f files) create(path string) (*sftp.File, error) {
	file, err := f.Create(path)
	if err != nil {
		return nil, fmt.Errorf("failed to create remote file %s: %w", path, err)
	}
	return file, nil
}

// stat gives nil for what does not exist.
func (f files) stat(path string) (fs.FileInfo, error) {
	info, err := f.Stat(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("failed to stat remote path %s: %w", path, err)
	}
	return info, nil
}
