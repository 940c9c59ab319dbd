package config

import (
	"errors"
	"reflect"
	"testing"
)

func TestFilesMerge(t *testing.T) {
	files := [][]byte{
		[]byte("token: one\ntls-san: [a, b]\ndisable: traefik\ncluster-init: true\n"),
		[]byte("token: two\ntls-san+: [c]\ndisable+: servicelb\n"),
		[]byte("tls-san+: d\nnode-name: x\n"),
	}
	fail := func(key string) error { return ErrUnknown{key} }
	values, err := FromFiles(ServerFlags, files, fail)
	if err != nil {
		t.Fatal(err)
	}
	want := Values{
		"token": {"two"}, "tls-san": {"a", "b", "c", "d"}, "disable": {"traefik", "servicelb"}, "cluster-init": {"true"}, "node-name": {"x"},
	}
	if !reflect.DeepEqual(values, want) {
		t.Errorf("got %v, want %v", values, want)
	}
	if _, err := FromFiles(ServerFlags, [][]byte{[]byte("nonsense: 1\n")}, fail); !errors.As(err, &ErrUnknown{}) {
		t.Errorf("an unknown key gave %v", err)
	}
}

func TestFlagsBeatFilesAndReplaceLists(t *testing.T) {
	given, rest, err := Parse(ServerFlags, []string{"--tls-san=z", "--cluster-init", "-t", "three", "rest", "--not-a-flag"})
	if err != nil {
		t.Fatal(err)
	}
	merged := Values{"tls-san": {"a", "b"}, "token": {"two"}}.Overlay(given)
	if merged.Text("token") != "three" || !merged.Switch("cluster-init") || !reflect.DeepEqual(merged.List("tls-san"), []string{"z"}) {
		t.Errorf("got %v", merged)
	}
	if !reflect.DeepEqual(rest, []string{"rest", "--not-a-flag"}) {
		t.Errorf("rest is %v", rest)
	}
}

func TestUnknownFlag(t *testing.T) {
	_, _, err := Parse(ServerFlags, []string{"--nonsense"})
	if err == nil || err.Error() != "flag provided but not defined: -nonsense" {
		t.Errorf("got %v", err)
	}
	if _, _, err := Parse(ServerFlags, []string{"--cluster-init=maybe"}); err == nil {
		t.Error("a switch accepted a word")
	}
}

func TestMismatchesNameTheFlag(t *testing.T) {
	got := Mismatches(map[string]string{"cluster-cidr": "10.42.0.0/16", "disable": "a"}, map[string]string{"cluster-cidr": "10.44.0.0/16", "disable": "a"})
	if len(got) != 1 || got[0] != "cluster-cidr" {
		t.Errorf("got %v", got)
	}
}
