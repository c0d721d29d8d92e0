//go:build !linux

package main

import (
	"context"
	"net"
	"strconv"
)

// portHolder can only tell that somebody answers: here the agent, when it runs,
// is taken at its word.
func portHolder(ctx context.Context, address string, port int, agent *client) (holder string, held bool) {
	dialer := net.Dialer{Timeout: dialTimeout}
	conn, err := dialer.DialContext(ctx, "tcp", net.JoinHostPort(address, strconv.Itoa(port)))
	if err != nil {
		return "", false
	}
	_ = conn.Close()
	if agent != nil {
		return agentHolds, true
	}
	return "another program", true
}

func checkSessionBus(context.Context) check { return skipped("this system has no session bus") }

func checkTray(context.Context) check { return skipped("this system always has a place for the icon") }
