package vault_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"postern/vault"
	"postern/vault/vaulttest"
)

func TestNamesAndValues(t *testing.T) {
	v := vaulttest.New(t, nil)
	for name, want := range map[string]string{
		"a": "a", "  b\t": "b", "e\u0301": "é", strings.Repeat("é", 255): strings.Repeat("é", 255), "with space": "with space", "नमस्\u200dते": "नमस्\u200dते", "🔑": "🔑", "a/b.c-d_e": "a/b.c-d_e",
	} {
		if s, err := v.Set(t.Context(), name, vault.Edit{Value: []byte("x")}); err != nil || s.Name != want {
			t.Errorf("%q became %q, %v", name, s.Name, err)
		}
		if value, err := v.Reveal(t.Context(), name); err != nil || string(value) != "x" {
			t.Errorf("%q: %q, %v", name, value, err)
		}
	}
	before := v.Status().Secrets
	for _, name := range []string{"", "  ", "a{b", "a}b", "a:b", "a\nb", "a\x00", "a\u2028x", "a\u202eb", "a\u200bb", "\ufeffa", "x\u2066y", "\xff", strings.Repeat("a", 256)} {
		if _, err := v.Set(t.Context(), name, vault.Edit{Value: []byte("x")}); !isInvalid(err) {
			t.Errorf("name %q: %v", name, err)
		}
	}
	for what, value := range map[string][]byte{"none": nil, "empty": {}, "not UTF-8": {0xff}, "too long": make([]byte, vault.MaxValue+1)} {
		if _, err := v.Set(t.Context(), "new", vault.Edit{Value: value}); !isInvalid(err) {
			t.Errorf("value %s: %v", what, err)
		}
	}
	for what, domains := range map[string][]string{"bad": {"*.com"}, "too many": make([]string, 101)} {
		if _, err := v.Set(t.Context(), "new", vault.Edit{Value: []byte("x"), Domains: &domains}); !isInvalid(err) {
			t.Errorf("domains %s: %v", what, err)
		}
	}
	if after := v.Status().Secrets; after != before {
		t.Errorf("%d secrets before what was refused, %d after", before, after)
	}
}

func TestCanonicalNameIsCanonical(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name, err := vault.CanonicalName(rapid.String().Draw(t, "name"))
		if err != nil {
			return
		}
		if again, err := vault.CanonicalName(name); err != nil || again != name {
			t.Fatalf("%q became %q, %v", name, again, err)
		}
	})
}

func TestRenameEditDelete(t *testing.T) {
	v := vaulttest.New(t, map[string]string{"a": "1", "b": "2"})
	off, domains := false, []string{"Example.com", "example.com", "http://localhost:3000"}
	set(t, v, "a", vault.Edit{Enabled: &off, Domains: &domains})
	if err := v.Rename(t.Context(), "a", "b"); !errors.Is(err, vault.ErrExists) {
		t.Errorf("to a name in use: %v", err)
	}
	if err := v.Rename(t.Context(), "missing", "c"); !errors.Is(err, vault.ErrNotFound) {
		t.Errorf("what is not there: %v", err)
	}
	if err := v.Rename(t.Context(), "a", "c:d"); !isInvalid(err) {
		t.Errorf("to a bad name: %v", err)
	}
	if err := v.Rename(t.Context(), "a", "A"); err != nil {
		t.Fatal(err)
	}
	all := everything(t, v)
	if fmt.Sprint(all) != `map[A:{1 false [example.com http://localhost:3000]} b:{2 true []}]` {
		t.Fatal(all)
	}
	if err := v.Delete(t.Context(), "b", "missing"); !errors.Is(err, vault.ErrNotFound) {
		t.Errorf("one of two missing: %v", err)
	}
	if len(everything(t, v)) != 2 {
		t.Error("a refused deletion deleted something")
	}
	if err := v.Delete(t.Context(), "b", "A"); err != nil || len(everything(t, v)) != 0 {
		t.Errorf("delete: %v", err)
	}
	if _, err := v.Reveal(t.Context(), "b"); !errors.Is(err, vault.ErrNotFound) {
		t.Errorf("reveal: %v", err)
	}
}

func TestList(t *testing.T) {
	v := vaulttest.New(t, nil)
	for _, name := range []string{"beta", "Alpha", "alpha", "École", "gamma"} {
		set(t, v, name, vault.Edit{Value: []byte("x")})
	}
	for _, c := range []struct {
		query vault.Query
		want  string
		total int
	}{
		{vault.Query{}, "Alpha alpha beta gamma École", 5}, {vault.Query{Sort: "-name"}, "École gamma beta alpha Alpha", 5},
		{vault.Query{Filter: "AL"}, "Alpha alpha", 2}, {vault.Query{Filter: "e\u0301c"}, "École", 1}, {vault.Query{Filter: "zz"}, "", 0},
		{vault.Query{Offset: 1, Limit: 2}, "alpha beta", 5}, {vault.Query{Offset: 9}, "", 5}, {vault.Query{Filter: "a", Limit: 1, Sort: "-name"}, "gamma", 4},
	} {
		page, total, err := v.List(t.Context(), c.query)
		var names []string
		for _, s := range page {
			names = append(names, s.Name)
		}
		if err != nil || strings.Join(names, " ") != c.want || total != c.total {
			t.Errorf("%+v: %q of %d, %v", c.query, names, total, err)
		}
	}
	for _, q := range []vault.Query{{Sort: "value"}, {Offset: -1}, {Limit: -1}} {
		if _, _, err := v.List(t.Context(), q); !isInvalid(err) {
			t.Errorf("%+v: %v", q, err)
		}
	}
	if page, _, err := v.List(t.Context(), vault.Query{Sort: "-updated"}); err != nil || len(page) != 5 || page[0].Updated.Before(page[4].Updated) {
		t.Errorf("by time: %v, %v", page, err)
	}
}

func TestGenerate(t *testing.T) {
	v := vaulttest.New(t, nil)
	seen := map[string]bool{}
	var all []byte
	for i := range 20 {
		if _, err := v.Generate(t.Context(), fmt.Sprint("g", i), 1024, vault.Edit{}); err != nil {
			t.Fatal(err)
		}
		value, err := v.Reveal(t.Context(), fmt.Sprint("g", i))
		if err != nil || len(value) != 1024 || seen[string(value)] {
			t.Fatalf("%q, %v", value, err)
		}
		seen[string(value)] = true
		all = append(all, value...)
	}
	// Each of 56 characters comes 366 times of 20,480, give or take 19.
	for _, c := range []byte("ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnpqrstuvwxyz23456789") {
		if n := bytes.Count(all, []byte{c}); n < 240 || n > 490 {
			t.Errorf("%q comes %d times", c, n)
		}
	}
	for _, n := range []int{-1, 7, 1025} {
		if _, err := v.Generate(t.Context(), "x", n, vault.Edit{}); !isInvalid(err) {
			t.Errorf("length %d: %v", n, err)
		}
	}
}
