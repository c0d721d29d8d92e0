package tray

import (
	"bytes"
	"encoding/binary"
	"flag"
	"image"
	"image/color"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"testing"
)

// The icons are drawn here, from shapes, and the files are committed so that a
// build needs no step before it. After a change to a shape: go test ./tray -update
var update = flag.Bool("update", false, "draw the icons and write the golden files anew")

var looks = []look{lookLocked, lookOpen, lookNeedsYou, lookOffLine}

// Steel, amber and grey make the outlines: they lie about half way between white
// and black, so that they show on light and on dark panels alike. Green, white
// and ivory only lie within them.
var (
	steel = color.NRGBA{0x50, 0x7a, 0xae, 0xff}
	green = color.NRGBA{0x1f, 0x9d, 0x55, 0xff}
	amber = color.NRGBA{0xd9, 0x74, 0x06, 0xff}
	grey  = color.NRGBA{0x80, 0x80, 0x84, 0xff}
	white = color.NRGBA{0xff, 0xff, 0xff, 0xff}
	ivory = color.NRGBA{0xfa, 0xfa, 0xfa, 0xff}
	clear = color.NRGBA{}
)

// A shape tells whether a point of the 16 by 16 drawing lies in it.
type shape func(x, y float64) bool

// A layer paints its shape over the layers before it; clear cuts a hole.
type layer struct {
	shape shape
	paint color.NRGBA
}

func arch(left, top, right, bottom float64) shape {
	middle, radius := (left+right)/2, (right-left)/2
	return func(x, y float64) bool {
		if y < top+radius {
			return math.Hypot(x-middle, y-top-radius) <= radius
		}
		return x >= left && x <= right && y <= bottom
	}
}

func circle(cx, cy, radius float64) shape {
	return func(x, y float64) bool { return math.Hypot(x-cx, y-cy) <= radius }
}

func rectangle(left, top, right, bottom float64) shape {
	return func(x, y float64) bool { return x >= left && x <= right && y >= top && y <= bottom }
}

// band is a straight line of some width with round ends.
func band(x1, y1, x2, y2, width float64) shape {
	length := math.Hypot(x2-x1, y2-y1)
	dx, dy := (x2-x1)/length, (y2-y1)/length
	return func(x, y float64) bool {
		along := min(max((x-x1)*dx+(y-y1)*dy, 0), length)
		return math.Hypot(x-x1-along*dx, y-y1-along*dy) <= width/2
	}
}

func both(shapes ...shape) shape {
	return func(x, y float64) bool {
		for _, inside := range shapes {
			if !inside(x, y) {
				return false
			}
		}
		return true
	}
}

// below is everything under a sloping line through two points.
func below(x1, y1, x2, y2 float64) shape {
	return func(x, y float64) bool { return y >= y1+(x-x1)*(y2-y1)/(x2-x1) }
}

var door = arch(2, 0, 14, 16)

// drawing lists the layers of a look. Looks differ in shape and not only in
// colour, for eyes that do not tell colours apart and for macOS templates.
func drawing(look look) []layer {
	switch look {
	case lookOpen:
		opening := arch(4, 2, 12, 16)
		leaf := both(opening, rectangle(5, 0, 9, 16), below(5, 3, 9, 6))
		return []layer{{door, steel}, {opening, green}, {leaf, ivory}}
	case lookNeedsYou:
		return []layer{
			{door, steel},
			{circle(12, 12, 5), clear}, {circle(12, 12, 4), amber},
			{rectangle(11, 8.8, 13, 12.4), white}, {circle(12, 13.9, 1.1), white},
		}
	case lookOffLine:
		return []layer{
			{door, grey},
			{band(1.5, 1.5, 14.5, 14.5, 4.4), clear}, {band(1.5, 1.5, 14.5, 14.5, 2), grey},
		}
	default:
		return []layer{{door, steel}, {circle(8, 7, 2), white}, {rectangle(7, 7, 9, 12), white}}
	}
}

// template is the drawing for a system that paints only the shape: what lights up
// in the coloured one becomes a hole.
func template(look look) []layer {
	layers := drawing(look)
	for i, l := range layers {
		switch l.paint {
		case white, green, clear:
			layers[i].paint = clear
		default:
			layers[i].paint = color.NRGBA{A: 0xff}
		}
	}
	return layers
}

// samples is the number of points per pixel along each side.
const samples = 16

func rasterize(layers []layer, size int) *image.NRGBA {
	img := image.NewNRGBA(image.Rect(0, 0, size, size))
	for y := range size {
		for x := range size {
			img.SetNRGBA(x, y, pixel(layers, x, y, 16/float64(size)))
		}
	}
	return img
}

func pixel(layers []layer, px, py int, scale float64) color.NRGBA {
	var r, g, b, covered int
	for i := range samples * samples {
		x := (float64(px) + (float64(i%samples)+0.5)/samples) * scale
		y := (float64(py) + (float64(i/samples)+0.5)/samples) * scale
		var top color.NRGBA
		for _, l := range layers {
			if l.shape(x, y) {
				top = l.paint
			}
		}
		if top.A != 0 {
			r, g, b, covered = r+int(top.R), g+int(top.G), b+int(top.B), covered+1
		}
	}
	if covered == 0 {
		return clear
	}
	alpha := covered * 0xff / (samples * samples)
	return color.NRGBA{uint8(r / covered), uint8(g / covered), uint8(b / covered), uint8(alpha)}
}

// icoSizes are Windows' small and large icons at 100, 125, 150 and 200 percent.
var icoSizes = []int{16, 20, 24, 32, 40, 48}

// ico packs bitmaps and not PNGs, which some Windows programs take only at 256
// pixels.
func ico(layers []layer) []byte {
	const headerSize, entrySize = 6, 16
	var header, images bytes.Buffer
	put := func(to *bytes.Buffer, values ...any) {
		for _, value := range values {
			_ = binary.Write(to, binary.LittleEndian, value)
		}
	}
	put(&header, uint16(0), uint16(1), uint16(len(icoSizes)))
	for _, size := range icoSizes {
		start := images.Len()
		maskRow := (size + 31) / 32 * 4
		// The height counts the colours and the one-bit mask, which alpha replaces.
		put(&images, uint32(40), int32(size), int32(size*2), uint16(1), uint16(32), [6]uint32{})
		img := rasterize(layers, size)
		for y := size - 1; y >= 0; y-- {
			for x := range size {
				c := img.NRGBAAt(x, y)
				images.Write([]byte{c.B, c.G, c.R, c.A})
			}
		}
		images.Write(make([]byte, maskRow*size))
		offset := headerSize + entrySize*len(icoSizes) + start
		put(&header, uint8(size), uint8(size), uint16(0), uint16(1), uint16(32),
			uint32(images.Len()-start), uint32(offset))
	}
	return append(header.Bytes(), images.Bytes()...)
}

func encodePNG(t *testing.T, img image.Image) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := png.Encode(&out, img); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// drawnFiles is what the icons folder has to hold.
func drawnFiles(t *testing.T) map[string][]byte {
	files := map[string][]byte{}
	for _, look := range looks {
		name := string(look)
		files[name+".png"] = encodePNG(t, rasterize(drawing(look), 48))
		// The menu bar shows 16 points: 32 pixels on today's screens.
		files[name+"-template.png"] = encodePNG(t, rasterize(template(look), 32))
		files[name+".ico"] = ico(drawing(look))
	}
	return files
}

func TestIconsAreFresh(t *testing.T) {
	for name, want := range drawnFiles(t) {
		path := filepath.Join("icons", name)
		if *update {
			if err := os.WriteFile(path, want, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		have, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !samePicture(t, have, want) {
			t.Errorf("%s differs from its drawing; run: go test ./tray -update", path)
		}
	}
}

// samePicture compares pixels and not files, since compression differs between
// Go versions; and leaves room for processors that round differently.
func samePicture(t *testing.T, a, b []byte) bool {
	a, b = rawPixels(t, a), rawPixels(t, b)
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if math.Abs(float64(a[i])-float64(b[i])) > 2 {
			return false
		}
	}
	return true
}

func rawPixels(t *testing.T, file []byte) []byte {
	t.Helper()
	if !bytes.HasPrefix(file, []byte("\x89PNG")) {
		return file
	}
	img, err := png.Decode(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	bounds := img.Bounds()
	raw := []byte{byte(bounds.Dx()), byte(bounds.Dy())}
	for y := range bounds.Dy() {
		for x := range bounds.Dx() {
			c := color.NRGBAModel.Convert(img.At(x, y)).(color.NRGBA)
			raw = append(raw, c.R, c.G, c.B, c.A)
		}
	}
	return raw
}

// Every outline colour has to stand out from white and from black panels; 3 to 1
// is what WCAG 2.2 asks of graphics.
func TestIconColoursShowOnLightAndDarkPanels(t *testing.T) {
	for _, paint := range []color.NRGBA{steel, amber, grey} {
		l := luminance(paint)
		onWhite, onBlack := 1.05/(l+0.05), (l+0.05)/0.05
		if onWhite < 3 || onBlack < 3 {
			t.Errorf("%v: contrast %.1f on white and %.1f on black, want 3 or more", paint, onWhite, onBlack)
		}
	}
}

func luminance(c color.NRGBA) float64 {
	linear := func(v uint8) float64 {
		s := float64(v) / 0xff
		if s <= 0.04045 {
			return s / 12.92
		}
		return math.Pow((s+0.055)/1.055, 2.4)
	}
	return 0.2126*linear(c.R) + 0.7152*linear(c.G) + 0.0722*linear(c.B)
}

// A template has no colour, so its looks have to differ in shape.
func TestTemplatesDifferInShape(t *testing.T) {
	for i, a := range looks {
		for _, b := range looks[i+1:] {
			first, second := rasterize(template(a), 16), rasterize(template(b), 16)
			differing := 0
			for p := 3; p < len(first.Pix); p += 4 {
				if math.Abs(float64(first.Pix[p])-float64(second.Pix[p])) > 0x80 {
					differing++
				}
			}
			if differing < 12 {
				t.Errorf("%s and %s differ in %d of 256 pixels", a, b, differing)
			}
		}
	}
}
