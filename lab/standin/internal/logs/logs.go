// Package logs writes the way k3s does: logrus text lines on standard error.
package logs

import (
	"fmt"
	"os"

	"github.com/sirupsen/logrus"
)

// Setup is called once by the commands that log.
func Setup(debug bool) {
	logrus.SetOutput(os.Stderr)
	logrus.SetFormatter(&logrus.TextFormatter{FullTimestamp: true, DisableColors: true})
	if debug {
		logrus.SetLevel(logrus.DebugLevel)
	}
}

// Info, Warn and Error log one formatted line; Fatal also ends the process with code 1.
func Info(format string, args ...any)  { logrus.Infof(format, args...) }
func Warn(format string, args ...any)  { logrus.Warnf(format, args...) }
func Error(format string, args ...any) { logrus.Errorf(format, args...) }
func Debug(format string, args ...any) { logrus.Debugf(format, args...) }
func Fatal(format string, args ...any) { logrus.Fatal(fmt.Sprintf(format, args...)) }
