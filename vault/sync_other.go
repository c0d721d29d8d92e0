//go:build !unix

package vault

// syncDir does nothing where a folder cannot be synced: NTFS journals its own
// directory entries.
func syncDir(string) error { return nil }
