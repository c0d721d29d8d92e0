package bridge

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// openRPCSchema is what OpenRPC 1.3 asks of a document that uses no more of it
// than ours, as a JSON Schema.
const openRPCSchema = `{
	"$schema": "http://json-schema.org/draft-07/schema#",
	"type": "object", "additionalProperties": false, "required": ["openrpc", "info", "methods"],
	"properties": {
		"openrpc": {"pattern": "^1\\.3\\.\\d+$"},
		"info": {
			"type": "object", "additionalProperties": false, "required": ["title", "version"],
			"properties": {"title": {"type": "string"}, "version": {"type": "string"}}
		},
		"methods": {"type": "array", "minItems": 1, "items": {
			"type": "object", "additionalProperties": false, "required": ["name", "params", "result"],
			"properties": {
				"name": {"type": "string", "minLength": 1}, "summary": {"type": "string"},
				"paramStructure": {"enum": ["by-name", "by-position", "either"]},
				"params": {"type": "array", "items": {"$ref": "#/definitions/content"}},
				"result": {"$ref": "#/definitions/content"},
				"errors": {"type": "array", "items": {
					"type": "object", "additionalProperties": false, "required": ["$ref"],
					"properties": {"$ref": {"pattern": "^#/components/errors/"}}
				}}
			}
		}},
		"components": {"type": "object", "additionalProperties": false, "properties": {
			"schemas": {"type": "object", "additionalProperties": {"$ref": "http://json-schema.org/draft-07/schema#"}},
			"errors": {"type": "object", "additionalProperties": {
				"type": "object", "additionalProperties": false, "required": ["code", "message"],
				"properties": {"code": {"type": "integer"}, "message": {"type": "string"}, "data": true}
			}}
		}}
	},
	"definitions": {"content": {
		"type": "object", "additionalProperties": false, "required": ["name", "schema"],
		"properties": {
			"name": {"type": "string", "minLength": 1}, "required": {"type": "boolean"},
			"schema": {"$ref": "http://json-schema.org/draft-07/schema#"}
		}
	}}
}`

// discovered asks over a real connection, and compiles what is answered so that
// every reference in it has to lead somewhere.
func discovered(t *testing.T, c *client) (openRPC, *jsonschema.Compiler) {
	t.Helper()
	var text jsontext.Value
	c.call("rpc.discover", object{}, &text)
	document, err := jsonschema.UnmarshalJSON(strings.NewReader(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	compiler.DefaultDraft(jsonschema.Draft7)
	addResource(t, compiler, "https://postern.test/document", document)
	rules, err := jsonschema.UnmarshalJSON(strings.NewReader(openRPCSchema))
	if err != nil {
		t.Fatal(err)
	}
	addResource(t, compiler, "https://postern.test/openrpc", rules)
	if err := compiled(t, compiler, "https://postern.test/openrpc").Validate(document); err != nil {
		t.Errorf("the document is not OpenRPC: %v", err)
	}
	var out openRPC
	if err := json.Unmarshal(text, &out, json.RejectUnknownMembers(true)); err != nil {
		t.Fatal(err)
	}
	return out, compiler
}

func addResource(t *testing.T, c *jsonschema.Compiler, url string, document any) {
	t.Helper()
	if err := c.AddResource(url, document); err != nil {
		t.Fatal(err)
	}
}

func compiled(t *testing.T, c *jsonschema.Compiler, url string) *jsonschema.Schema {
	t.Helper()
	s, err := c.Compile(url)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// The document lists what the connection may call and no more, and what is called
// answers as the document says.
func TestDiscover(t *testing.T) {
	s := serve(t, nil)
	app, owner := s.app(t, allowedOrigin, "alice"), s.owner(t, allowedOrigin+"%23alice")
	for _, c := range []struct {
		*client
		role role
	}{{app, roleApp}, {owner, roleOwner}} {
		document, compiler := discovered(t, c.client)
		var want, got []string
		for _, m := range methods {
			if m.roles&c.role != 0 {
				want = append(want, m.name)
			}
		}
		for i, m := range document.Methods {
			got = append(got, m.Name)
			compiled(t, compiler, "https://postern.test/document#"+pointer("methods", i, "result", "schema"))
			for p := range m.Params {
				compiled(t, compiler, "https://postern.test/document#"+pointer("methods", i, "params", p, "schema"))
			}
			for _, e := range m.Errors {
				if kind := strings.TrimPrefix(e.Ref, "#/components/errors/"); document.Components.Errors[kind].Data.Kind != kind {
					t.Errorf("%s names the error %q, which is not there", m.Name, e.Ref)
				}
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("role %d may call\n%q, the document says\n%q", c.role, want, got)
		}
	}
	s.stranger(t, "https://new.example.com").refused("invalid", "rpc.discover", object{})

	document, compiler := discovered(t, owner)
	answers := func(c *client, method string, params object) {
		t.Helper()
		i := slices.IndexFunc(document.Methods, func(m openRPCMethod) bool { return m.Name == method })
		for name := range params {
			p := slices.IndexFunc(document.Methods[i].Params, func(d contentDescriptor) bool { return d.Name == name })
			conforms(t, compiler, pointer("methods", i, "params", p, "schema"), params[name])
		}
		var result any
		c.call(method, params, &result)
		conforms(t, compiler, pointer("methods", i, "result", "schema"), result)
	}
	if state := document.Components.Schemas["VaultStatus"]; !slices.Equal(state.Required, []string{"state", "account", "secrets", "keyStored"}) {
		t.Errorf("a status must have %q", state.Required)
	}
	answers(app, "agent.info", object{})
	answers(app, "vault.create", object{"store": false})
	answers(app, "vault.status", object{})
	answers(app, "secret.set", object{"name": "a", "value": "v", "domains": []string{"https://api.example.com"}, "enabled": true})
	answers(app, "secret.list", object{"sort": "-name", "limit": 10})
	answers(app, "reference.check", object{"text": "{{vault:a}} {{vault:none}}", "variables": map[string]string{"x": "y"}})
	answers(app, "workspace.enter", object{"id": "1", "name": "w", "visibility": "public"})
	answers(owner, "secret.reveal", object{"name": "a"})
	answers(owner, "vault.export", object{"plain": true})
	answers(owner, "vault.import", object{"content": []byte("A=b\n"), "dryRun": true})
	answers(owner, "app.list", object{})
	answers(owner, "question.list", object{})
	answers(owner, "agent.info", object{})
}

func pointer(parts ...any) string {
	var b strings.Builder
	for _, part := range parts {
		fmt.Fprintf(&b, "/%v", part)
	}
	return b.String()
}

func conforms(t *testing.T, c *jsonschema.Compiler, where string, value any) {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	plain, err := jsonschema.UnmarshalJSON(strings.NewReader(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	if err := compiled(t, c, "https://postern.test/document#"+where).Validate(plain); err != nil {
		t.Errorf("%s: %v", text, err)
	}
}
