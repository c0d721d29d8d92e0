//go:build goexperiment.runtimesecret

package vault_test

// A release build leaves no copy of the vault key.
const allowedKeyCopies = 0
