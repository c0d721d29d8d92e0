package main

import (
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"postern/vault/vaulttest"
)

// TestMain makes the test program the postern command as well: for the scripts,
// for the tests that start an agent, and for the child of its key store.
func TestMain(m *testing.M) {
	vaulttest.HurryRaceDetector()
	testscript.Main(m, map[string]func(){
		"postern": func() { os.Exit(realMain()) },
	})
}
