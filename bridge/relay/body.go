package relay

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"mime/multipart"
	"net/textproto"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/http/httpguts"
)

// payload is a body as it is sent.
type payload struct {
	data        []byte
	contentType string
	// isOwnType says that no other Content-Type would describe the data.
	isOwnType bool
	holds     holds
}

var languageTypes = map[string]string{
	"":           "text/plain",
	"text":       "text/plain",
	"json":       "application/json",
	"xml":        "application/xml",
	"html":       "text/html",
	"javascript": "application/javascript",
}

func (d *draft) draftBody(b *Body) (func() (payload, error), error) {
	if b == nil || b.Disabled {
		return noBody, nil
	}
	switch b.Mode {
	case "":
		return noBody, nil
	case "raw":
		return d.draftRaw(b)
	case "urlencoded":
		return d.draftURLEncoded(b.URLEncoded), nil
	case "formdata":
		return d.draftForm(b.FormData)
	case "graphql":
		return d.draftGraphQL(b.GraphQL)
	}
	return nil, invalid("a body of mode %q is not supported", b.Mode)
}

func noBody() (payload, error) { return payload{}, nil }

func (d *draft) draftRaw(b *Body) (func() (payload, error), error) {
	contentType, known := languageTypes[b.Options.Raw.Language]
	if !known {
		contentType = languageTypes[""]
	}
	raw := d.add(b.Raw)
	return func() (payload, error) {
		if raw.value == "" {
			return noBody()
		}
		return payload{data: []byte(raw.value), contentType: contentType, holds: raw.holds}, nil
	}, nil
}

func (d *draft) draftURLEncoded(fields []Field) func() (payload, error) {
	var list []draftField
	for _, f := range fields {
		if !f.Disabled {
			list = append(list, draftField{d.add(f.Key), d.add(f.Value)})
		}
	}
	return func() (payload, error) {
		var b strings.Builder
		var held holds
		for i, f := range list {
			if i > 0 {
				b.WriteByte('&')
			}
			b.WriteString(url.QueryEscape(f.key.value) + "=" + url.QueryEscape(f.value.value))
			held = held.with(f.key.holds).with(f.value.holds)
		}
		return payload{data: []byte(b.String()), contentType: "application/x-www-form-urlencoded", holds: held}, nil
	}
}

type draftPart struct {
	draftField
	contentType *text
}

func (d *draft) draftForm(fields []FormField) (func() (payload, error), error) {
	var parts []draftPart
	for _, f := range fields {
		switch {
		case f.Disabled:
		case f.Type != "" && f.Type != "text":
			return nil, invalid("a form part of type %q is not supported", f.Type)
		default:
			parts = append(parts, draftPart{draftField{d.add(f.Key), d.add(f.Value)}, d.add(f.ContentType)})
		}
	}
	return func() (payload, error) { return buildForm(parts) }, nil
}

func buildForm(parts []draftPart) (payload, error) {
	if len(parts) == 0 {
		return noBody()
	}
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	p := payload{contentType: w.FormDataContentType(), isOwnType: true}
	for _, part := range parts {
		header := textproto.MIMEHeader{"Content-Disposition": {`form-data; name="` + formName.Replace(part.key.value) + `"`}}
		if t := part.contentType.value; t != "" {
			if !httpguts.ValidHeaderFieldValue(t) {
				return payload{}, invalid("the content type of a form part holds a line break or another control character")
			}
			header.Set("Content-Type", t)
		}
		// A bytes.Buffer takes every write.
		out, _ := w.CreatePart(header)
		io.WriteString(out, part.value.value)
		p.holds = p.holds.with(part.key.holds).with(part.value.holds).with(part.contentType.holds)
	}
	w.Close()
	p.data = b.Bytes()
	return p, nil
}

// formName escapes the name of a form part as browsers do.
var formName = strings.NewReplacer("\r", "%0D", "\n", "%0A", `"`, "%22")

func (d *draft) draftGraphQL(g *GraphQL) (func() (payload, error), error) {
	if g == nil {
		return nil, invalid("a GraphQL body needs a query")
	}
	query, operation := d.add(g.Query), d.add(g.OperationName)
	variables := d.draftVariables(string(g.Variables))
	return func() (payload, error) {
		members := map[string]any{"query": query.value}
		if operation.value != "" {
			members["operationName"] = operation.value
		}
		value, held, err := variables()
		if err != nil {
			return payload{}, err
		}
		if value != nil {
			members["variables"] = value
		}
		data, err := marshalPlain(members)
		held = held.with(query.holds).with(operation.holds)
		return payload{data: data, contentType: "application/json", holds: held}, err
	}, nil
}

// draftVariables takes the texts inside the JSON one by one, so that a value
// stays inside its text. JSON that only becomes whole when variables are replaced
// is taken as one text, and then no value may stand in it.
func (d *draft) draftVariables(source string) func() (any, holds, error) {
	if strings.TrimSpace(source) == "" {
		return func() (any, holds, error) { return nil, nil, nil }
	}
	if tree, ok := parseJSON(source); ok && !hasReferenceKey(tree) {
		var leaves []*text
		tree = d.draftLeaves(tree, &leaves)
		return func() (any, holds, error) {
			var held holds
			for _, leaf := range leaves {
				held = held.with(leaf.holds)
			}
			return tree, held, nil
		}
	}
	whole := d.add(source)
	return func() (any, holds, error) {
		tree, ok := parseJSON(whole.value)
		switch {
		case len(whole.holds) > 0:
			return nil, nil, invalid("a reference in the GraphQL variables must stand inside a JSON text")
		case !ok:
			return nil, nil, invalid("the GraphQL variables are not JSON")
		}
		return tree, nil, nil
	}
}

// MarshalJSON writes the text as a JSON string.
func (t *text) MarshalJSON() ([]byte, error) { return marshalPlain(t.value) }

func (d *draft) draftLeaves(node any, leaves *[]*text) any {
	switch node := node.(type) {
	case string:
		leaf := d.add(node)
		*leaves = append(*leaves, leaf)
		return leaf
	case []any:
		for i := range node {
			node[i] = d.draftLeaves(node[i], leaves)
		}
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(node)) {
			node[key] = d.draftLeaves(node[key], leaves)
		}
	}
	return node
}

func hasReferenceKey(node any) bool {
	switch node := node.(type) {
	case []any:
		for _, item := range node {
			if hasReferenceKey(item) {
				return true
			}
		}
	case map[string]any:
		for key, item := range node {
			if strings.Contains(key, "{{") || hasReferenceKey(item) {
				return true
			}
		}
	}
	return false
}

func parseJSON(source string) (tree any, ok bool) {
	d := json.NewDecoder(strings.NewReader(source))
	d.UseNumber()
	if d.Decode(&tree) != nil {
		return nil, false
	}
	_, err := d.Token()
	return tree, err == io.EOF
}

// marshalPlain leaves <, > and & as they are.
func marshalPlain(value any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(value)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}
