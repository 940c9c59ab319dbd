package shared

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"strings"
	"sync"

	p "github.com/pulumi/pulumi-go-provider"
)

// Streams is what a run has written: what becomes outputs, and both streams as they came, for error messages.
type Streams struct {
	stdout, stderr, both bytes.Buffer
	lock                 sync.Mutex
	log                  *io.PipeWriter
	logged               chan struct{}
}

// Capture starts to collect a run's output. Lines of the streams that `logging` names are shown live as
// the resource's status. A line longer than 64 KiB ends the logging and blocks its writer, as in the real provider.
func Capture(ctx context.Context) *Streams {
	lines, log := io.Pipe()
	s := &Streams{log: log, logged: make(chan struct{})}
	logger := p.GetLogger(ctx)
	go func() {
		defer close(s.logged)
		for scanner := bufio.NewScanner(lines); scanner.Scan(); {
			logger.InfoStatus(scanner.Text())
		}
	}()
	return s
}

// Writers are the ends to give to the process. logging: nil (both), "stdout", "stderr", "stdoutAndStderr" or "none".
func (s *Streams) Writers(logging *string) (stdout, stderr io.Writer) {
	return s.writer(&s.stdout, logs(logging, "stdout")), s.writer(&s.stderr, logs(logging, "stderr"))
}

// Close ends the live log and waits until all of it is sent.
func (s *Streams) Close() {
	s.log.Close()
	<-s.logged
}

// Both is stdout and stderr in the order in which they came.
func (s *Streams) Both() string { return s.both.String() }

// Outputs is stdout and stderr, each without its last newline.
func (s *Streams) Outputs() (stdout, stderr string) {
	return strings.TrimSuffix(s.stdout.String(), "\n"), strings.TrimSuffix(s.stderr.String(), "\n")
}

func (s *Streams) writer(own *bytes.Buffer, logged bool) io.Writer {
	return writer(func(data []byte) (int, error) {
		s.lock.Lock()
		own.Write(data)
		s.both.Write(data)
		s.lock.Unlock()
		if logged {
			return s.log.Write(data)
		}
		return len(data), nil
	})
}

type writer func([]byte) (int, error)

func (w writer) Write(data []byte) (int, error) { return w(data) }

func logs(logging *string, stream string) bool {
	return logging == nil || *logging == stream || *logging == "stdoutAndStderr"
}
