package vault_test

import (
	"bufio"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"postern/vault"
)

// fileKeys is a key store in a folder, which outlives a process that is killed.
type fileKeys struct{ dir string }

func (k fileKeys) path(name string) string {
	return filepath.Join(k.dir, hex.EncodeToString([]byte(name)))
}

func (k fileKeys) Get(_ context.Context, name string) (string, error) {
	text, err := os.ReadFile(k.path(name))
	if errors.Is(err, os.ErrNotExist) {
		err = vault.ErrKeyNotStored
	}
	return string(text), err
}

func (k fileKeys) Set(_ context.Context, name, text string) error {
	draft := k.path(name) + ".new"
	return errors.Join(os.WriteFile(draft, []byte(text), 0o600), os.Rename(draft, k.path(name)))
}

func (k fileKeys) Delete(_ context.Context, name string) error {
	if err := os.Remove(k.path(name)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// workModel is what a vault should hold: name to value, nil when there is no vault.
type workModel map[string]string

// after gives the model once an operation is done.
func (m workModel) after(op string) workModel {
	words := strings.Fields(op)
	next := maps.Clone(m)
	switch words[0] {
	case "create":
		next = workModel{}
	case "signout":
		next = nil
	case "put":
		next[words[1]] = words[2]
	case "rename":
		next[words[2]] = next[words[1]]
		delete(next, words[1])
	case "delete":
		delete(next, words[1])
	case "import":
		for i := range 10 {
			next[fmt.Sprint("import", i)] = words[1]
		}
	}
	return next
}

// nextOp chooses what to do next.
func (m workModel) nextOp(r *rand.Rand, n int) string {
	if m == nil {
		return "create"
	}
	name := fmt.Sprint("name", r.IntN(8))
	switch k := r.IntN(40); {
	case k < 4:
		return "rotate"
	case k < 8:
		return "deep"
	case k < 12:
		return fmt.Sprint("import ", n)
	case k < 13:
		return "signout"
	case k < 16 && m[name] != "":
		return "delete " + name
	case k < 19 && m[name] != "":
		return fmt.Sprintf("rename %s other%d", name, n)
	}
	return fmt.Sprintf("put %s %d", name, n)
}

func doOp(v *vault.Vault, op string) (err error) {
	ctx := context.Background()
	words := strings.Fields(op)
	switch words[0] {
	case "create":
		_, err = v.Create(ctx, true)
	case "signout":
		err = v.SignOut(ctx)
	case "put":
		_, err = v.Set(ctx, words[1], vault.Edit{Value: []byte(words[2])})
	case "rename":
		err = v.Rename(ctx, words[1], words[2])
	case "delete":
		err = v.Delete(ctx, words[1])
	case "rotate":
		_, err = v.Rotate(ctx)
	case "deep":
		_, err = v.RotateDeep(ctx)
	case "import":
		var file strings.Builder
		for i := range 10 {
			fmt.Fprintf(&file, "import%d=%s\n", i, words[1])
		}
		_, err = v.Import(ctx, strings.NewReader(file.String()), vault.ImportOptions{OnDuplicate: vault.DuplicateReplace})
	}
	return err
}

// workVault opens what a killed process left, as the agent does at its start.
func workVault(dir, keyDir string) (*vault.Vault, workModel, error) {
	ctx := context.Background()
	accounts := vault.NewAccounts(vault.Options{Dir: dir, Keys: fileKeys{keyDir}})
	if err := accounts.FinishSignOuts(ctx); err != nil {
		return nil, nil, fmt.Errorf("finish sign-outs: %w", err)
	}
	v := accounts.Vault(vault.LocalAccount)
	if v.Status().State == vault.StateNone {
		return v, nil, nil
	}
	if err := v.Open(ctx, nil); err != nil {
		return nil, nil, fmt.Errorf("open: %w", err)
	}
	list, _, err := v.List(ctx, vault.Query{})
	if err != nil {
		return nil, nil, err
	}
	model := workModel{}
	for _, s := range list {
		value, err := v.Reveal(ctx, s.Name)
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", s.Name, err)
		}
		model[s.Name] = string(value)
	}
	return v, model, nil
}

// workChild works on a vault until it is killed: it says what it will do, does
// it, and says that it did.
func workChild(args []string) error {
	seed, err := strconv.ParseUint(args[2], 10, 64)
	if err != nil {
		return err
	}
	v, model, err := workVault(args[0], args[1])
	if err != nil {
		return err
	}
	r := rand.New(rand.NewPCG(seed, 1))
	for n := int(seed) * 100_000; ; n++ {
		op := model.nextOp(r, n)
		fmt.Println("will", op)
		if err := doOp(v, op); err != nil {
			return fmt.Errorf("%s: %w", op, err)
		}
		fmt.Println("did", op)
		model = model.after(op)
		if len(args) > 3 && model != nil {
			v.SetNoSync()
		}
	}
}

// workRound lets a child work, ends it by stop at a random moment, and returns
// what it did and what it was at.
func workRound(t *testing.T, seed uint64, args []string, stop func(*os.Process)) (did []string, pending string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	child := exec.Command(self, append([]string{"work"}, args...)...)
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	first, lines := make(chan struct{}), make(chan []string)
	go readLines(out, first, lines)
	<-first
	// Any moment will do; this only chooses one.
	time.Sleep(time.Duration(rand.New(rand.NewPCG(seed, 2)).IntN(60_000)) * time.Microsecond)
	stop(child.Process)
	for _, line := range <-lines {
		word, op, _ := strings.Cut(line, " ")
		switch word {
		case "will":
			pending = op
		case "did":
			did, pending = append(did, op), ""
		default:
			// The disk went away under it.
			if op, _, found := strings.Cut(op, ":"); !found || pending == "" || op != pending {
				t.Fatal(line)
			}
		}
	}
	_ = child.Wait()
	return did, pending
}

func readLines(r io.Reader, first chan<- struct{}, lines chan<- []string) {
	var all []string
	for scan := bufio.NewScanner(r); scan.Scan(); {
		if all = append(all, scan.Text()); len(all) == 1 {
			close(first)
		}
	}
	if len(all) == 0 {
		close(first)
	}
	lines <- all
}

// judgeRound fails unless the vault holds what was acknowledged, with or without
// the operation that was cut off. It returns what it holds.
func judgeRound(t *testing.T, dir, keyDir string, model workModel, did []string, pending string) (workModel, bool) {
	t.Helper()
	for _, op := range did {
		model = model.after(op)
	}
	v, got, err := workVault(dir, keyDir)
	if err != nil {
		t.Fatalf("after %q and in the middle of %q: %v", did[max(0, len(did)-3):], pending, err)
	}
	v.Lock(vault.LockerExit)
	same := func(want workModel) bool { return (got == nil) == (want == nil) && maps.Equal(got, want) }
	kept := same(model) || pending != "" && same(model.after(pending))
	if !kept {
		t.Logf("after %q and in the middle of %q the vault holds %v, and should %v", did[max(0, len(did)-3):], pending, got, model)
	}
	return got, kept
}

// A process that is killed at any moment has lost nothing that it acknowledged.
func TestKilledAtAnyMoment(t *testing.T) {
	rounds := 50
	if text := os.Getenv("POSTERN_KILL_ROUNDS"); text != "" {
		var err error
		if rounds, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	dir, keyDir := filepath.Join(t.TempDir(), "vaults"), t.TempDir()
	var model workModel
	total := map[string]int{}
	for round := range rounds {
		seed := strconv.Itoa(round + 1)
		did, pending := workRound(t, uint64(round), []string{dir, keyDir, seed}, func(p *os.Process) { _ = p.Kill() })
		var kept bool
		if model, kept = judgeRound(t, dir, keyDir, model, did, pending); !kept {
			t.Fatalf("round %d lost what was acknowledged", round)
		}
		for _, op := range did {
			total[strings.Fields(op)[0]]++
		}
	}
	t.Logf("%d rounds: %v", rounds, total)
	for _, op := range []string{"create", "put", "rotate", "deep", "import"} {
		if total[op] == 0 {
			t.Errorf("no %s was done in %d rounds", op, rounds)
		}
	}
}
