//go:build unix

package main

import (
	"os"
	"syscall"
)

// checkPrivate refuses a folder that others could enter or that is another's:
// who owns the folder of a socket can put another socket in its place.
func checkPrivate(dir string) error {
	info, err := os.Stat(dir)
	if err != nil {
		return err
	}
	if stat, ok := info.Sys().(*syscall.Stat_t); !ok || int(stat.Uid) != os.Getuid() {
		return hinted(dir+" belongs to another user", "choose another folder with --home")
	}
	if info.Mode().Perm()&0o077 != 0 {
		return os.Chmod(dir, 0o700)
	}
	return nil
}
