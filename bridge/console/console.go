// Package console holds the page with which the owner of the vaults looks after
// them: secrets, keys, apps, questions, and a request to try things with. The
// agent serves it on its own port.
//
// The page is TypeScript in src, without a framework, on the same client that
// web apps use; it differs from them in the session that makes it the owner. It
// is bundled by esbuild into dist, which is committed and embedded here, so that
// building Postern needs neither npm nor a network. The test TestGenerated in
// package bridge bundles it, and fails when dist is stale.
//
// It lives under a content security policy that allows no inline script or style
// and no HTML from text. Values of secrets are put into text nodes and input
// fields only, for as long as they are looked at.
package console

import (
	"embed"
	"io/fs"
)

//go:embed dist
var dist embed.FS

var files = func() fs.FS {
	root, err := fs.Sub(dist, "dist")
	if err != nil {
		// The name of the folder is a constant.
		panic(err)
	}
	return root
}()

// Files returns the files of the page; index.html is its start.
func Files() fs.FS { return files }
