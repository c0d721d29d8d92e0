package main

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// mayImport says which of our packages a package may import, and why no others.
// Packages that are not listed may import none of ours.
var mayImport = []struct {
	pkg     string
	imports []string
	why     string
}{
	{"agent", []string{"bridge", "bridge/relay", "installer", "tray", "vault"}, "the process wires the rooms together, and nobody imports it"},
	{"bridge", []string{"bridge/console", "bridge/relay", "vault", "vault/seal"}, "pages reach the vault through the bridge; the tray and the installer are no business of theirs"},
	{"bridge/relay", []string{"vault"}, "it sends what the vault resolved, and must not know who is connected"},
	{"vault", []string{"vault/seal"}, "the vault knows no network and no user interface, so that neither can reach its keys"},
	{"vault/vaulttest", []string{"vault"}, "tests of other rooms get a vault by its public door"},
}

// heavy modules stay where they are needed: elsewhere they would weigh on every start.
var heavy = []struct {
	module string
	under  []string
	why    string
}{
	{"go.etcd.io/bbolt", []string{"vault"}, "the file format is the vault's secret to keep"},
	{"github.com/zalando/go-keyring", []string{"vault"}, "it may run only in the child process that oskeyring.go starts"},
	{"github.com/getlantern/systray", []string{"tray"}, "the tray alone knows which library draws it"},
	{"fyne.io/systray", []string{"tray"}, "the tray alone knows which library draws it"},
	{"github.com/gorilla/websocket", []string{"bridge", "bridge/bridgetest", "agent"}, "WebSocket is the bridge's and its one Go client's"},
	{"github.com/spf13/cobra", []string{"agent"}, "the command line is the agent's"},
	{"net/http", []string{"bridge", "bridge/bridgetest", "bridge/relay", "bridge/playground"}, "the vault and the tray speak to no network"},
}

// TestImports parses the imports itself: a go list in a child process would not
// be seen by the test cache, and a planted violation passed that way.
func TestImports(t *testing.T) {
	for file, imports := range importsOf(t, "..") {
		pkg := path.Dir(file)
		for _, imported := range imports {
			if ours, isOurs := strings.CutPrefix(imported, "postern/"); isOurs {
				checkOurs(t, file, pkg, ours)
			}
			for _, h := range heavy {
				if (imported == h.module || strings.HasPrefix(imported, h.module+"/")) && !slices.Contains(h.under, pkg) {
					t.Errorf("%s imports %s, but %s", file, imported, h.why)
				}
			}
		}
	}
}

func checkOurs(t *testing.T, file, pkg, imported string) {
	t.Helper()
	for _, rule := range mayImport {
		if rule.pkg == pkg {
			if !slices.Contains(rule.imports, imported) {
				t.Errorf("%s imports %s, but %s", file, imported, rule.why)
			}
			return
		}
	}
	t.Errorf("%s imports %s, but %s may import nothing of ours", file, imported, pkg)
}

// importsOf gives the imports of every Go file below root that is not a test.
func importsOf(t *testing.T, root string) map[string][]string {
	t.Helper()
	out := map[string][]string{}
	err := filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && (entry.Name() == "node_modules" || entry.Name() == "testdata" || strings.HasPrefix(entry.Name(), ".") && name != root) {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		source, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), name, source, parser.ImportsOnly)
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		for _, spec := range parsed.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			out[filepath.ToSlash(relative)] = append(out[filepath.ToSlash(relative)], imported)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(out) < 30 {
		t.Fatalf("only %d files were found below %s", len(out), root)
	}
	return out
}
