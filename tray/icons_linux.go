package tray

import "embed"

// Panels scale one picture to their size: 48 is two, three and one and a half
// times the usual 24, 16 and 32. All have that size: fyne.io/systray lets a panel
// read a picture while it puts the next one in its place, and pixels may then be
// mixed, but never counted wrong.
//
//go:embed icons/locked.png icons/open.png icons/needs-you.png icons/off-line.png
var iconFiles embed.FS

const iconSuffix = ".png"
