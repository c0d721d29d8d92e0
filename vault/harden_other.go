//go:build !linux

package vault

// Harden does nothing here: macOS protects a program by its hardened runtime,
// Windows by the rights of the process, and both are set when it is packaged.
func Harden() error { return nil }
