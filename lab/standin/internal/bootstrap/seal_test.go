package bootstrap

import "testing"

func TestSealOpensWithTheSamePasswordOnly(t *testing.T) {
	sealed, err := Seal("one", []byte("text"))
	if err != nil {
		t.Fatal(err)
	}
	if plain, err := Open("one", sealed); err != nil || string(plain) != "text" {
		t.Errorf("Open gave %q, %v", plain, err)
	}
	if _, err := Open("two", sealed); err == nil {
		t.Error("another password opened it")
	}
	if _, err := Open("one", []byte("nonsense")); err == nil {
		t.Error("nonsense opened")
	}
}

func TestKey(t *testing.T) {
	if got := Key(""); got != "/bootstrap/e3b0c44298fc" {
		t.Errorf("got %s", got)
	}
}
