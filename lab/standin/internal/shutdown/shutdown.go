// Package shutdown ends the process in order, as k3s does: a signal asks for it, or a part of k3s that has ended.
package shutdown

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"standin/internal/logs"
)

var requests = make(chan error, 1)

// Context ends with the first signal or request. A second signal ends the process at once.
func Context() context.Context {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		select {
		case <-signals:
		case err := <-requests:
			if err != nil {
				logs.Error("Shutdown request received: %q", err)
			} else {
				logs.Info("Shutdown request received")
			}
		}
		cancel()
		logs.Info("Second shutdown signal received: %s, exiting...", <-signals)
		os.Exit(1)
	}()
	return ctx
}

// Request asks for the end; the first reason is the one that is told. The process then ends with code 0: k3s keeps the reason for
// its log.
func Request(err error) {
	select {
	case requests <- err:
	default:
	}
}
