// Package process runs the Kubernetes components as children of this process, each the same binary under its own name.
package process

import (
	"os"
	"os/exec"
	"runtime"
	"sync/atomic"
	"syscall"

	"standin/internal/logs"
)

// Run starts the component and, like k3s, ends this process when the component ends. It dies with this process.
func Run(name string, args []string) {
	started := make(chan struct{})
	go func() {
		// The kernel sends Pdeathsig when the thread that started the child ends, so this thread is kept for it.
		runtime.LockOSThread()
		command := exec.Command("/proc/self/exe")
		command.Args = append([]string{name}, args...)
		command.Stdout, command.Stderr = os.Stderr, os.Stderr
		command.Env = append(os.Environ(), "NOTIFY_SOCKET=")
		command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
		err := command.Start()
		close(started)
		if err == nil {
			err = command.Wait()
		}
		if exiting.Load() {
			return
		}
		logs.Fatal("%s exited: %v", name, err)
	}()
	<-started
}

var exiting atomic.Bool

// Exiting says that from now on children end because this process does.
func Exiting() { exiting.Store(true) }
