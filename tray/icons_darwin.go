//go:build cgo

package tray

import "embed"

// A template has only shape: macOS paints it to suit the menu bar.
//
//go:embed icons/*-template.png
var iconFiles embed.FS

const iconSuffix = "-template.png"
