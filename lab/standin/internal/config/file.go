package config

import (
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"go.yaml.in/yaml/v3"

	"standin/internal/logs"
)

// DefaultFile is where k3s looks without --config and K3S_CONFIG_FILE.
const DefaultFile = "/etc/rancher/k3s/config.yaml"

// pair is one key of the merged files; order is kept so that errors come in the order of the files.
type pair struct {
	key    string
	values []string
}

// Merge joins configuration files: the last value of a key counts, `key+` appends to what came before.
func Merge(files [][]byte) ([]pair, error) {
	var merged []pair
	index := map[string]int{}
	for _, content := range files {
		var document yaml.Node
		if err := yaml.Unmarshal(content, &document); err != nil {
			return nil, err
		}
		if len(document.Content) == 0 {
			continue
		}
		mapping := document.Content[0]
		if mapping.Kind != yaml.MappingNode {
			return nil, fmt.Errorf("cannot unmarshal configuration: not a mapping")
		}
		for i := 0; i+1 < len(mapping.Content); i += 2 {
			key, values := mapping.Content[i].Value, scalars(mapping.Content[i+1])
			name, appends := strings.CutSuffix(key, "+")
			at, known := index[name]
			switch {
			case !known:
				index[name] = len(merged)
				merged = append(merged, pair{name, values})
			case appends:
				merged[at].values = append(merged[at].values, values...)
			default:
				merged[at].values = values
			}
		}
	}
	return merged, nil
}

func scalars(node *yaml.Node) []string {
	if node.Kind == yaml.SequenceNode {
		values := []string{}
		for _, item := range node.Content {
			values = append(values, item.Value)
		}
		return values
	}
	return []string{node.Value}
}

// Load reads the file and its `.d` directory (alphabetical order). A missing file is an error only when it was asked for.
func Load(path string, asked bool) ([][]byte, error) {
	var files [][]byte
	content, err := os.ReadFile(path)
	if err == nil {
		files = append(files, content)
	} else if asked || !os.IsNotExist(err) {
		return nil, err
	}
	matches, _ := filepath.Glob(path + ".d/*.y*ml")
	sort.Strings(matches)
	for _, match := range matches {
		content, err := os.ReadFile(match)
		if err != nil {
			return nil, err
		}
		files = append(files, content)
	}
	return files, nil
}

// FromFiles turns the merged files into flag values. A key that the command does not have is reported by unknown.
func FromFiles(flags []Flag, files [][]byte, unknown func(key string) error) (Values, error) {
	merged, err := Merge(files)
	if err != nil {
		return nil, err
	}
	values := Values{}
	for _, entry := range merged {
		flag := find(flags, entry.key)
		if flag == nil {
			if err := unknown(entry.key); err != nil {
				return nil, err
			}
			continue
		}
		for _, value := range entry.values {
			if err := values.add(flag, entry.key, value); err != nil {
				return nil, err
			}
		}
	}
	return values, nil
}

// SkipUnknown is for commands that go on when a key of config.yaml is not theirs.
func SkipUnknown(key string) error {
	logs.Warn("Unknown flag --%s found in config.yaml, skipping", key)
	return nil
}

// Read is the whole way: files, then flags over them, then environment and defaults.
func Read(flags []Flag, args []string, unknown func(key string) error) (Values, []string, error) {
	given, rest, err := Parse(flags, args)
	if err != nil {
		return nil, nil, err
	}
	path, asked := given.Text("config"), true
	if path == "" {
		path = os.Getenv("K3S_CONFIG_FILE")
	}
	if path == "" {
		path, asked = DefaultFile, false
	}
	files, err := Load(path, asked)
	if err != nil {
		return nil, nil, err
	}
	fromFiles, err := FromFiles(flags, files, unknown)
	if err != nil {
		return nil, nil, err
	}
	return fromFiles.Overlay(given).Complete(flags), rest, nil
}
