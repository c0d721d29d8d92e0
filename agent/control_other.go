//go:build !linux && !darwin

package main

import "net"

// peerIsOwner relies on the folder of the socket, which only its owner enters.
func peerIsOwner(*net.UnixConn) bool { return true }
