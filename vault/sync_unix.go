//go:build unix

package vault

import "os"

// syncDir makes a rename or an unlink in the folder durable.
func syncDir(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	defer dir.Close()
	return dir.Sync()
}
