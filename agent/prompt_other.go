//go:build !linux

package main

import (
	"io"
	"log/slog"
)

// Elsewhere than on Linux questions are asked in the tray, in the console and by
// postern app pending.

func askOnDesktop(*slog.Logger) asker { return nil }

func askOnTerminal(io.Writer) asker { return nil }
