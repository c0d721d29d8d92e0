//go:build !linux && !darwin && !windows

package installer

import (
	"errors"
	"fmt"
	"runtime"
)

var errSystem = fmt.Errorf("start at login on %s: add postern to your session's own start-up list: %w", runtime.GOOS, errors.ErrUnsupported)

func install([]string) error { return errSystem }

func uninstall() error { return errSystem }

func installed() (bool, error) { return false, errSystem }
