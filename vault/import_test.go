package vault_test

import (
	"bytes"
	"compress/zlib"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	agetest "c2sp.org/CCTV/age"
	"filippo.io/age"
	"filippo.io/age/armor"
	"github.com/google/go-cmp/cmp"

	"postern/vault"
	"postern/vault/vaulttest"
)

var exportPassphrase = []byte("correct horse battery staple")

func exportOf(t *testing.T, v *vault.Vault) []byte {
	t.Helper()
	v.SetExportWork(10)
	var out bytes.Buffer
	if err := v.Export(t.Context(), &out, exportPassphrase); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestExportComesBack(t *testing.T) {
	v, _, _, _ := newVault(t)
	fill(t, v)
	want := everything(t, v)
	var plain, armored bytes.Buffer
	if err := v.ExportPlain(t.Context(), &plain); err != nil {
		t.Fatal(err)
	}
	encrypted := exportOf(t, v)
	if bytes.Contains(encrypted, []byte("value of plain")) || bytes.Contains(encrypted, []byte("plain")) {
		t.Fatal("the encrypted export is readable")
	}
	a := armor.NewWriter(&armored)
	if _, err := a.Write(encrypted); err != nil {
		t.Fatal(err)
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	for what, file := range map[string][]byte{"age": encrypted, "plain": plain.Bytes(), "armored": armored.Bytes()} {
		other := vaulttest.New(t, nil)
		calls := 0
		report, err := other.Import(t.Context(), bytes.NewReader(file), vault.ImportOptions{Passphrase: exportPassphrase, Progress: func(done, total int) {
			if calls++; done != calls || total != len(want) {
				t.Errorf("%s: %d of %d", what, done, total)
			}
		}})
		if err != nil || report.Format != vault.FormatPostern || report.Count(vault.ImportAdded) != len(want) || calls != len(want) {
			t.Errorf("%s: %+v, %v", what, report, err)
		}
		sameSecrets(t, other, want)
	}
}

func TestExportRefuses(t *testing.T) {
	v := vaulttest.New(t, map[string]string{"a": "b"})
	if err := v.Export(t.Context(), io.Discard, []byte("elf letters")); !isInvalid(err) {
		t.Errorf("11 characters: %v", err)
	}
	v.Lock(vault.LockerOwner)
	if err := v.ExportPlain(t.Context(), io.Discard); !errors.Is(err, vault.ErrLocked) {
		t.Errorf("locked: %v", err)
	}
}

func TestExportAndImportAreCancelled(t *testing.T) {
	v := vaulttest.New(t, map[string]string{"a": "b"})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := v.ExportPlain(ctx, io.Discard); !errors.Is(err, context.Canceled) {
		t.Errorf("export: %v", err)
	}
	if _, err := v.Import(ctx, strings.NewReader("c=d"), vault.ImportOptions{}); !errors.Is(err, context.Canceled) {
		t.Errorf("import: %v", err)
	}
	if s := v.Status(); s.Secrets != 1 {
		t.Errorf("%+v", s)
	}
}

// A lock ends an export, whose writer may be slow.
func TestLockEndsAnExport(t *testing.T) {
	v := vaulttest.New(t, nil)
	for i := range 10 {
		set(t, v, fmt.Sprint(i), vault.Edit{Value: bytes.Repeat([]byte("x"), 9000)})
	}
	err := v.ExportPlain(t.Context(), writerFunc(func(b []byte) (int, error) { v.Lock(vault.LockerOwner); return len(b), nil }))
	if !errors.Is(err, vault.ErrLocked) {
		t.Fatal(err)
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }

// The age command of the system reads what is exported.
func TestAgeCommandReadsAnExport(t *testing.T) {
	for program, debianPackage := range map[string]string{"age": "age", "script": "bsdutils"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Fatalf("%s is missing: install the package %s", program, debianPackage)
		}
	}
	v := vaulttest.New(t, map[string]string{"token": "canary value"})
	file := filepath.Join(t.TempDir(), "export.age")
	writeFile(t, file, exportOf(t, v))
	// age asks for a passphrase on a terminal; script gives it one.
	out := file + ".json"
	cmd := exec.Command("script", "-qec", "age --decrypt --output "+out+" "+file, "/dev/null")
	cmd.Stdin = io.MultiReader(bytes.NewReader(exportPassphrase), strings.NewReader("\n"))
	if said, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	text, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	var file1 struct {
		Format  string
		Secrets []struct{ Name, Value string }
	}
	if err := json.Unmarshal(text, &file1); err != nil || file1.Format != "postern-secrets" || file1.Secrets[0].Value != "canary value" {
		t.Fatalf("%+v, %v", file1, err)
	}
}

func TestImportFormats(t *testing.T) {
	for _, c := range []struct{ what, format, text, want string }{
		{"env", vault.FormatEnv, "# comment\n\nA=1\nexport B = two words # not this\r\nC='lit $x \\n'\nD=\"a\\nb\\\"c\\\\\"\nE=\"two\nlines\"\nF=a#b\nG==x=\n",
			"A=1|B=two words|C=lit $x \\n|D=a\nb\"c\\|E=two\nlines|F=a#b|G==x="},
		{"environment", vault.FormatPostmanEnvironment, `{"id":"1","name":"Prod","values":[{"key":"base","value":"https://x","type":"default","enabled":true},{"key":"off","value":"y","enabled":false}],"_postman_variable_scope":"environment"}`,
			"base=https://x|off=y (off)"},
		{"vault", vault.FormatPostmanVault, `{"vaultSecrets":[{"name":"k","value":"v","allowedDomains":["example.com"]},{"key":"d","value":"w","disabled":true}]}`,
			"d=w (off)|k=v [example.com]"},
		{"vault list", vault.FormatPostmanVault, `[{"key":"k","value":"v","domains":["*.example.com"]}]`, "k=v [*.example.com]"},
		{"vault scope", vault.FormatPostmanVault, `{"values":[{"key":"k","value":"v"}],"_postman_variable_scope":"vault"}`, "k=v"},
		{"ours", vault.FormatPostern, "\ufeff" + `{"format":"postern-secrets","version":1,"secrets":[{"name":"n","value":"v","enabled":true,"domains":["a.example"],"later":1}]}`, "n=v [a.example]"},
	} {
		t.Run(c.what, func(t *testing.T) {
			v := vaulttest.New(t, nil)
			report, err := v.Import(t.Context(), strings.NewReader(c.text), vault.ImportOptions{})
			if err != nil || report.Format != c.format {
				t.Fatalf("%+v, %v", report, err)
			}
			list, _, _ := v.List(t.Context(), vault.Query{})
			var got []string
			for _, s := range list {
				value, err := v.Reveal(t.Context(), s.Name)
				if err != nil {
					t.Fatal(err)
				}
				text := s.Name + "=" + string(value)
				if len(s.Domains) > 0 {
					text += fmt.Sprint(" ", s.Domains)
				}
				if !s.Enabled {
					text += " (off)"
				}
				got = append(got, text)
			}
			if diff := cmp.Diff(c.want, strings.Join(got, "|")); diff != "" {
				t.Fatal(diff)
			}
		})
	}
}

func TestImportRefuses(t *testing.T) {
	v := vaulttest.New(t, nil)
	encrypted := exportOf(t, v)
	for what, c := range map[string]struct {
		text string
		o    vault.ImportOptions
		want error
	}{
		"no passphrase":    {string(encrypted), vault.ImportOptions{}, vault.ErrNeedsPassphrase},
		"wrong passphrase": {string(encrypted), vault.ImportOptions{Passphrase: []byte("x")}, vault.ErrWrongPassphrase},
		"cut":              {string(encrypted[:len(encrypted)-1]), vault.ImportOptions{Passphrase: exportPassphrase}, vault.ErrDamagedExport},
		"no JSON":          {"{", vault.ImportOptions{}, nil}, "a string": {`"x"`, vault.ImportOptions{}, nil}, "no secrets": {"{}", vault.ImportOptions{}, nil},
		"newer": {`{"format":"postern-secrets","version":2}`, vault.ImportOptions{}, nil}, "no name": {"just words\n", vault.ImportOptions{}, nil},
		"open quote": {"A='x\nB=2\n", vault.ImportOptions{}, nil}, "not UTF-8": {"A=\xff", vault.ImportOptions{}, nil},
		"another format": {"A=1", vault.ImportOptions{Format: vault.FormatPostern}, nil}, "unknown rule": {"A=1", vault.ImportOptions{OnDuplicate: "guess"}, nil},
	} {
		report, err := v.Import(t.Context(), strings.NewReader(c.text), c.o)
		if !isInvalid(err) || (c.want != nil && !errors.Is(err, c.want)) {
			t.Errorf("%s: %+v, %v", what, report, err)
		}
	}
	if _, err := v.Import(t.Context(), io.LimitReader(zeros{}, 1<<40), vault.ImportOptions{}); !isInvalid(err) {
		t.Errorf("without end: %v", err)
	}
	if n := v.Status().Secrets; n != 0 {
		t.Errorf("%d secrets came of it", n)
	}
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }

func TestImportDuplicates(t *testing.T) {
	const file = "a=new\nb=2\na=again\n{bad}=x\nempty=\n"
	long := strings.Repeat("n", 255)
	for rule, want := range map[string]string{
		"":                     "a skipped, b added b, a skipped, {bad} refused, empty refused => map[a:old b:2]",
		vault.DuplicateSkip:    "a skipped, b added b, a skipped, {bad} refused, empty refused => map[a:old b:2]",
		vault.DuplicateReplace: "a replaced a, b added b, a replaced a, {bad} refused, empty refused => map[a:again b:2]",
		vault.DuplicateRename:  "a renamed a (2), b added b, a renamed a (3), {bad} refused, empty refused => map[a:old a (2):new a (3):again b:2]",
	} {
		v := vaulttest.New(t, map[string]string{"a": "old"})
		dry, err := v.Import(t.Context(), strings.NewReader(file), vault.ImportOptions{OnDuplicate: rule, DryRun: true})
		if err != nil || v.Status().Secrets != 1 {
			t.Fatalf("a dry run left %d secrets, %v", v.Status().Secrets, err)
		}
		report, err := v.Import(t.Context(), strings.NewReader(file), vault.ImportOptions{OnDuplicate: rule})
		if err != nil || !cmp.Equal(dry, report) {
			t.Fatalf("%q: %v\n%s", rule, err, cmp.Diff(dry, report))
		}
		var said []string
		for _, item := range report.Items {
			said = append(said, strings.TrimSpace(item.Name+" "+item.Result+" "+item.As))
			if (item.Reason != "") != (item.Result == vault.ImportRefused) {
				t.Errorf("%q: %+v", rule, item)
			}
		}
		values := map[string]string{}
		for name, s := range everything(t, v) {
			values[name] = s.Value
		}
		if got := fmt.Sprint(strings.Join(said, ", "), " => ", values); got != want {
			t.Errorf("%q: %s", rule, got)
		}
	}
	v := vaulttest.New(t, map[string]string{long: "old"})
	report, err := v.Import(t.Context(), strings.NewReader(long+"=new"), vault.ImportOptions{OnDuplicate: vault.DuplicateRename})
	if err != nil || report.Items[0].As != long[:251]+" (2)" {
		t.Errorf("a name that has no room for a number: %+v, %v", report, err)
	}
}

// The vectors of the age format go through the import: what they must decrypt to
// is read as an import, and what must fail fails by name. None takes long or
// panics. Vectors without a passphrase are of kinds that an import refuses.
func TestAgeVectors(t *testing.T) {
	names, err := fs.Glob(agetest.Vectors, "*")
	if err != nil || len(names) < 140 {
		t.Fatal(len(names), err)
	}
	v := vaulttest.New(t, nil)
	opened := 0
	for _, name := range names {
		vector, err := fs.ReadFile(agetest.Vectors, name)
		if err != nil {
			t.Fatal(err)
		}
		head, file, _ := bytes.Cut(vector, []byte("\n\n"))
		fields := map[string]string{}
		for _, line := range strings.Split(string(head), "\n") {
			key, value, _ := strings.Cut(line, ": ")
			fields[key] = value
		}
		if fields["compressed"] == "zlib" {
			r, err := zlib.NewReader(bytes.NewReader(file))
			if err != nil {
				t.Fatal(err)
			}
			if file, err = io.ReadAll(r); err != nil {
				t.Fatal(err)
			}
		}
		passphrase := fields["passphrase"]
		payload, err := vault.DecryptImport(file, []byte(passphrase))
		switch {
		case passphrase == "" && fields["expect"] != "armor failure":
			if err == nil {
				t.Errorf("%s was opened without a passphrase", name)
			}
		case fields["expect"] == "success":
			opened++
			if sum := sha256.Sum256(payload); err != nil || hex.EncodeToString(sum[:]) != fields["payload"] {
				t.Errorf("%s: %v", name, err)
			}
		case fields["expect"] == "no match":
			if !errors.Is(err, vault.ErrWrongPassphrase) {
				t.Errorf("%s: %v", name, err)
			}
		case !isInvalid(err):
			t.Errorf("%s: %v", name, err)
		}
		if _, err := v.Import(t.Context(), bytes.NewReader(file), vault.ImportOptions{Passphrase: []byte(passphrase)}); !isInvalid(err) {
			t.Errorf("%s as an import: %v", name, err)
		}
	}
	if opened < 2 {
		t.Fatalf("%d vectors opened", opened)
	}
}

// A small encrypted file that grows without end when it is decrypted is refused,
// and so is one that asks for gigabytes.
func TestHostileEncryptedImport(t *testing.T) {
	encrypt := func(work, size int) []byte {
		recipient, err := age.NewScryptRecipient(string(exportPassphrase))
		if err != nil {
			t.Fatal(err)
		}
		recipient.SetWorkFactor(work)
		var out bytes.Buffer
		w, err := age.Encrypt(&out, recipient)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(bytes.Repeat([]byte(" "), size)); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return out.Bytes()
	}
	v := vaulttest.New(t, nil)
	_, err := v.Import(t.Context(), bytes.NewReader(encrypt(10, 64<<20+1)), vault.ImportOptions{Passphrase: exportPassphrase})
	if !isInvalid(err) {
		t.Errorf("too large: %v", err)
	}
	costly := bytes.Replace(encrypt(10, 1), []byte(" 10\n"), []byte(" 21\n"), 1)
	begin := time.Now()
	_, err = v.Import(t.Context(), bytes.NewReader(costly), vault.ImportOptions{Passphrase: exportPassphrase})
	if !errors.Is(err, vault.ErrDamagedExport) {
		t.Errorf("costly after %v: %v", time.Since(begin), err)
	}
}

func FuzzImport(f *testing.F) {
	for _, s := range []string{"A=1\n", `{"values":[{"key":"a","value":"b"}]}`, `[{"key":"a"}]`, `{"format":"postern-secrets","version":1,"secrets":[{"name":"n","value":"v"}]}`, "A=\"x\\n", "export A='1'\n#"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if _, err := vault.ParseImport(text); err != nil && !isInvalid(err) {
			t.Fatal(err)
		}
	})
}
