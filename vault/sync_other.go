//go:build !unix

package vault

import "os"

// syncDir does nothing where a folder cannot be synced: NTFS journals its own
// directory entries.
func syncDir(string) error { return nil }

// tryLock leaves the lock to bbolt: a lock of Windows cannot be taken twice.
func tryLock(*os.File, bool) (bool, error) { return true, nil }
