//go:build darwin && !cgo

package tray

import (
	"context"
	"errors"
)

func run(context.Context, <-chan State, Actions) error {
	return errors.New("no tray icon: this build was made without cgo, which macOS needs for it")
}
