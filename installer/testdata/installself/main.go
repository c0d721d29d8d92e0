// Command installself asks to be started at login and prints the answer.
package main

import (
	"fmt"

	"postern/installer"
)

func main() { fmt.Println(installer.Install(installer.Options{})) }
