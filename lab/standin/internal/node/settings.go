package node

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	jsonpatch "gopkg.in/evanphx/json-patch.v4"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	kubeletv1beta1 "k8s.io/kubelet/config/v1beta1"
	"k8s.io/kubernetes/pkg/kubelet/apis/config/scheme"
	"k8s.io/kubernetes/pkg/kubelet/kubeletconfig/util/codec"
	"sigs.k8s.io/yaml"

	"standin/internal/certs"
	"standin/internal/config"
)

// CgroupV1 is the file with which a lab says that its machine has cgroup v1. The machines of a lab have what their host has, which
// is no matter of the rehearsal; without the file a host counts as one with cgroup v2.
const CgroupV1 = "/run/standin-refuses-cgroup-v1"

// readSettings reads the kubelet's drop-ins and flags as a kubelet of that minor does, and refuses what it would refuse.
func readSettings(node config.Node, minor int, cgroupV1 bool) error {
	dir := node.AgentDir("etc", "kubelet.conf.d")
	if err := writeDefaults(node, dir); err != nil {
		return fmt.Errorf("generate default kubelet configuration drop-in: %w", err)
	}
	settings, err := merge(dir)
	if err != nil {
		return fmt.Errorf("failed to merge kubelet configs: %w", err)
	}
	refuses := minor >= 35
	if settings.FailCgroupV1 != nil {
		refuses = *settings.FailCgroupV1
	}
	for _, argument := range node.All("kubelet-arg") {
		if name, value, given := strings.Cut(strings.TrimPrefix(argument, "--"), "="); name == "fail-cgroupv1" {
			if refuses, err = strconv.ParseBool(value); err != nil && given {
				return fmt.Errorf("failed to parse kubelet flag: invalid argument %q for \"--fail-cgroupv1\" flag: %w", value, err)
			}
			refuses = refuses || !given
		}
	}
	if refuses && cgroupV1 {
		return fmt.Errorf("failed to validate kubelet configuration, error: %w, path: %s", refusal(minor), settings)
	}
	return nil
}

func refusal(minor int) error {
	text := "kubelet is configured to not run on a host using cgroup v1. cgroup v1 support is "
	if minor >= 35 {
		return errors.New(text + "unsupported and will be removed in a future release")
	}
	return errors.New(text + "in maintenance mode")
}

// writeDefaults writes k3s' own drop-in, the first one.
func writeDefaults(node config.Node, dir string) error {
	swap := false
	content, err := yaml.Marshal(kubeletv1beta1.KubeletConfiguration{
		TypeMeta:     metav1.TypeMeta{APIVersion: "kubelet.config.k8s.io/v1beta1", Kind: "KubeletConfiguration"},
		CgroupDriver: "cgroupfs", FailSwapOn: &swap, StaticPodPath: node.AgentDir("pod-manifests"),
	})
	if err != nil {
		return err
	}
	return certs.Write(filepath.Join(dir, "00-k3s-defaults.conf"), content)
}

// merge lays the drop-ins over each other in the order of their names.
func merge(dir string) (*kubeletv1beta1.KubeletConfiguration, error) {
	_, codecs, err := scheme.NewSchemeAndCodecs()
	if err != nil {
		return nil, err
	}
	merged := []byte("{}")
	err = filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || filepath.Ext(path) != ".conf" {
			return err
		}
		content, err := os.ReadFile(path)
		if err == nil && len(content) == 0 {
			err = fmt.Errorf("kubelet config file %q was empty", path)
		}
		var found []byte
		if err == nil {
			found, _, err = codec.DecodeKubeletConfigurationIntoJSON(codecs, content)
		}
		if err != nil {
			return fmt.Errorf("failed to load kubelet dropin file, path: %s, error: %w", path, err)
		}
		merged, err = jsonpatch.MergePatch(merged, found)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("failed to walk through kubelet dropin directory %q: %w", dir, err)
	}
	settings := &kubeletv1beta1.KubeletConfiguration{}
	if err := json.Unmarshal(merged, settings); err != nil {
		return nil, fmt.Errorf("failed to unmarshal merged JSON into kubelet configuration: %w", err)
	}
	return settings, nil
}
