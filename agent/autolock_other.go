//go:build !linux

package main

import (
	"context"
	"log/slog"
)

// watchLocks listens to nothing on this system yet: Windows tells of a locked
// session and of sleep by messages to a window (WTSRegisterSessionNotification,
// WM_POWERBROADCAST), macOS by notifications to a run loop, and the agent has
// neither of its own. What locks a vault here are its owner, the idle limit and the
// hard limit, and the time that the computer slept may not count for them.
func watchLocks(ctx context.Context, _ func(), log *slog.Logger) {
	log.Info("a locked screen and sleep do not lock the vaults on this system; their time limits do")
	<-ctx.Done()
}
