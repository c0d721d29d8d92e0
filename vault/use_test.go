package vault_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"postern/vault"
	"postern/vault/vaulttest"
)

func TestExpandVariables(t *testing.T) {
	scopes := []vault.Scope{{"a": "1", "env": "prod", "self": "x{{self}}", "b": "{{c}}"}, {"a": "2", "c": "{{d}}", "d": "deep", "vault:a": "stolen", "open": "{{", "ref": "{{vault:{{env}}-key}}"}}
	for text, want := range map[string]string{
		"": "", "none": "none", "{{a}}": "1", "{{b}}": "deep", "{{unknown}}": "{{unknown}}", "{{ a }}": "{{ a }}", "{{}}": "{{}}", "{{{a}}}": "{1}",
		"{{{{a}}}}": "{{1}}", "{a}": "{a}", "{{a}": "{{a}", "{{a}}{{a}}": "11", "{{vault:a}}": "{{vault:a}}", "{{vault:{{env}}-key}}": "{{vault:prod-key}}",
		"{{ref}}": "{{vault:prod-key}}", "{{open}}a}}": "1", "{{a\nb}}": "{{a\nb}}", "}}{{a}}{{": "}}1{{", "{{vault:x:y}}": "{{vault:x:y}}",
	} {
		if _, got, err := vault.ParsedReferences(text, scopes); err != nil || got != want {
			t.Errorf("%q became %q, want %q (%v)", text, got, want, err)
		}
	}
	_, got, err := vault.ParsedReferences("{{self}}", scopes)
	if err != nil || got != strings.Repeat("x", 19)+"{{self}}" {
		t.Errorf("19 rounds gave %q, %v", got, err)
	}
	if names, _, _ := vault.ParsedReferences("{{vault: a }}{{vault:b:c}}{{x}}{{vault:a}}", nil); !slices.Equal(names, []string{"a", "b:c", "a"}) {
		t.Errorf("names %q", names)
	}
}

// Variables that hold each other grow by powers; what they may fill is bounded,
// within one round too.
func TestVariablesThatGrow(t *testing.T) {
	wide := strings.Repeat("{{a}}", 100_000)
	for what, scope := range map[string]vault.Scope{
		"by powers":    {"a": "{{a}}{{a}}{{a}}"},
		"in one round": {"a": strings.Repeat("x", 1<<20)},
	} {
		if _, _, err := vault.ParsedReferences(wide, []vault.Scope{scope}); !isInvalid(err) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func FuzzExpandVariables(f *testing.F) {
	for _, s := range []string{"{{a}}", "{{vault:{{a}}}}", "{{{{{a}}", "{{vault:x}}{{b}}", "{{b}}b}}"} {
		f.Add(s, "b", "{{a")
	}
	f.Fuzz(func(t *testing.T, text, a, b string) {
		names, expanded, err := vault.ParsedReferences(text, []vault.Scope{{"a": a, "b": b}})
		if err != nil {
			if !isInvalid(err) {
				t.Fatal(err)
			}
			return
		}
		for _, name := range names {
			if strings.ContainsAny(name, "{}") || !strings.Contains(expanded, name) {
				t.Fatalf("%q has a reference to %q", expanded, name)
			}
		}
		if !strings.Contains(text, "{{") && expanded != text {
			t.Fatalf("%q became %q", text, expanded)
		}
		again, same, err := vault.ParsedReferences(expanded, nil)
		if err != nil || same != expanded || !slices.Equal(again, names) {
			t.Fatalf("%q is parted as %q, then %q", expanded, names, again)
		}
	})
}

func requestVault(t *testing.T) *vault.Vault {
	t.Helper()
	v := vaulttest.New(t, map[string]string{"any": "any value", "odd": "a&b=c d/é+%", "nested": "{{vault:any}}", "prod-key": "p"})
	set(t, v, "host", vault.Edit{Value: []byte("api"), Domains: &[]string{"*.example.com"}})
	set(t, v, "bound", vault.Edit{Value: []byte("bound value"), Domains: &[]string{"api.example.com"}})
	set(t, v, "evil", vault.Edit{Value: []byte("api.example.com@evil.test/"), Domains: &[]string{"*.example.com"}})
	off := false
	set(t, v, "off", vault.Edit{Value: []byte("x"), Enabled: &off})
	return v
}

func TestResolve(t *testing.T) {
	v := requestVault(t)
	env := []vault.Scope{{"env": "prod", "base": "https://api.example.com"}}
	for _, c := range []struct{ url, text, wantURL, wantText string }{
		{"{{base}}/v1", "Bearer {{vault:bound}}", "https://api.example.com/v1", "Bearer bound value"},
		{"{{base}}/{{vault:odd}}?q={{vault:odd}}", "{{vault:odd}}", "https://api.example.com/a%26b=c%20d/%C3%A9%2B%25?q=a%26b=c%20d/%C3%A9%2B%25", "a&b=c d/é+%"},
		{"https://{{vault:host}}.example.com/x", "{{vault:bound}}", "https://api.example.com/x", "bound value"},
		{"{{base}}", "{{vault:{{env}}-key}}", "https://api.example.com", "p"},
		{"{{base}}", "{{vault:nested}}", "https://api.example.com", "{{vault:any}}"},
		{"api.example.com/x#{{vault:any}}", "", "http://api.example.com/x", ""},
		{"api.example.com/?u=http://x", "{{unknown}}", "http://api.example.com/?u=http://x", "{{unknown}}"},
		{"https://any.test", "{{vault: any }}", "https://any.test", "any value"},
	} {
		r, err := v.Resolve(t.Context(), vault.Template{URL: c.url, Texts: []string{c.text}}, env, vault.Purpose{}, false)
		if err != nil {
			t.Errorf("%s: %v", c.url, err)
			continue
		}
		if r.URL.String() != c.wantURL || r.Texts[0] != c.wantText {
			t.Errorf("%s: %s and %q", c.url, r.URL, r.Texts)
		}
		if r.HasSecret[0] != (strings.Contains(c.text, "vault:")) {
			t.Errorf("%s: has a secret %v", c.url, r.HasSecret)
		}
	}
}

func TestResolveRefuses(t *testing.T) {
	v := requestVault(t)
	public := vault.Purpose{Workspace: vault.Workspace{ID: "w", Visibility: vault.VisibilityPublic}}
	for _, c := range []struct {
		url, text string
		p         vault.Purpose
		causes    string
	}{
		{"https://evil.test", "{{vault:bound}} {{vault:any}}", vault.Purpose{}, "bound domain"},
		{"http://api.example.com", "{{vault:bound}}", vault.Purpose{}, "bound domain"},
		{"https://api.example.com", "{{vault:missing}}{{vault:off}}{{vault:b:c}}", vault.Purpose{}, "missing not_found, off disabled, b:c not_found"},
		{"https://{{vault:any}}.example.com", "", vault.Purpose{}, "any domain"},
		{"https://{{vault:evil}}.example.com", "{{vault:any}}", vault.Purpose{}, "evil domain"},
		{"https://u:{{vault:any}}@api.example.com", "", vault.Purpose{}, "any domain"},
		{"https://api.example.com:{{vault:any}}/", "{{vault:bound}}", vault.Purpose{}, "any domain, bound domain"},
		{"{{vault:any}}", "", vault.Purpose{}, "any domain"},
		{"https://api.example.com", "{{vault:bound}}{{vault:any}}", public, "bound needs_grant, any needs_grant"},
		{"https://evil.test", "{{vault:bound}}", public, "bound domain"},
	} {
		template := vault.Template{URL: c.url, Texts: []string{c.text}}
		r, err := v.Resolve(t.Context(), template, nil, c.p, false)
		u, ok := errors.AsType[*vault.UnresolvedError](err)
		if !ok || r != nil {
			t.Errorf("%s %s: %v", c.url, c.text, err)
			continue
		}
		var causes []string
		for _, ref := range u.References {
			causes = append(causes, ref.Name+" "+ref.Cause)
			if strings.Contains(ref.Fix, "any value") || strings.Contains(ref.Fix, "evil.test/") || ref.Fix == "" {
				t.Errorf("%s: the fix says %q", c.url, ref.Fix)
			}
		}
		if strings.Join(causes, ", ") != c.causes {
			t.Errorf("%s %s: %q, want %q", c.url, c.text, strings.Join(causes, ", "), c.causes)
		}
		// The check before sending says the same.
		checked, err := v.Check(t.Context(), template, nil, c.p)
		if err != nil {
			t.Error(err)
		}
		checked = slices.DeleteFunc(checked, func(r vault.Reference) bool { return r.State == vault.StateResolved })
		if fmt.Sprint(checked) != fmt.Sprint(u.References) {
			t.Errorf("%s: check says %v, resolve %v", c.url, checked, u.References)
		}
	}
}

// A value in the host part appears in no answer: a page that may not read it
// could otherwise learn it from the advice.
func TestAdviceTellsNoValue(t *testing.T) {
	v := requestVault(t)
	references, err := v.Check(t.Context(), vault.Template{URL: "https://{{vault:bound}}.evil.test/"}, nil, vault.Purpose{App: "https://app.test"})
	if err != nil || len(references) != 1 || references[0].Cause != vault.CauseDomain {
		t.Fatalf("%+v, %v", references, err)
	}
	set(t, v, "label", vault.Edit{Value: []byte("canary"), Domains: &[]string{"api.example.com"}})
	references, err = v.Check(t.Context(), vault.Template{URL: "https://{{vault:label}}.evil.test/", Texts: []string{"{{vault:label}}{{vault:bound}}"}}, nil, vault.Purpose{})
	if err != nil || strings.Contains(fmt.Sprint(references), "canary") || len(references) != 2 {
		t.Fatalf("%+v, %v", references, err)
	}
}

func TestAllowUnresolvedSendsLiteralText(t *testing.T) {
	v := requestVault(t)
	template := vault.Template{URL: "https://api.example.com/{{vault:missing}}", Texts: []string{"{{vault:off}} {{vault:any}}"}}
	r, err := v.Resolve(t.Context(), template, nil, vault.Purpose{}, true)
	if err != nil || r.Texts[0] != "{{vault:off}} any value" || len(r.Used) != 1 {
		t.Fatalf("%+v, %v", r, err)
	}
	template.Texts = append(template.Texts, "{{vault:bound}}")
	template.URL = "https://evil.test"
	if r, err := v.Resolve(t.Context(), template, nil, vault.Purpose{}, true); err == nil {
		t.Fatalf("a domain was overruled: %+v", r)
	}
}

func TestResolveNeedsAnAddressFromAnApp(t *testing.T) {
	v := requestVault(t)
	template := vault.Template{Texts: []string{"{{vault:bound}}"}}
	if r, err := v.Resolve(t.Context(), template, nil, vault.Purpose{App: "https://app.test"}, false); !isInvalid(err) {
		t.Errorf("%+v, %v", r, err)
	}
	if r, err := v.Resolve(t.Context(), template, nil, vault.Purpose{}, false); err != nil || r.Texts[0] != "bound value" {
		t.Errorf("the owner: %+v, %v", r, err)
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	if r, err := v.Resolve(cancelled, template, nil, vault.Purpose{}, false); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %+v, %v", r, err)
	}
}

func TestRequestLimits(t *testing.T) {
	v := requestVault(t)
	var many strings.Builder
	for i := range 1001 {
		fmt.Fprintf(&many, "{{vault:n%d}}", i)
	}
	for what, template := range map[string]vault.Template{
		"names": {URL: "https://a.test", Texts: []string{many.String()}}, "address": {URL: "https://a.test/{{vault:any}}" + strings.Repeat("x", 1<<20)},
	} {
		if _, err := v.Resolve(t.Context(), template, nil, vault.Purpose{}, true); !isInvalid(err) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestMayFollow(t *testing.T) {
	v := requestVault(t)
	r, err := v.Resolve(t.Context(), vault.Template{URL: "https://api.example.com", Texts: []string{"{{vault:any}}{{vault:bound}}"}}, nil, vault.Purpose{}, false)
	if err != nil {
		t.Fatal(err)
	}
	for address, want := range map[string][2]bool{
		"https://api.example.com/other": {true, true}, "https://api.example.com:8443": {false, true}, "http://api.example.com": {false, false}, "https://evil.test": {false, false},
	} {
		to, err := destination(address)
		if err != nil {
			t.Fatal(err)
		}
		if got := [2]bool{r.Used[0].MayFollow(to), r.Used[1].MayFollow(to)}; got != want {
			t.Errorf("%s: %v, want %v", address, got, want)
		}
	}
}

func TestCheckWhileClosed(t *testing.T) {
	v := requestVault(t)
	v.Lock(vault.LockerOwner)
	template := vault.Template{Texts: []string{"{{vault:any}}"}}
	r, err := v.Check(t.Context(), template, nil, vault.Purpose{})
	if err != nil || len(r) != 1 || r[0].Cause != vault.CauseLocked {
		t.Errorf("locked: %+v, %v", r, err)
	}
	if err := v.SignOut(t.Context()); err != nil {
		t.Fatal(err)
	}
	if r, err = v.Check(t.Context(), template, nil, vault.Purpose{}); err != nil || len(r) != 1 || r[0].State != vault.StateEmpty {
		t.Errorf("signed out: %+v, %v", r, err)
	}
}
