package s3

import (
	"testing"
	"time"

	"standin/internal/config"
)

func TestFromValues(t *testing.T) {
	values, _, err := config.Parse(config.SnapshotFlags, []string{"--etcd-s3", "--s3-bucket", "b", "--etcd-s3-folder=f"})
	if err != nil {
		t.Fatal(err)
	}
	settings, err := FromValues(values.Complete(config.SnapshotFlags))
	if err != nil {
		t.Fatal(err)
	}
	if settings.Bucket != "b" || settings.Folder != "f" || settings.Endpoint != "s3.amazonaws.com" || settings.Timeout != 5*time.Minute || settings.Retention != 5 {
		t.Errorf("%+v", settings)
	}
	off, _, _ := config.Parse(config.SnapshotFlags, []string{"--etcd-s3=false", "--etcd-s3-bucket=b"})
	if settings, err := FromValues(off); settings != nil || err != nil {
		t.Errorf("switched off: %+v, %v", settings, err)
	}
}

func TestAuthoritiesThatAreNone(t *testing.T) {
	if _, err := authorities("bm90IGEgY2VydGlmaWNhdGU="); err == nil {
		t.Error("text was taken for a certificate")
	}
}
