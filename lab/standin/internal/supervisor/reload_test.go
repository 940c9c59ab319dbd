package supervisor

import "testing"

func TestParseReloads(t *testing.T) {
	metrics := `# TYPE apiserver_encryption_config_controller_automatic_reloads_total counter
apiserver_encryption_config_controller_automatic_reloads_total{apiserver_id_hash="sha256:1",status="failure"} 7
apiserver_encryption_config_controller_automatic_reloads_total{apiserver_id_hash="sha256:1",status="success"} 2
`
	for text, want := range map[string]float64{metrics: 2, "": 0} {
		if got, err := parseReloads(text); err != nil || got != want {
			t.Errorf("got %v, %v, want %v", got, err, want)
		}
	}
}
