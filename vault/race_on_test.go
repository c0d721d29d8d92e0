//go:build race

package vault_test

// flipStep is 4 with the race detector, which makes everything slow: one byte of
// four is then damaged. Every byte is without it.
const flipStep = 4
