//go:build goexperiment.runtimesecret

package seal

import "runtime/secret"

// hidden runs f so that what it leaves on stack and in registers is erased when
// it returns, and what it leaves on the heap when that is collected.
func hidden(f func()) { secret.Do(f) }
