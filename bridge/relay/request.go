package relay

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"postern/vault"
)

// Request is a request of Postman Collection format v2.1. Members that say
// nothing about what is sent, such as name or description, are passed over.
type Request struct {
	// Method is GET when empty.
	Method string  `json:"method,omitempty"`
	URL    URL     `json:"url"`
	Header Headers `json:"header,omitempty"`
	Body   *Body   `json:"body,omitempty"`
	Auth   *Auth   `json:"auth,omitempty"`

	// unsupported names what the request asks for and this package cannot do:
	// it decodes, so that it can be shown and checked, and is not sent.
	unsupported string
}

// UnmarshalJSON reads the object form, or a text that is the URL of a GET.
func (r *Request) UnmarshalJSON(data []byte) error {
	*r = Request{}
	if isText(data) {
		return json.Unmarshal(data, &r.URL.Raw)
	}
	type plain Request
	in := struct {
		*plain
		Proxy       json.RawMessage `json:"proxy"`
		Certificate json.RawMessage `json:"certificate"`
	}{plain: (*plain)(r)}
	if err := decode(data, &in, "the request"); err != nil {
		return err
	}
	switch {
	case !isVoid(in.Proxy):
		r.unsupported = "a proxy of its own"
	case !isVoid(in.Certificate):
		r.unsupported = "a client certificate of its own"
	}
	return nil
}

// URL is an address. With a Host it is built from its parts; without one, Raw is
// the whole address.
type URL struct {
	Raw      string     `json:"raw,omitempty"`
	Protocol string     `json:"protocol,omitempty"`
	Host     Parts      `json:"host,omitempty"`
	Port     Text       `json:"port,omitempty"`
	Path     Parts      `json:"path,omitempty"`
	Query    []Query    `json:"query,omitempty"`
	Variable []Variable `json:"variable,omitempty"`
}

// UnmarshalJSON reads the object form, or a text that is the raw address.
func (u *URL) UnmarshalJSON(data []byte) error {
	*u = URL{}
	if isText(data) {
		return json.Unmarshal(data, &u.Raw)
	}
	type plain URL
	return decode(data, (*plain)(u), "the request's url")
}

// Parts are the labels of a host or the segments of a path. A single text counts
// as one part that holds its own separators.
type Parts []string

// UnmarshalJSON reads a list or a text; a path segment may also be {type, value}.
func (p *Parts) UnmarshalJSON(data []byte) error {
	*p = nil
	if isText(data) {
		*p = make(Parts, 1)
		return json.Unmarshal(data, &(*p)[0])
	}
	var list []json.RawMessage
	if err := decode(data, &list, "a host or path"); err != nil {
		return err
	}
	for _, item := range list {
		var segment struct {
			Value Text `json:"value"`
		}
		into := any(&segment.Value)
		if bytes.HasPrefix(item, []byte("{")) {
			into = &segment
		}
		if err := decode(item, into, "a host or path"); err != nil {
			return err
		}
		*p = append(*p, string(segment.Value))
	}
	return nil
}

// Query is one parameter behind the question mark. Without a value it stands
// there without an equals sign.
type Query struct {
	Key      string  `json:"key"`
	Value    *string `json:"value"`
	Disabled bool    `json:"disabled,omitempty"`
}

// Variable is the value of a path segment ":key".
type Variable struct {
	Key   string `json:"key"`
	Value Text   `json:"value"`
}

// Text is a text that JSON may also write as a number or a boolean.
type Text string

// UnmarshalJSON reads a text, a number, a boolean or null.
func (t *Text) UnmarshalJSON(data []byte) error {
	*t = ""
	switch {
	case isText(data):
		return json.Unmarshal(data, (*string)(t))
	case len(data) > 0 && strings.IndexByte("{[", data[0]) >= 0:
		return invalid("a list or an object stands where the request needs a text")
	case string(data) != "null":
		*t = Text(data)
	}
	return nil
}

// Field is a header or a field of a form.
type Field struct {
	Key      string `json:"key"`
	Value    string `json:"value"`
	Disabled bool   `json:"disabled,omitempty"`
}

// Headers keep their order, and may repeat.
type Headers []Field

// UnmarshalJSON reads a list, or a text of "Key: value" lines.
func (h *Headers) UnmarshalJSON(data []byte) error {
	*h = nil
	if !isText(data) {
		return decode(data, (*[]Field)(h), "the request's headers")
	}
	var text string
	if err := json.Unmarshal(data, &text); err != nil {
		return err
	}
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		key, value, found := strings.Cut(line, ":")
		if !found {
			return invalid("a header line needs a colon between name and value")
		}
		*h = append(*h, Field{Key: strings.TrimSpace(key), Value: strings.TrimSpace(value)})
	}
	return nil
}

// Body is what is sent behind the headers. Mode says which member counts.
type Body struct {
	Mode       string      `json:"mode,omitempty"`
	Raw        string      `json:"raw,omitempty"`
	URLEncoded []Field     `json:"urlencoded,omitempty"`
	FormData   []FormField `json:"formdata,omitempty"`
	GraphQL    *GraphQL    `json:"graphql,omitempty"`
	Options    BodyOptions `json:"options,omitzero"`
	Disabled   bool        `json:"disabled,omitempty"`
}

// FormField is one part of a multipart form; its type is text when empty.
type FormField struct {
	Key         string `json:"key"`
	Value       string `json:"value"`
	Type        string `json:"type,omitempty"`
	ContentType string `json:"contentType,omitempty"`
	Disabled    bool   `json:"disabled,omitempty"`
}

// GraphQL is a query and its variables, which are a JSON object as text.
type GraphQL struct {
	Query         string  `json:"query"`
	OperationName string  `json:"operationName,omitempty"`
	Variables     RawJSON `json:"variables,omitempty"`
}

// RawJSON is JSON as text. Collections hold it as a text or as the JSON itself.
type RawJSON string

// UnmarshalJSON reads both forms.
func (r *RawJSON) UnmarshalJSON(data []byte) error {
	*r = ""
	switch {
	case isText(data):
		return json.Unmarshal(data, (*string)(r))
	case string(data) != "null":
		*r = RawJSON(data)
	}
	return nil
}

// BodyOptions say how a raw body is written.
type BodyOptions struct {
	Raw struct {
		// Language is json, xml, html, javascript or text.
		Language string `json:"language,omitempty"`
	} `json:"raw"`
}

// Auth is an auth helper and what it needs to know.
type Auth struct {
	Type       string
	Attributes []Attribute
}

// Attribute is one thing that an auth helper needs to know.
type Attribute struct {
	Key   string `json:"key"`
	Value Text   `json:"value"`
	Type  string `json:"type,omitempty"`
}

// UnmarshalJSON reads {type, TYPE: [attributes]}.
func (a *Auth) UnmarshalJSON(data []byte) error {
	*a = Auth{}
	members := map[string]json.RawMessage{}
	if err := decode(data, &members, "the request's auth"); err != nil {
		return err
	}
	if kind, found := members["type"]; found {
		if err := decode(kind, &a.Type, "the type of the request's auth"); err != nil {
			return err
		}
	}
	// Attributes of a helper that is not supported may have any form.
	if attributes, found := members[a.Type]; found && authHelpers[a.Type] != nil {
		return decode(attributes, &a.Attributes, "the attributes of the request's auth")
	}
	return nil
}

// MarshalJSON writes what UnmarshalJSON reads.
func (a Auth) MarshalJSON() ([]byte, error) {
	members := map[string]any{"type": a.Type}
	if len(a.Attributes) > 0 {
		members[a.Type] = a.Attributes
	}
	return json.Marshal(members)
}

func isText(data []byte) bool { return len(data) > 0 && data[0] == '"' }

func isVoid(data json.RawMessage) bool {
	text := strings.Join(strings.Fields(string(data)), "")
	return text == "" || text == "null" || text == "{}"
}

// decode reads JSON and names what could not be read. The text of a JSON error
// may hold a piece of the input and is left out.
func decode(data []byte, into any, what string) error {
	err := json.Unmarshal(data, into)
	if _, known := err.(*vault.InvalidError); known || err == nil {
		return err
	}
	return invalid("%s does not have the form of a Postman collection", what)
}

func invalid(format string, args ...any) error {
	return &vault.InvalidError{Reason: fmt.Sprintf(format, args...)}
}

func tooLarge(format string, args ...any) error {
	return &vault.InvalidError{Reason: fmt.Sprintf(format, args...), TooLarge: true}
}
