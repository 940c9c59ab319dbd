package snapshot

import (
	"context"
	"math/rand"
	"time"

	"github.com/robfig/cron/v3"
	"github.com/sirupsen/logrus"

	"standin/internal/logs"
	"standin/internal/s3"
)

// jitter keeps the servers of a cluster from taking their snapshots in the same second.
const jitter = 5 * time.Second

// Schedule takes snapshots when etcd-snapshot-schedule-cron says so, until ctx ends. Like k3s it says nothing when that
// cannot be read as a schedule: then there are no snapshots.
func (h *Handler) Schedule(ctx context.Context) {
	if h.Server.Switch("etcd-disable-snapshots") {
		return
	}
	logger := cron.PrintfLogger(logrus.StandardLogger())
	runner := cron.New(cron.WithLogger(logger))
	once := cron.SkipIfStillRunning(logger)(cron.FuncJob(func() {
		time.Sleep(time.Duration(rand.Float64() * float64(jitter)))
		if err := h.scheduled(ctx); err != nil {
			logs.Error("Failed to take scheduled snapshot: %v", err)
		}
	}))
	runner.AddJob(h.Server.Text("etcd-snapshot-schedule-cron"), once)
	runner.Start()
	<-ctx.Done()
	runner.Stop()
}

// scheduled saves here whatever S3 says, and there when it can be reached.
func (h *Handler) scheduled(ctx context.Context) error {
	job, err := h.prepare(Request{})
	if err != nil {
		return err
	}
	settings, err := s3.FromValues(h.Server.Values)
	if err != nil {
		return err
	}
	if settings != nil {
		if job.store, err = h.stores.Open(ctx, *settings); err != nil {
			logs.Warn("Unable to initialize S3 client: %v", err)
		}
	}
	_, err = h.save(ctx, job)
	return err
}
