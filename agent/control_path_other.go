//go:build !linux

package main

// maxSocketPath is the room for a path in sockaddr_un on the BSDs; Windows has a
// little more.
const maxSocketPath = 103

func socketAddress(path string) (address string, release func(), err error) {
	if len(path) > maxSocketPath {
		return "", nil, hinted("the path of the control socket is too long", "choose a shorter folder for --home")
	}
	return path, func() {}, nil
}
