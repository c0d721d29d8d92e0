//go:build !linux

package vault_test

import "os"

func syncData(f *os.File) error { return f.Sync() }
