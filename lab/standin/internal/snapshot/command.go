package snapshot

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"sigs.k8s.io/yaml"

	"standin/internal/access"
	"standin/internal/config"
	"standin/internal/logs"
	"standin/internal/s3"
)

// Command runs `k3s etcd-snapshot VERB`.
func Command(args []string) error {
	verb := "save"
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		verb, args = args[0], args[1:]
	}
	operation := map[string]string{"save": "save", "ls": "list", "list": "list", "l": "list", "delete": "delete", "prune": "prune"}[verb]
	if operation == "" {
		return fmt.Errorf("No help topic for '%s'", verb)
	}
	values, rest, err := config.Read(config.SnapshotFlags, args, config.SkipUnknown)
	if err != nil {
		return err
	}
	request, err := newRequest(operation, values, rest)
	if err != nil {
		return err
	}
	data := filepath.Join(values.Text("data-dir"), "server")
	text := values.Text("etcd-token")
	if text == "" {
		content, err := os.ReadFile(filepath.Join(data, "token"))
		if err != nil {
			return err
		}
		text = strings.TrimSpace(string(content))
	}
	info, err := access.Dial(values.Text("etcd-server"), text, "server")
	if err != nil {
		return err
	}
	body, err := json.Marshal(request)
	if err != nil {
		return err
	}
	info.SetTimeout(patience(request))
	answer, err := info.Send(http.MethodPost, "/db/snapshot", body, http.Header{"Content-Type": {"application/json"}})
	if err != nil {
		return fmt.Errorf("see server log for details: %w", err)
	}
	return show(operation, values.Text("output"), answer, rest)
}

// patience is how long the server may take: longer when it also talks to S3.
func patience(request Request) time.Duration {
	if request.S3 == nil {
		return 2 * time.Minute
	}
	return 2*time.Minute + request.S3.Timeout
}

func newRequest(operation string, values config.Values, rest []string) (Request, error) {
	request := Request{Operation: operation}
	var err error
	if request.S3, err = s3.FromValues(values); err != nil {
		return request, err
	}
	if dir := values.Text("snapshot-dir"); dir != "" {
		request.Dir = &dir
	}
	switch operation {
	case "delete":
		request.Name = rest
		if len(rest) == 0 {
			return request, errors.New("no snapshots given for removal")
		}
		return request, nil
	case "save":
		// what was asked for is never pruned by the way
		request.Retention = new(int)
	case "prune":
		retention, err := strconv.Atoi(values.Text("snapshot-retention"))
		if err != nil {
			return request, err
		}
		request.Retention = &retention
	}
	if len(rest) > 0 {
		return request, errors.New("this command does not take any arguments")
	}
	request.Name = []string{values.Text("name")}
	return request, nil
}

func show(operation, format string, answer []byte, asked []string) error {
	if operation != "list" {
		var result Result
		if err := json.Unmarshal(answer, &result); err != nil {
			return err
		}
		for _, name := range result.Created {
			logs.Info("Snapshot %s saved.", name)
		}
		for _, name := range result.Deleted {
			logs.Info("Snapshot %s deleted.", name)
		}
		for _, name := range asked {
			if !slices.Contains(result.Deleted, name) {
				logs.Warn("Snapshot %s not found.", name)
			}
		}
		return nil
	}
	var files []File
	if err := json.Unmarshal(answer, &files); err != nil {
		return err
	}
	switch format {
	case "json":
		return json.NewEncoder(os.Stdout).Encode(files)
	case "yaml":
		content, err := yaml.Marshal(files)
		fmt.Print(string(content))
		return err
	case "":
		writer := tabwriter.NewWriter(os.Stdout, 0, 0, 1, ' ', 0)
		fmt.Fprint(writer, "Name\tLocation\tSize\tCreated\n")
		for _, file := range files {
			fmt.Fprintf(writer, "%s\t%s\t%d\t%s\n", file.Name, file.Location, file.Size, file.CreatedAt.Format(time.RFC3339))
		}
		return writer.Flush()
	}
	return errors.New("invalid output format: " + format)
}
