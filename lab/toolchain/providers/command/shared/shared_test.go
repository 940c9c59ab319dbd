package shared

import "testing"

func TestLogs(t *testing.T) {
	text := func(s string) *string { return &s }
	for _, test := range []struct {
		logging        *string
		stdout, stderr bool
	}{
		{nil, true, true},
		{text("stdoutAndStderr"), true, true},
		{text("stdout"), true, false},
		{text("stderr"), false, true},
		{text("none"), false, false},
	} {
		if got := logs(test.logging, "stdout"); got != test.stdout {
			t.Errorf("%v: stdout logged: %v", test.logging, got)
		}
		if got := logs(test.logging, "stderr"); got != test.stderr {
			t.Errorf("%v: stderr logged: %v", test.logging, got)
		}
	}
}

func TestOnUpdate(t *testing.T) {
	create, update := "create", "update"
	if got := (Lifecycle{Create: &create, Update: &update}).OnUpdate(); got != &update {
		t.Errorf("got %v, want update", got)
	}
	if got := (Lifecycle{Create: &create}).OnUpdate(); got != &create {
		t.Errorf("got %v, want create again", got)
	}
	if got := (Lifecycle{}).OnUpdate(); got != nil {
		t.Errorf("got %v, want nothing to run", got)
	}
}
