package vault

import (
	"bytes"
	"encoding/json"
	"strings"
	"time"
	"unicode/utf8"
)

// The formats that an import can have, inside its encryption if there is one.
const (
	FormatPostern            = "postern"
	FormatEnv                = "env"
	FormatPostmanEnvironment = "postman-environment"
	FormatPostmanVault       = "postman-vault"
)

var noTime time.Time

// parseImport reads the secrets of a plain import. An empty format is found out.
func parseImport(text []byte, format string) (string, []exported, error) {
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	if !utf8.Valid(text) {
		return "", nil, invalid("the file is not UTF-8 text")
	}
	trimmed := bytes.TrimSpace(text)
	if len(trimmed) == 0 {
		return "", nil, notAnImport()
	}
	if trimmed[0] != '{' && trimmed[0] != '[' {
		if format != "" && format != FormatEnv {
			return "", nil, invalid("the file is not JSON")
		}
		secrets, err := parseEnv(string(text))
		return FormatEnv, secrets, err
	}
	found, secrets, err := parseJSON(trimmed)
	if err == nil && format != "" && format != found {
		err = invalid("the file has the format %s, not %s", found, format)
	}
	return found, secrets, err
}

// jsonVariable is a variable of an environment or a secret of a vault, as the
// reference product writes them.
type jsonVariable struct {
	Key      string   `json:"key"`
	Name     string   `json:"name"`
	Value    *string  `json:"value"`
	Enabled  *bool    `json:"enabled"`
	Disabled bool     `json:"disabled"`
	Domains  []string `json:"allowedDomains"`
	Alt      []string `json:"domains"`
}

// jsonVault is a vault export: its secrets stand at the top or under one name.
type jsonVault struct {
	VaultSecrets []jsonVariable `json:"vaultSecrets"`
	Secrets      []jsonVariable `json:"secrets"`
	Values       []jsonVariable `json:"values"`
	Scope        string         `json:"_postman_variable_scope"`
}

func parseJSON(text []byte) (string, []exported, error) {
	if text[0] == '[' {
		var list []jsonVariable
		if err := json.Unmarshal(text, &list); err != nil {
			return "", nil, notAnImport()
		}
		return FormatPostmanVault, plainSecrets(list), nil
	}
	var ours struct {
		Format  string     `json:"format"`
		Version int        `json:"version"`
		Secrets []exported `json:"secrets"`
	}
	if err := json.Unmarshal(text, &ours); err == nil && ours.Format == exportFormat {
		if ours.Version != 1 {
			return "", nil, invalid("the export was written by a newer version")
		}
		return FormatPostern, ours.Secrets, nil
	}
	var theirs jsonVault
	if err := json.Unmarshal(text, &theirs); err != nil {
		return "", nil, notAnImport()
	}
	switch {
	case theirs.Values != nil && theirs.Scope != "vault":
		return FormatPostmanEnvironment, plainSecrets(theirs.Values), nil
	case theirs.Values != nil:
		return FormatPostmanVault, plainSecrets(theirs.Values), nil
	case theirs.VaultSecrets != nil:
		return FormatPostmanVault, plainSecrets(theirs.VaultSecrets), nil
	case theirs.Secrets != nil:
		return FormatPostmanVault, plainSecrets(theirs.Secrets), nil
	}
	return "", nil, notAnImport()
}

func notAnImport() error {
	return invalid("the file is none of: a Postern export, a Postman environment, a Postman vault, a .env file")
}

func plainSecrets(list []jsonVariable) []exported {
	out := []exported{}
	for _, v := range list {
		e := exported{Name: v.Key, Enabled: !v.Disabled && (v.Enabled == nil || *v.Enabled), Domains: append(v.Domains, v.Alt...)}
		if e.Name == "" {
			e.Name = v.Name
		}
		if v.Value != nil {
			e.Value = *v.Value
		}
		out = append(out, e)
	}
	return out
}

// parseEnv reads NAME=value lines: comments, export, single quotes (literal),
// double quotes (with \n, \t, \", \\ and \$), and quoted values of several lines.
func parseEnv(text string) ([]exported, error) {
	out := []exported{}
	for line := 1; text != ""; line++ {
		head, rest, _ := strings.Cut(text, "\n")
		head = strings.TrimSpace(head)
		if head == "" || head[0] == '#' {
			text = rest
			continue
		}
		name, after, found := strings.Cut(text, "=")
		if !found || strings.Contains(name, "\n") {
			return nil, invalid("line %d is not NAME=value", line)
		}
		name = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(name), "export "))
		value, rest, ok := envValue(strings.TrimLeft(after, " \t"))
		if !ok {
			return nil, invalid("line %d has a quote that does not end", line)
		}
		line += strings.Count(after[:len(after)-len(rest)], "\n") - 1
		out, text = append(out, exported{Name: name, Value: value, Enabled: true}), rest
	}
	return out, nil
}

// envValue reads one value and returns what stands behind its line.
func envValue(text string) (value, rest string, ok bool) {
	if text == "" || text[0] != '"' && text[0] != '\'' {
		value, rest, _ = strings.Cut(text, "\n")
		if at := strings.Index(value, " #"); at >= 0 {
			value = value[:at]
		}
		return strings.TrimSpace(value), rest, true
	}
	quote := text[0]
	var b strings.Builder
	for i := 1; i < len(text); i++ {
		switch {
		case text[i] == quote:
			_, rest, _ = strings.Cut(text[i+1:], "\n")
			return b.String(), rest, true
		case text[i] == '\\' && quote == '"' && i+1 < len(text):
			i++
			b.WriteString(unescapeEnv(text[i]))
		default:
			b.WriteByte(text[i])
		}
	}
	return "", "", false
}

func unescapeEnv(c byte) string {
	switch c {
	case 'n':
		return "\n"
	case 'r':
		return "\r"
	case 't':
		return "\t"
	case '"', '\\', '$', '\'':
		return string(c)
	}
	return "\\" + string(c)
}
