package relay

import (
	"iter"
	"strings"
)

// template writes the address as one text, with its references still in it.
func (u URL) template() (string, error) {
	address := u.Raw
	if len(u.Host) > 0 {
		address = u.join()
	}
	if address = strings.TrimSpace(address); address == "" {
		return "", invalid("the request has no address")
	}
	return u.fillPath(address), nil
}

func (u URL) join() string {
	var b strings.Builder
	if u.Protocol != "" {
		b.WriteString(strings.TrimSuffix(strings.TrimSuffix(u.Protocol, "//"), ":") + "://")
	}
	b.WriteString(strings.Join(u.Host, "."))
	if u.Port != "" {
		b.WriteString(":" + string(u.Port))
	}
	if len(u.Path) > 0 {
		path := strings.TrimPrefix(strings.Join(u.Path, "/"), "/")
		b.WriteString("/" + encodePlain(path, "?#"))
	}
	separator := "?"
	for _, q := range u.Query {
		if q.Disabled {
			continue
		}
		b.WriteString(separator + encodePlain(q.Key, "&=#"))
		if q.Value != nil {
			b.WriteString("=" + encodePlain(*q.Value, "&#"))
		}
		separator = "&"
	}
	return b.String()
}

// fillPath puts the path variables into the segments of the address that name them.
func (u URL) fillPath(address string) string {
	var b strings.Builder
	begin := 0
	for i, c := range plainBytes(address) {
		if c != '/' && c != '?' && c != '#' {
			continue
		}
		b.WriteString(u.fillSegment(address[begin:i]))
		if c != '/' {
			return b.String() + address[i:]
		}
		b.WriteByte('/')
		begin = i + 1
	}
	return b.String() + u.fillSegment(address[begin:])
}

func (u URL) fillSegment(segment string) string {
	name, found := strings.CutPrefix(segment, ":")
	if !found {
		return segment
	}
	for _, v := range u.Variable {
		if v.Key == name {
			return encodePlain(string(v.Value), "?#")
		}
	}
	return segment
}

// encodePlain percent-encodes the given characters, save inside references, whose
// names are not part of the address.
func encodePlain(text, chars string) string {
	var b strings.Builder
	done := 0
	for i, c := range plainBytes(text) {
		if strings.IndexByte(chars, c) >= 0 {
			b.WriteString(text[done:i])
			b.Write([]byte{'%', upperHex[c>>4], upperHex[c&15]})
			done = i + 1
		}
	}
	return b.String() + text[done:]
}

const upperHex = "0123456789ABCDEF"

// plainBytes walks over the bytes that stand outside double braces.
func plainBytes(text string) iter.Seq2[int, byte] {
	return func(yield func(int, byte) bool) {
		depth := 0
		for i := 0; i < len(text); i++ {
			switch {
			case strings.HasPrefix(text[i:], "{{"):
				depth++
				i++
			case depth > 0 && strings.HasPrefix(text[i:], "}}"):
				depth--
				i++
			case depth == 0 && !yield(i, text[i]):
				return
			}
		}
	}
}
