package server

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"standin/internal/access"
	"standin/internal/bootstrap"
	"standin/internal/config"
	"standin/internal/etcd"
	"standin/internal/logs"
	"standin/internal/supervisor"
	"standin/internal/token"
)

// httpTimeout is how long the server that is joined may take to send the shared files.
const httpTimeout = 15 * time.Second

// bootstrap brings the shared files on disk up to the cluster's, before anything else is made here: from the server that is
// joined, else from this server's own data. A founder and a server with SQLite have nobody to ask.
func (r *run) bootstrap() error {
	initialized := etcd.Initialized(r.settings)
	switch {
	case initialized:
		logs.Info("Managed etcd cluster bootstrap already complete and initialized")
		if r.settings.JoinURL != "" && r.settings.Token != "" {
			r.joined, _ = r.dial(r.settings.Token, "server")
		}
		return r.reconcile()
	case r.settings.Text("datastore-endpoint") != "":
		return errors.New("the stand-in knows embedded etcd and SQLite only, and datastore-endpoint is set")
	case r.settings.JoinURL == "":
		if r.settings.Switch("cluster-init") {
			logs.Info("Managed etcd cluster initializing")
		}
		return nil
	case r.settings.Token == "":
		return errors.New("failed to check if bootstrap data has been initialized: token is required to join a cluster")
	}
	var err error
	if r.joined, err = r.dial(r.settings.Token, "server"); err != nil {
		return fmt.Errorf("failed to check if bootstrap data has been initialized: failed to validate token: %w", err)
	}
	logs.Info("Managed etcd cluster not yet initialized")
	if err := r.compare(); err != nil {
		return fmt.Errorf("failed to validate server configuration: %w", err)
	}
	return r.fromServer()
}

// reconcile is what a server with etcd data does at every start.
func (r *run) reconcile() error {
	if r.joined != nil {
		err := r.fromServer()
		if err == nil {
			logs.Info("Successfully reconciled with remote datastore")
			return nil
		}
		stopIfNewer(err)
		logs.Warn("Unable to reconcile with remote datastore: %v", err)
	}
	if err := r.fromData(); err != nil {
		return fmt.Errorf("failed to reconcile with local datastore: %w", err)
	}
	logs.Info("Successfully reconciled with local datastore")
	return nil
}

// stopIfNewer ends the process at once, whoever asked.
func stopIfNewer(err error) {
	var newer bootstrap.Newer
	if errors.As(err, &newer) {
		logs.Fatal("%v", newer)
	}
}

// dial reaches the server that is joined; its CA is known once this server has the cluster's files.
func (r *run) dial(text, user string) (*access.Info, error) {
	ca, err := os.ReadFile(r.set.File("server-ca.crt"))
	if err != nil && !os.IsNotExist(err) {
		return nil, err
	}
	return access.Dial(r.settings.JoinURL, text, user, ca)
}

// fromServer compares with what the joined server sends. Without any keys here it is taken as it comes.
func (r *run) fromServer() error {
	r.joined.SetTimeout(httpTimeout)
	data, err := r.joined.Get("/v1-k3s/server-bootstrap")
	if err != nil {
		return err
	}
	logs.Info("Reconciling bootstrap data between datastore and disk")
	files, err := bootstrap.Parse(data)
	if err != nil {
		return err
	}
	if bare, err := bootstrap.Bare(r.settings.Node); err != nil || bare {
		if err != nil {
			logs.Debug("%v", err)
		}
		return files.Spread(r.settings.Node)
	}
	err = bootstrap.Reconcile(r.settings.Node, files, false)
	stopIfNewer(err)
	return err
}

// fromData compares with what the etcd data on disk have. Without any token there is nothing to compare with.
func (r *run) fromData() error {
	logs.Info("Reconciling bootstrap data between datastore and disk")
	text := r.settings.Token
	if text == "" {
		content, err := os.ReadFile(r.settings.ServerDir("token"))
		if err != nil && !os.IsNotExist(err) {
			return err
		}
		if text = strings.TrimSpace(string(content)); text == "" {
			return nil
		}
	}
	parsed, err := token.Parse(text)
	if err != nil {
		return fmt.Errorf("failed to normalize server token; must be in format K10<CA-HASH>::<USERNAME>:<PASSWORD> or <PASSWORD>")
	}
	sealed, err := etcd.Stored(r.settings)
	if err != nil {
		return err
	}
	files, err := sealed.Open(parsed.Password)
	if err != nil {
		return err
	}
	err = bootstrap.Reconcile(r.settings.Node, files, false)
	stopIfNewer(err)
	return err
}

// compare refuses to join when a flag that all servers must share differs.
func (r *run) compare() error {
	text := r.settings.AgentToken
	if text == "" {
		text = r.settings.Token
	}
	info, err := r.dial(text, "node")
	if err != nil {
		return err
	}
	content, err := info.Get("/v1-k3s/config")
	if err != nil {
		logs.Warn("Skipping cluster configuration validation: %v", err)
		return nil
	}
	var theirs supervisor.Settings
	if err := json.Unmarshal(content, &theirs); err != nil {
		return err
	}
	if found := config.Mismatches(r.settings.Critical(), theirs.Critical); len(found) > 0 {
		for _, mismatch := range found {
			logs.Warn("critical configuration mismatched: %s", mismatch)
		}
		return errors.New("critical configuration value mismatch between servers")
	}
	return nil
}
