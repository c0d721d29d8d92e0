package relay

import (
	"bytes"
	"io"
	"slices"
	"strings"
)

const (
	masked = "[masked]"
	// minMasked is the shortest value that is looked for inside texts: a shorter
	// one would wreck every text that happens to hold its letters.
	minMasked = 4
	// Searching takes a step or less for a byte, save when a long value of few
	// letters meets a text of the same. Then it is given up, and so is the text.
	stepsAtLeast = 1 << 22
	stepsPerByte = 64
)

var errUnsearchable = invalid("the answer cannot be searched for secrets")

// masker finds values in texts, in every form that pattern.go knows. It takes the
// leftmost place where one begins, the longest form there, and whatever overlaps
// with it, as one.
type masker struct {
	// starts lists the patterns by the bytes that they can begin with.
	starts [256][]*pattern
	// pairs says which two bytes can begin any pattern: most places of a text are
	// passed over by one look at it.
	pairs [1 << 16 / 64]uint64
	// short are the values that are masked only where they are the whole text.
	short []string
}

// newMasker looks for values in all forms, and for derived texts as they are or
// escaped.
func newMasker(values [][]byte, derived []string) *masker {
	m := &masker{}
	for _, value := range values {
		// What stands around a value on the way, a header for one, is often trimmed.
		trimmed := strings.TrimSpace(string(value))
		if len(trimmed) < minMasked {
			m.short = append(m.short, string(value), trimmed)
			continue
		}
		for _, p := range patternsOf(trimmed) {
			m.add(p)
		}
	}
	for _, text := range derived {
		if len(text) >= minMasked {
			m.add(textPattern(text))
		}
	}
	m.short = slices.DeleteFunc(m.short, func(s string) bool { return s == "" })
	return m
}

func (m *masker) add(p *pattern) {
	for first, second := range p.beginnings() {
		list := &m.starts[first]
		if len(*list) == 0 || (*list)[len(*list)-1] != p {
			*list = append(*list, p)
		}
		pair := int(first)<<8 | int(second)
		m.pairs[pair/64] |= 1 << (pair % 64)
	}
}

// isEmpty says that there is nothing to look for.
func (m *masker) isEmpty() bool {
	return m.pairs == [len(m.pairs)]uint64{} && len(m.short) == 0
}

// mayBegin says whether a pattern can begin at position i.
func (m *masker) mayBegin(b []byte, i int) bool {
	if i+1 == len(b) {
		return len(m.starts[b[i]]) > 0
	}
	pair := int(b[i])<<8 | int(b[i+1])
	return m.pairs[pair/64]&(1<<(pair%64)) != 0
}

// longest gives the end of the longest form that begins at position i, or -1.
// more says that the answer hangs on bytes that are not there yet; steps are the
// steps left.
func (m *masker) longest(b []byte, i int, steps *int) (end int, more bool) {
	end = -1
	if !m.mayBegin(b, i) {
		return end, false
	}
	for _, p := range m.starts[b[i]] {
		e, m := p.match(b, i, steps)
		end, more = max(end, e), more || m
	}
	return end, more
}

// stretch is longest together with every form that begins inside what was found,
// so that overlapping values leave nothing between them.
func (m *masker) stretch(b []byte, i int, steps *int) (end int, more bool) {
	end, more = m.longest(b, i, steps)
	for q := i + 1; q < end && *steps >= 0; q++ {
		e, again := m.longest(b, q, steps)
		end, more = max(end, e), more || again
	}
	return end, more
}

// finds says whether a value stands in any of the texts, or may for all that can
// be told.
func (m *masker) finds(texts ...string) bool {
	steps := stepsAtLeast
	for _, text := range texts {
		b := []byte(text)
		for i := range b {
			if end, _ := m.longest(b, i, &steps); end >= 0 || steps < 0 {
				return true
			}
		}
	}
	return false
}

// whole masks a text that is complete, and all of one that cannot be searched.
func (m *masker) whole(text string) string {
	var out bytes.Buffer
	w := m.writer(&out)
	w.held = []byte(text)
	if w.Close() != nil {
		return masked
	}
	return string(m.wholeBytes(out.Bytes()))
}

// wholeBytes masks a text that is nothing but a short value.
func (m *masker) wholeBytes(text []byte) []byte {
	if slices.Contains(m.short, string(text)) {
		return []byte(masked)
	}
	return text
}

// writer returns a writer that masks what goes through it. It holds back what may
// be the beginning of a value, so that it does not matter where a text is cut;
// Close writes what is held back, and leaves out open.
func (m *masker) writer(out io.Writer) *maskWriter {
	return &maskWriter{mask: m, out: out, steps: stepsAtLeast}
}

type maskWriter struct {
	mask  *masker
	out   io.Writer
	held  []byte
	steps int
}

func (w *maskWriter) Write(p []byte) (int, error) {
	w.held = append(w.held, p...)
	w.steps += stepsPerByte * len(p)
	if err := w.pass(false); err != nil {
		return 0, err
	}
	return len(p), nil
}

func (w *maskWriter) Close() error { return w.pass(true) }

func (w *maskWriter) pass(final bool) error {
	b := w.held
	written, i := 0, 0
	for i < len(b) {
		end, more := w.mask.stretch(b, i, &w.steps)
		if w.steps < 0 {
			return errUnsearchable
		}
		if more && !final {
			break
		}
		if end < 0 {
			i++
			continue
		}
		if err := w.write(b[written:i], masked); err != nil {
			return err
		}
		i, written = end, end
	}
	err := w.write(b[written:i], "")
	w.held = append(w.held[:0], b[i:]...)
	return err
}

func (w *maskWriter) write(plain []byte, then string) error {
	if _, err := w.out.Write(plain); err != nil {
		return err
	}
	_, err := io.WriteString(w.out, then)
	return err
}
