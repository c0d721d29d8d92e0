package tray

import "embed"

//go:embed icons/*.ico
var iconFiles embed.FS

const iconSuffix = ".ico"
