//go:build !race

package vault_test

// flipStep is 1: every byte is damaged.
const flipStep = 1
