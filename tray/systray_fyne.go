//go:build linux && !appindicator

package tray

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"io"
	"strings"

	"fyne.io/systray"
)

// needsDisplay is false because the icon travels over D-Bus.
const needsDisplay = false

// missesPanels is true because of the gap that keepRegistered tells of.
const missesPanels = true

type menuItem = systray.MenuItem

// runLoop sets name and icon before the library starts: it reads them while it
// registers, at the same time as it calls onReady, and what is set in between
// is lost. The name is also how panels remember the icon's place.
func runLoop(first look, onReady, onExit func()) {
	image.RegisterFormat("straight", straightMagic, decodeStraight, png.DecodeConfig)
	systray.SetTitle("Postern")
	setIcon(first)
	systray.Run(onReady, onExit)
}

func quitLoop() { systray.Quit() }

// setIcon outlives the bus: the library panics when it cannot announce a new
// icon, which by then nobody would see.
func setIcon(look look) {
	defer func() { _ = recover() }()
	systray.SetIcon(append([]byte(straightMagic), iconFile(look)...))
}

func setTooltip(text string) { systray.SetTooltip(text) }

func addSeparator() { systray.AddSeparator() }

func addItem(parent *menuItem, checkable bool) *menuItem {
	switch {
	case parent == nil && checkable:
		return systray.AddMenuItemCheckbox("", "", false)
	case parent == nil:
		return systray.AddMenuItem("", "")
	default:
		return parent.AddSubMenuItem("", "")
	}
}

// escape keeps the panel from taking an underscore for a keyboard shortcut.
func escape(title string) string { return strings.ReplaceAll(title, "_", "__") }

// The library cuts each 16-bit colour to its low byte, which is noise wherever a
// pixel is half transparent: at every smooth edge. A format of our own hands it
// colours that are 8-bit to begin with, and not multiplied by alpha, which is
// what panels expect.
const straightMagic = "postern-straight-alpha"

func decodeStraight(r io.Reader) (image.Image, error) {
	data, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	img, err := png.Decode(bytes.NewReader(data[len(straightMagic):]))
	return straight{img}, err
}

type straight struct{ image.Image }

func (s straight) At(x, y int) color.Color {
	return straightColor(color.NRGBAModel.Convert(s.Image.At(x, y)).(color.NRGBA))
}

type straightColor color.NRGBA

func (c straightColor) RGBA() (r, g, b, a uint32) {
	return uint32(c.R), uint32(c.G), uint32(c.B), uint32(c.A)
}
