package bridge

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/evanw/esbuild/pkg/api"
)

// bundle builds a folder's entry points into its dist, readable, because a page
// that handles secrets should be.
func bundle(t *testing.T, folder string, entries ...string) {
	t.Helper()
	needPackages(t)
	dir, err := filepath.Abs(folder)
	if err != nil {
		t.Fatal(err)
	}
	result := api.Build(api.BuildOptions{
		AbsWorkingDir: dir, EntryPoints: entries, Outdir: "dist", Bundle: true, Metafile: true,
		Format: api.FormatESModule, Target: api.ES2022, Charset: api.CharsetUTF8,
		TsconfigRaw: "{}", LogLevel: api.LogLevelSilent, LegalComments: api.LegalCommentsInline,
		Plugins: []api.Plugin{lean},
	})
	for _, message := range slices.Concat(result.Errors, result.Warnings) {
		t.Errorf("%s: %s %+v", folder, message.Text, message.Location)
	}
	licences := bundledLicences(t, result.Metafile)
	for _, file := range result.OutputFiles {
		name := filepath.Base(file.Path)
		golden(t, folder+"/dist/"+name, append([]byte(licences[name]), file.Contents...))
	}
}

// lean leaves out of the bundles what @hpke/core does not use of itself. Its
// package.json says that no module has side effects; esbuild does not see that
// behind a second one. And it empties the module that it would import where there
// is no WebCrypto: pages have it, and the bundlers of web apps would stumble.
var lean = api.Plugin{Name: "lean", Setup: func(build api.PluginBuild) {
	build.OnResolve(api.OnResolveOptions{Filter: `^(@hpke/|\.)`}, func(args api.OnResolveArgs) (api.OnResolveResult, error) {
		own := strings.HasPrefix(args.Path, "@hpke/") || strings.Contains(filepath.ToSlash(args.Importer), "/node_modules/@hpke/")
		if !own || args.PluginData != nil {
			return api.OnResolveResult{}, nil
		}
		found := build.Resolve(args.Path, api.ResolveOptions{Importer: args.Importer, ResolveDir: args.ResolveDir, Kind: args.Kind, PluginData: true})
		return api.OnResolveResult{Path: found.Path, Errors: found.Errors, SideEffects: api.SideEffectsFalse}, nil
	})
	build.OnResolve(api.OnResolveOptions{Filter: "^crypto$"}, func(args api.OnResolveArgs) (api.OnResolveResult, error) {
		return api.OnResolveResult{Path: args.Path, Namespace: "empty"}, nil
	})
	build.OnLoad(api.OnLoadOptions{Filter: ".*", Namespace: "empty"}, func(api.OnLoadArgs) (api.OnLoadResult, error) {
		contents := "export const webcrypto = undefined;"
		return api.OnLoadResult{Contents: &contents}, nil
	})
}}

// needPackages fails where the packages that go into the bundles are not, or not
// as package.json pins them: nothing could be compared then.
func needPackages(t *testing.T) {
	t.Helper()
	var wanted struct{ DevDependencies map[string]string }
	readJSON(t, "client/package.json", &wanted)
	const name = "@hpke/core"
	var installed struct{ Version string }
	path := "client/node_modules/" + name + "/package.json"
	if _, err := os.Stat(path); err == nil {
		readJSON(t, path, &installed)
	}
	if want := wanted.DevDependencies[name]; installed.Version != want {
		t.Fatalf("the bundles need %s %s in bridge/client/node_modules; run npm ci in bridge/client", name, want)
	}
}

func readJSON(t *testing.T, path string, into any) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(text, into)
	}
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

// bundledLicences gives, for each output, a comment with the licences of the
// packages of which something went into it, as those ask for.
func bundledLicences(t *testing.T, metafile string) map[string]string {
	t.Helper()
	var meta struct {
		Outputs map[string]struct {
			Inputs map[string]struct{ BytesInOutput int }
		}
	}
	if err := json.Unmarshal([]byte(metafile), &meta); err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for path, output := range meta.Outputs {
		packages := map[string]bool{}
		for input, part := range output.Inputs {
			if _, inside, found := strings.Cut(input, "node_modules/"); found && part.BytesInOutput > 0 {
				scope, rest, _ := strings.Cut(inside, "/")
				name, _, _ := strings.Cut(rest, "/")
				packages[scope+"/"+name] = true
			}
		}
		var b strings.Builder
		for _, name := range slices.Sorted(maps.Keys(packages)) {
			text, err := os.ReadFile("client/node_modules/" + name + "/LICENSE")
			if err != nil {
				t.Fatalf("%s is bundled without a licence: %v", name, err)
			}
			fmt.Fprintf(&b, "/*!\nThis file holds parts of %s:\n\n%s\n*/\n\n", name, strings.TrimSpace(string(text)))
		}
		out[filepath.Base(path)] = b.String()
	}
	return out
}

func page(t *testing.T, folder string) {
	t.Helper()
	html, err := os.ReadFile(filepath.Join(folder, "src", "index.html"))
	if err != nil {
		t.Fatal(err)
	}
	golden(t, folder+"/dist/index.html", html)
}
