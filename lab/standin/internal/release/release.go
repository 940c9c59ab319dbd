// Package release finds out which k3s version this copy of the stand-in plays.
//
// A release is the one base binary with a trailer line appended, so that every version has a checksum of its own.
package release

import (
	"io"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
)

// Base is what a binary without a trailer calls itself.
const Base = "v0.0.0+standin"

// tail is how many of the last bytes are searched: the trailer is one line.
const tail = 256

var trailer = regexp.MustCompile(`\nK3S-STANDIN-VERSION=(v[0-9A-Za-z.+-]+)\n$`)

// Find returns the version in the last bytes of a binary, or Base when there is none.
func Find(end []byte) string {
	if match := trailer.FindSubmatch(end); match != nil {
		return string(match[1])
	}
	return Base
}

// Minor is the second number of a version; 0 when there is none.
func Minor(version string) int {
	parts := strings.SplitN(version, ".", 3)
	if len(parts) < 3 {
		return 0
	}
	minor, _ := strconv.Atoi(parts[1])
	return minor
}

// Version reads the trailer of the running binary. /proc/self/exe still opens it after an upgrade has replaced the file.
var Version = sync.OnceValue(func() string {
	file, err := os.Open("/proc/self/exe")
	if err != nil {
		return Base
	}
	defer file.Close()
	if _, err := file.Seek(-tail, io.SeekEnd); err != nil {
		return Base
	}
	end, err := io.ReadAll(file)
	if err != nil {
		return Base
	}
	return Find(end)
})
