// Package passwd is server/cred/passwd: who may come to the supervisor with a password.
package passwd

import (
	"encoding/csv"
	"fmt"
	"os"
	"strings"

	"standin/internal/certs"
)

// Groups of the two users, `server` and `node`.
const (
	Servers = "k3s:server"
	Agents  = "k3s:agent"
)

// User is one line: `password,name,name,group`.
type User struct{ Password, Group string }

// File is what was read of it, and what was changed since.
type File struct {
	path    string
	users   map[string]User
	changed bool
}

// Read reads the file; one that is not there has no users.
func Read(path string) (*File, error) {
	file := &File{path: path, users: map[string]User{}}
	handle, err := os.Open(path)
	if os.IsNotExist(err) {
		return file, nil
	}
	if err != nil {
		return nil, err
	}
	defer handle.Close()
	reader := csv.NewReader(handle)
	reader.FieldsPerRecord = -1
	lines, err := reader.ReadAll()
	if err != nil {
		return nil, err
	}
	for _, line := range lines {
		if len(line) < 2 {
			return nil, fmt.Errorf("password file '%s' must have at least 2 columns (password, name), found %d", path, len(line))
		}
		user := User{Password: line[0]}
		if len(line) > 3 {
			user.Group = line[3]
		}
		file.users[line[1]] = user
	}
	return file, nil
}

// User tells who somebody is.
func (f *File) User(name string) (User, bool) {
	user, found := f.users[name]
	return user, found
}

// Password is a user's, or empty.
func (f *File) Password(name string) string { return f.users[name].Password }

// Ensure gives a user the password of a token, which may be secure or short.
func (f *File) Ensure(name, group, text string) {
	wanted := User{Password: password(name, text), Group: group}
	if f.users[name] != wanted {
		f.users[name], f.changed = wanted, true
	}
}

// password is what stands in the file for a token: a secure one of another user stays as it is.
func password(user, text string) string {
	if head, tail, found := strings.Cut(text, "::"+user+":"); found && strings.HasPrefix(head, "K10") {
		return tail
	}
	return text
}

// Write replaces the file when something in it has changed; the lines come in no order.
func (f *File) Write() error {
	if !f.changed {
		return nil
	}
	var content strings.Builder
	writer := csv.NewWriter(&content)
	for name, user := range f.users {
		if err := writer.Write([]string{user.Password, name, name, user.Group}); err != nil {
			return err
		}
	}
	writer.Flush()
	f.changed = false
	return certs.Write(f.path, []byte(content.String()))
}
