package bridge

import (
	"bytes"
	"cmp"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// The method table is the protocol; TestGenerated prints it as TypeScript types
// and as the method part of docs/protocol.md, and bundles the pages. What is
// committed must be what is printed, so that neither can lie and a build needs
// no npm.

var update = flag.Bool("update", false, "write what is generated instead of comparing it")

const updateCommand = "go test ./bridge -run Generated -update"

func TestGenerated(t *testing.T) {
	p := newPrinter(t)
	t.Run("types", func(t *testing.T) { golden(t, "client/src/protocol.ts", []byte(p.typeScript())) })
	t.Run("docs", func(t *testing.T) { golden(t, "../docs/protocol.md", p.protocolPage(t)) })
	t.Run("client", func(t *testing.T) { bundle(t, "client", "src/postern.ts") })
	t.Run("console", func(t *testing.T) { bundle(t, "console", "src/console.ts", "src/console.css"); page(t, "console") })
	t.Run("playground", func(t *testing.T) {
		bundle(t, "playground", "src/playground.ts", "src/playground.css")
		page(t, "playground")
	})
}

// golden compares a file with what it should hold, or writes it.
func golden(t *testing.T, path string, want []byte) {
	t.Helper()
	path = filepath.FromSlash(path)
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, want, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("bridge/%s is stale; run %s", filepath.ToSlash(path), updateCommand)
	}
}

// fieldType is the type of a field whose Go type says too little.
func fieldType(path string) string {
	if path == "bridge.cancelParams.ID" {
		return "number | string"
	}
	if values := fieldValues[path]; values != nil {
		return union(values...)
	}
	return ""
}

var plainTypes = map[reflect.Type]string{
	reflect.TypeFor[time.Time]():      "string",
	reflect.TypeFor[jsontext.Value](): "unknown",
}

func union(values ...string) string {
	quoted := make([]string, len(values))
	for i, v := range values {
		quoted[i] = "'" + v + "'"
	}
	return strings.Join(quoted, " | ")
}

// printer knows the sources, for what reflection does not tell: comments and the
// constants of a type.
type printer struct {
	t *testing.T
	// docs are comments by package.Type or package.Type.Field.
	docs map[string]string
	// constants are the values of string constants by package.Type.
	constants map[string][]string
	// kinds are the error kinds that package bridge names.
	kinds map[string]bool
	// declared are the declarations printed so far, by TypeScript name.
	declared map[string]declaration
}

type declaration struct {
	of   reflect.Type
	text string
}

func newPrinter(t *testing.T) *printer {
	p := &printer{t: t, docs: map[string]string{}, constants: map[string][]string{}, kinds: map[string]bool{}, declared: map[string]declaration{}}
	for _, pattern := range []string{"*.go", "relay/*.go", "../vault/*.go"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			if !strings.HasSuffix(file, "_test.go") {
				p.read(file)
			}
		}
	}
	return p
}

func (p *printer) read(path string) {
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments)
	if err != nil {
		p.t.Fatal(err)
	}
	pkg := file.Name.Name
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GenDecl:
			if n.Tok == token.TYPE && len(n.Specs) == 1 {
				p.docs[pkg+"."+n.Specs[0].(*ast.TypeSpec).Name.Name] = strings.TrimSpace(n.Doc.Text())
			}
		case *ast.TypeSpec:
			if s, ok := n.Type.(*ast.StructType); ok {
				for _, field := range s.Fields.List {
					for _, name := range field.Names {
						p.docs[pkg+"."+n.Name.Name+"."+name.Name] = strings.TrimSpace(field.Doc.Text())
					}
				}
			}
		case *ast.ValueSpec:
			p.readConstant(pkg, n)
		case *ast.CallExpr:
			if f, ok := n.Fun.(*ast.Ident); ok && f.Name == "fail" && pkg == "bridge" {
				p.readKind(n.Args[0])
			}
		case *ast.KeyValueExpr:
			if key, ok := n.Key.(*ast.Ident); ok && key.Name == "Kind" && pkg == "bridge" {
				p.readKind(n.Value)
			}
		}
		return true
	})
}

func (p *printer) readConstant(pkg string, spec *ast.ValueSpec) {
	kind, ok := spec.Type.(*ast.Ident)
	if !ok || len(spec.Values) != 1 {
		return
	}
	if text, ok := literal(spec.Values[0]); ok {
		p.constants[pkg+"."+kind.Name] = append(p.constants[pkg+"."+kind.Name], text)
	}
}

func (p *printer) readKind(e ast.Expr) {
	if kind, ok := literal(e); ok {
		p.kinds[kind] = true
	}
}

func literal(e ast.Expr) (string, bool) {
	lit, ok := e.(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return "", false
	}
	text, err := strconv.Unquote(lit.Value)
	return text, err == nil
}

// typeOf gives the TypeScript type of a Go type, and declares what it names.
func (p *printer) typeOf(t reflect.Type) string {
	if name := cmp.Or(foreignTypes[t], plainTypes[t]); name != "" {
		return name
	}
	switch t.Kind() {
	case reflect.Pointer:
		return p.typeOf(t.Elem())
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			return "string"
		}
		return p.typeOf(t.Elem()) + "[]"
	case reflect.Map:
		return "Record<" + p.typeOf(t.Key()) + ", " + p.typeOf(t.Elem()) + ">"
	case reflect.Struct:
		return p.declare(t)
	case reflect.String:
		if t.PkgPath() != "" {
			return p.declare(t)
		}
		return "string"
	case reflect.Bool:
		return "boolean"
	case reflect.Interface:
		return "unknown"
	}
	return "number"
}

// declare prints a named type once. Two types of one name would be one.
func (p *printer) declare(t reflect.Type) string {
	name := typeName(t)
	if d, found := p.declared[name]; found {
		if d.of != t {
			p.t.Fatalf("%v and %v are both %s in TypeScript; give one a row in typeNames", d.of, t, name)
		}
		return name
	}
	p.declared[name] = declaration{of: t}
	text := comment("", p.docs[t.String()])
	values := p.constants[t.String()]
	if !slices.Equal(values, typeValues[t]) {
		p.t.Errorf("typeValues has %q for %v, whose constants are %q", typeValues[t], t, values)
	}
	switch {
	case t.Kind() == reflect.String && len(values) > 0:
		text += "export type " + name + " = " + union(values...) + ";\n"
	case t.Kind() == reflect.String:
		text += "export type " + name + " = string;\n"
	case t.NumField() == 0:
		text += "export type " + name + " = Record<string, never>;\n"
	default:
		text += "export interface " + name + p.fields(t)
	}
	p.declared[name] = declaration{of: t, text: text}
	return name
}

func (p *printer) fields(t reflect.Type) string {
	var bases []string
	var b strings.Builder
	for _, f := range reflect.VisibleFields(t) {
		if len(f.Index) > 1 || (!f.IsExported() && !f.Anonymous) {
			continue
		}
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if f.Anonymous && name == "" {
			bases = append(bases, p.typeOf(f.Type))
			continue
		}
		if name == "-" {
			continue
		}
		path := t.String() + "." + f.Name
		optional := ""
		if strings.Contains(options, "omit") || f.Type.Kind() == reflect.Pointer {
			optional = "?"
		}
		doc := p.docs[path]
		if f.Type == reflect.TypeFor[[]byte]() {
			doc = strings.TrimSpace(doc + " Base64.")
		}
		if fieldType(path) == "" {
			b.WriteString(comment("  ", doc))
		}
		fmt.Fprintf(&b, "  %s%s: %s;\n", name, optional, cmp.Or(fieldType(path), p.typeOf(f.Type)))
	}
	if len(bases) > 0 {
		return " extends " + strings.Join(bases, ", ") + " {\n" + b.String() + "}\n"
	}
	return " {\n" + b.String() + "}\n"
}

// comment makes a doc comment of a Go comment, which ends where the talk of Go
// begins: what follows the first paragraph.
func comment(indent, text string) string {
	text, _, _ = strings.Cut(text, "\n\n")
	if text == "" {
		return ""
	}
	lines := strings.Split(text, "\n")
	if len(lines) == 1 {
		return indent + "/** " + text + " */\n"
	}
	return indent + "/**\n" + indent + " * " + strings.Join(lines, "\n"+indent+" * ") + "\n" + indent + " */\n"
}

func rolesText(m method) string {
	var names []string
	for _, r := range []struct {
		is   role
		name string
	}{{roleApp, "apps"}, {roleOwner, "the owner"}, {roleStranger, "pages that are not allowed yet"}} {
		if m.roles&r.is != 0 {
			names = append(names, r.name)
		}
	}
	return "For " + strings.Join(names, " and ") + "."
}

func (p *printer) typeScript() string {
	var methodRows, eventRows strings.Builder
	for _, m := range methods {
		methodRows.WriteString(comment("  ", m.doc+" "+rolesText(m)))
		fmt.Fprintf(&methodRows, "  '%s': { params: %s; result: %s };\n", m.name, p.typeOf(m.params), p.typeOf(m.result))
	}
	for _, e := range eventTable {
		eventRows.WriteString(comment("  ", e.doc))
		fmt.Fprintf(&eventRows, "  '%s': %s;\n", e.name, p.typeOf(e.params))
	}
	var b strings.Builder
	b.WriteString("// Code generated from bridge/methods.go by " + updateCommand + "; DO NOT EDIT.\n\n")
	foreign := slices.Sorted(maps.Values(foreignTypes))
	fmt.Fprintf(&b, "import type { %s } from './postman.js';\n\n", strings.Join(foreign, ", "))
	b.WriteString("/** What the agent's errors are told apart by. */\nexport type ErrorKind =\n  | " + strings.ReplaceAll(union(slices.Sorted(maps.Keys(p.kinds))...), " | ", "\n  | ") + ";\n\n")
	for _, name := range slices.Sorted(maps.Keys(p.declared)) {
		b.WriteString(p.declared[name].text + "\n")
	}
	b.WriteString("/** Every method of the agent, by name. */\nexport interface Methods {\n" + methodRows.String() + "}\n\n")
	b.WriteString("/** Every event of the agent, by name. */\nexport interface Events {\n" + eventRows.String() + "}\n")
	return b.String()
}

const (
	beginGenerated = "<!-- generated from bridge/methods.go by " + updateCommand + " -->\n"
	endGenerated   = "<!-- end of generated -->\n"
)

// protocolPage puts the methods and events between the markers of the page, and
// fails for an error kind that the page does not explain.
func (p *printer) protocolPage(t *testing.T) []byte {
	text, err := os.ReadFile("../docs/protocol.md")
	if err != nil {
		t.Fatal(err)
	}
	head, rest, begins := strings.Cut(string(text), beginGenerated)
	_, tail, ends := strings.Cut(rest, endGenerated)
	if !begins || !ends {
		t.Fatalf("docs/protocol.md needs the lines %q and %q", beginGenerated, endGenerated)
	}
	for _, kind := range slices.Sorted(maps.Keys(p.kinds)) {
		if !strings.Contains(head+tail, "| `"+kind+"` |") {
			t.Errorf("docs/protocol.md has no row for the error kind %q; write what it means and what to do", kind)
		}
	}
	return []byte(head + beginGenerated + p.markdown() + endGenerated + tail)
}

func (p *printer) markdown() string {
	var b strings.Builder
	b.WriteString("\n## Methods\n\n")
	for _, m := range methods {
		fmt.Fprintf(&b, "### `%s`\n\n%s %s\n\n", m.name, m.doc, rolesText(m))
		b.WriteString(p.shape("Parameters", m.params) + p.shape("Result", m.result))
	}
	b.WriteString("## Events\n\n")
	for _, e := range eventTable {
		fmt.Fprintf(&b, "### `%s`\n\n%s\n\n%s", e.name, e.doc, p.shape("Parameters", e.params))
	}
	b.WriteString("## Types\n")
	var roots []reflect.Type
	for _, m := range methods {
		roots = append(roots, m.params, m.result)
	}
	for _, e := range eventTable {
		roots = append(roots, e.params)
	}
	for _, name := range slices.Sorted(maps.Keys(p.declared)) {
		if d := p.declared[name]; !slices.Contains(roots, d.of) || p.isShared(d.of) {
			fmt.Fprintf(&b, "\n```ts\n%s```\n", d.text)
		}
	}
	return b.String() + "\n"
}

// isShared holds for types that more than one row names: they are shown once,
// under Types.
func (p *printer) isShared(t reflect.Type) bool {
	return t.PkgPath() != reflect.TypeFor[nothing]().PkgPath()
}

// shape shows the fields of a type, or the name under which it is shown.
func (p *printer) shape(title string, t reflect.Type) string {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch {
	case t == reflect.TypeFor[nothing]():
		return title + ": none.\n\n"
	case p.isShared(t):
		return title + ": `" + p.typeOf(t) + "`, see [Types](#types).\n\n"
	}
	return title + ":\n\n```ts\n" + strings.TrimSpace(p.fields(t)) + "\n```\n\n"
}
