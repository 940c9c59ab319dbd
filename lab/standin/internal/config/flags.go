// Package config reads what k3s reads: flags, environment and /etc/rancher/k3s/config.yaml with its drop-in directory.
package config

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// Kind is how a flag's values are read.
type Kind int

const (
	// Text is one value; the last one given counts.
	Text Kind = iota
	// Switch is true, false, or given without a value.
	Switch
	// List collects every value given.
	List
)

// Flag is one flag of k3s, which is also a key of config.yaml.
type Flag struct {
	Name    string
	Aliases []string
	Kind    Kind
	Env     string
	Default string
}

// Values are the flags that were given, by name.
type Values map[string][]string

// ErrUnknown is the text of k3s (of its flag parser) for a flag that the command does not have.
type ErrUnknown struct{ Name string }

func (e ErrUnknown) Error() string { return "flag provided but not defined: -" + e.Name }

func find(flags []Flag, name string) *Flag {
	for i := range flags {
		if flags[i].Name == name {
			return &flags[i]
		}
		for _, alias := range flags[i].Aliases {
			if alias == name {
				return &flags[i]
			}
		}
	}
	return nil
}

// Parse reads command-line arguments up to the first that is not a flag, and returns the rest.
func Parse(flags []Flag, args []string) (Values, []string, error) {
	values := Values{}
	for len(args) > 0 {
		arg := args[0]
		if len(arg) < 2 || arg[0] != '-' {
			break
		}
		args = args[1:]
		if arg == "--" {
			break
		}
		name, value, inline := strings.Cut(strings.TrimLeft(arg, "-"), "=")
		flag := find(flags, name)
		if flag == nil {
			return nil, nil, ErrUnknown{name}
		}
		if !inline {
			if flag.Kind == Switch {
				value = "true"
			} else if len(args) == 0 {
				return nil, nil, fmt.Errorf("flag needs an argument: -%s", name)
			} else {
				value, args = args[0], args[1:]
			}
		}
		if err := values.add(flag, name, value); err != nil {
			return nil, nil, err
		}
	}
	return values, args, nil
}

func (v Values) add(flag *Flag, given, value string) error {
	if flag.Kind == Switch {
		if _, err := strconv.ParseBool(value); err != nil {
			return fmt.Errorf("invalid boolean value %q for -%s: parse error", value, given)
		}
	}
	if flag.Kind == List {
		v[flag.Name] = append(v[flag.Name], value)
	} else {
		v[flag.Name] = []string{value}
	}
	return nil
}

// Overlay returns v with every flag that over has; lists are replaced, not joined.
func (v Values) Overlay(over Values) Values {
	merged := Values{}
	for name, value := range v {
		merged[name] = value
	}
	for name, value := range over {
		merged[name] = value
	}
	return merged
}

// Complete fills in environment variables and defaults for what was not given.
func (v Values) Complete(flags []Flag) Values {
	for _, flag := range flags {
		if _, given := v[flag.Name]; given {
			continue
		}
		if value := os.Getenv(flag.Env); flag.Env != "" && value != "" {
			v[flag.Name] = []string{value}
		} else if flag.Default != "" {
			v[flag.Name] = []string{flag.Default}
		}
	}
	return v
}

// Text returns a flag's last value, or "".
func (v Values) Text(name string) string {
	if values := v[name]; len(values) > 0 {
		return values[len(values)-1]
	}
	return ""
}

// Switch returns whether a flag is set and true.
func (v Values) Switch(name string) bool {
	on, _ := strconv.ParseBool(v.Text(name))
	return on
}

// List returns a flag's values, split at commas as k3s does for lists.
func (v Values) List(name string) []string {
	var list []string
	for _, value := range v[name] {
		for _, item := range strings.Split(value, ",") {
			if item = strings.TrimSpace(item); item != "" {
				list = append(list, item)
			}
		}
	}
	return list
}

// All returns a flag's values as given; what is passed on to other programs may contain commas.
func (v Values) All(name string) []string { return v[name] }
