package bridge

import (
	"cmp"
	"context"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"postern/bridge/relay"
	"postern/vault"
)

// A connection may ask what it can call: rpc.discover answers with an OpenRPC 1.3
// document (spec.open-rpc.org) made from the method table. JSON-RPC keeps names
// that begin with rpc. for what is about the protocol itself, so this one stands
// beside the table that it describes, and a page that only asks to be allowed
// does not have it.
var discover = rpc("rpc.discover", "Describes what this connection may call, as an OpenRPC document.", everyone, rpcDiscover)

const openRPCVersion = "1.3.2"

type openRPC struct {
	OpenRPC    string            `json:"openrpc"`
	Info       openRPCInfo       `json:"info"`
	Methods    []openRPCMethod   `json:"methods"`
	Components openRPCComponents `json:"components"`
}

type openRPCInfo struct {
	Title   string `json:"title"`
	Version string `json:"version"`
}

type openRPCMethod struct {
	Name           string              `json:"name"`
	Summary        string              `json:"summary"`
	ParamStructure string              `json:"paramStructure"`
	Params         []contentDescriptor `json:"params"`
	Result         contentDescriptor   `json:"result"`
	Errors         []schema            `json:"errors"`
}

type contentDescriptor struct {
	Name     string `json:"name"`
	Required bool   `json:"required,omitzero"`
	Schema   schema `json:"schema"`
}

type openRPCComponents struct {
	Schemas map[string]schema      `json:"schemas"`
	Errors  map[string]errorObject `json:"errors"`
}

// schema is a JSON Schema (draft 7), or a reference; empty it lets everything pass.
type schema struct {
	Ref         string            `json:"$ref,omitzero"`
	Description string            `json:"description,omitzero"`
	Type        string            `json:"type,omitzero"`
	Format      string            `json:"format,omitzero"`
	Encoding    string            `json:"contentEncoding,omitzero"`
	Enum        []string          `json:"enum,omitzero"`
	Items       *schema           `json:"items,omitzero"`
	Properties  map[string]schema `json:"properties,omitzero"`
	Required    []string          `json:"required,omitzero"`
	// Additional is false, or the schema of a map's values.
	Additional any `json:"additionalProperties,omitzero"`
}

// typeNames are the types whose Go name says too little outside its package.
var typeNames = map[reflect.Type]string{
	reflect.TypeFor[vault.Status]():   "VaultStatus",
	reflect.TypeFor[vault.State]():    "VaultState",
	reflect.TypeFor[vault.Kind]():     "SecretKind",
	reflect.TypeFor[relay.Response](): "PostmanResponse",
}

// typeName is the name of a type outside Go.
func typeName(t reflect.Type) string {
	return cmp.Or(typeNames[t], strings.ToUpper(t.Name()[:1])+t.Name()[1:])
}

// typeValues are the values of the types that are one of a few words.
var typeValues = map[reflect.Type][]string{
	reflect.TypeFor[vault.State]():      words(vault.StateNone, vault.StateLocked, vault.StateOpen),
	reflect.TypeFor[vault.Kind]():       words(vault.KindPlain, vault.KindGuided, vault.KindLinked),
	reflect.TypeFor[vault.Visibility](): words(vault.VisibilityPersonal, vault.VisibilityPrivate, vault.VisibilityTeam, vault.VisibilityPartner, vault.VisibilityPublic),
}

// fieldValues are the values of the fields whose Go type is any string.
var fieldValues = map[string][]string{
	"bridge.agentInfoResult.Role": {"app", "owner"},
	"bridge.listParams.Sort":      {"name", "-name", "updated", "-updated"},
	"vault.Reference.State":       {vault.StateResolved, vault.StateEmpty, vault.StateUnresolved},
	"vault.Reference.Cause":       {vault.CauseNotFound, vault.CauseLocked, vault.CauseDisabled, vault.CauseDomain, vault.CauseNeedsGrant},
}

func words[T ~string](values ...T) []string {
	out := make([]string, len(values))
	for i, v := range values {
		out[i] = string(v)
	}
	return out
}

// rpcDiscover answers with a document that is made once for each role, and whose
// order is always the same.
func rpcDiscover(_ context.Context, o *session, _ nothing) (jsontext.Value, error) {
	if made, found := o.server.documents.Load(o.role); found {
		return made.(jsontext.Value), nil
	}
	text, err := json.Marshal(describe(o.role, o.server.config.Version), json.Deterministic(true))
	if err == nil {
		o.server.documents.Store(o.role, jsontext.Value(text))
	}
	return text, err
}

// describe makes the document of what a role may call.
func describe(r role, version string) openRPC {
	components := openRPCComponents{Schemas: map[string]schema{}, Errors: wireErrorObjects()}
	var failures []schema
	for _, kind := range slices.Sorted(maps.Keys(components.Errors)) {
		failures = append(failures, schema{Ref: "#/components/errors/" + kind})
	}
	document := openRPC{OpenRPC: openRPCVersion, Info: openRPCInfo{Title: "Postern", Version: version}, Components: components}
	for _, m := range methods {
		if m.roles&r == 0 {
			continue
		}
		document.Methods = append(document.Methods, openRPCMethod{
			Name: m.name, Summary: m.doc, ParamStructure: "by-name", Params: components.params(m.params),
			Result: contentDescriptor{Name: "result", Required: true, Schema: components.schemaOf(m.result)}, Errors: failures,
		})
	}
	return document
}

// wireErrorObjects are the errors that calls are known to fail with, by kind.
func wireErrorObjects() map[string]errorObject {
	all := map[string]errorObject{}
	for _, known := range wireErrors {
		if _, found := all[known.err.Kind]; !found {
			all[known.err.Kind] = objectOf(known.err)
		}
	}
	return all
}

// params lists the fields of a method's parameters, which go by name.
func (c openRPCComponents) params(t reflect.Type) []contentDescriptor {
	fields := c.fields(t)
	out := []contentDescriptor{}
	for _, name := range slices.Sorted(maps.Keys(fields.Properties)) {
		out = append(out, contentDescriptor{Name: name, Required: slices.Contains(fields.Required, name), Schema: fields.Properties[name]})
	}
	return out
}

// schemaOf gives the schema of a Go type as its JSON is, and puts the structs that
// it names among the components.
func (c openRPCComponents) schemaOf(t reflect.Type) schema {
	switch {
	case foreignTypes[t] != "":
		return schema{Description: "A " + foreignTypes[t] + ", as in the Postman Collection format."}
	case t == reflect.TypeFor[time.Time]():
		return schema{Type: "string", Format: "date-time"}
	case t == reflect.TypeFor[jsontext.Value](), t.Kind() == reflect.Interface:
		return schema{}
	case t == reflect.TypeFor[[]byte]():
		return schema{Type: "string", Encoding: "base64"}
	}
	switch t.Kind() {
	case reflect.Pointer:
		return c.schemaOf(t.Elem())
	case reflect.Slice:
		items := c.schemaOf(t.Elem())
		return schema{Type: "array", Items: &items}
	case reflect.Map:
		return schema{Type: "object", Additional: c.schemaOf(t.Elem())}
	case reflect.Struct:
		return c.refer(t)
	case reflect.String:
		return schema{Type: "string", Enum: typeValues[t]}
	case reflect.Bool:
		return schema{Type: "boolean"}
	case reflect.Float32, reflect.Float64:
		return schema{Type: "number"}
	}
	return schema{Type: "integer"}
}

func (c openRPCComponents) refer(t reflect.Type) schema {
	name := typeName(t)
	if _, found := c.Schemas[name]; !found {
		// A type that holds itself finds its place taken.
		c.Schemas[name] = schema{}
		c.Schemas[name] = c.fields(t)
	}
	return schema{Ref: "#/components/schemas/" + name}
}

// fields gives the schema of a struct; the fields of an embedded one are its own.
func (c openRPCComponents) fields(t reflect.Type) schema {
	s := schema{Type: "object", Properties: map[string]schema{}, Additional: false}
	for _, f := range reflect.VisibleFields(t) {
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if !f.IsExported() || name == "" || name == "-" {
			continue
		}
		field := c.schemaOf(f.Type)
		if values := fieldValues[t.String()+"."+f.Name]; values != nil {
			field.Enum = values
		}
		s.Properties[name] = field
		if !strings.Contains(options, "omit") && f.Type.Kind() != reflect.Pointer {
			s.Required = append(s.Required, name)
		}
	}
	return s
}
