package installer_test

import "testing"

// freshUser gives the test a user without any LaunchAgent.
func freshUser(t *testing.T) {
	t.Helper()
	t.Setenv("HOME", t.TempDir())
}
