package controlplane

import (
	"slices"
	"testing"
)

func TestArguments(t *testing.T) {
	got := Arguments(map[string]string{"a": "1", "b": "2", "c": "3"}, []string{"--b=9", "c+=4", "d", "b=8"})
	if want := []string{"--a=1", "--b=8", "--b=9", "--c=3", "--c=4", "--d=true"}; !slices.Equal(got, want) {
		t.Errorf("got %v", got)
	}
}
