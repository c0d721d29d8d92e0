//go:build !goexperiment.runtimesecret

package vault_test

// An ordinary build leaves copies in memory that nobody cleans: no promise.
const allowedKeyCopies = 1 << 30
