package vault

import (
	"errors"

	"golang.org/x/sys/unix"
)

// Harden makes the process one that writes no core file and that other processes
// of the same user cannot attach to or read the memory of. It is called once,
// first thing in main.
func Harden() error {
	return errors.Join(
		unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{}),
		unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0),
	)
}
