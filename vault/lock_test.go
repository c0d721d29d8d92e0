package vault_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"postern/vault"
	"postern/vault/seal"
	"postern/vault/vaulttest"
)

func TestIdleLimitCountsFromTheLastUse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := vaulttest.New(t, map[string]string{"token": "x"})
		for range 5 {
			time.Sleep(9 * time.Minute)
			if _, err := v.Reveal(t.Context(), "token"); err != nil {
				t.Fatal("in use:", err)
			}
		}
		time.Sleep(10*time.Minute - time.Second)
		set(t, v, "token", vault.Edit{Value: []byte("y")})
		time.Sleep(10*time.Minute - time.Second)
		if s := v.Status(); s.State != vault.StateOpen {
			t.Fatal("locked too early, and looking at the status is no use")
		}
		time.Sleep(2 * time.Second)
		if s := v.Status(); s.State != vault.StateLocked || v.LockedBy() != vault.LockerTimer {
			t.Fatalf("%+v by %v after the idle limit", s, v.LockedBy())
		}
	})
}

func TestHardLimitLocksAVaultInUse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := vaulttest.New(t, map[string]string{"token": "x"})
		for range 12*6 - 1 {
			time.Sleep(10*time.Minute - time.Second)
			if _, err := v.Reveal(t.Context(), "token"); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(5 * time.Minute)
		if _, err := v.Reveal(t.Context(), "token"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(7 * time.Minute)
		if _, err := v.Reveal(t.Context(), "token"); !errors.Is(err, vault.ErrLocked) {
			t.Fatalf("12 hours after it was opened: %v", err)
		}
	})
}

// The timers of an opening end with it: what is opened later has its own.
func TestTimersOfAnEarlierOpening(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := vaulttest.New(t, nil)
		time.Sleep(9 * time.Minute)
		v.Lock(vault.LockerOwner)
		open(t, v)
		time.Sleep(9 * time.Minute)
		if s := v.Status(); s.State != vault.StateOpen {
			t.Fatal("a timer of the earlier opening locked the later one")
		}
	})
}

// A timer that fired just before its opening ended does nothing to the next one.
func TestTimerThatFiredTooLate(t *testing.T) {
	v := vaulttest.New(t, nil)
	late := v.Expirer()
	v.Lock(vault.LockerOwner)
	open(t, v)
	late()
	if s := v.Status(); s.State != vault.StateOpen {
		t.Fatal("the timer of an earlier opening locked the later one")
	}
	v.Expirer()()
	if s := v.Status(); s.State != vault.StateLocked || v.LockedBy() != vault.LockerTimer {
		t.Fatalf("%+v by %v", s, v.LockedBy())
	}
}

// The anchor is written once a minute while there are changes, and at a lock.
func TestAnchorFollowsTheFile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v, _, keys, _ := newVault(t)
		anchor := func() string {
			for name, text := range keys.All() {
				if len(name) > 11 && name[len(name)-11:] == " generation" {
					return text
				}
			}
			return ""
		}
		set(t, v, "a", vault.Edit{Value: []byte("1")})
		set(t, v, "a", vault.Edit{Value: []byte("2")})
		time.Sleep(59 * time.Second)
		if anchor() != "" {
			t.Fatal("written for every change")
		}
		time.Sleep(2 * time.Second)
		if anchor() != "3" {
			t.Fatalf("after a minute it says %q", anchor())
		}
		set(t, v, "a", vault.Edit{Value: []byte("3")})
		v.Lock(vault.LockerOwner)
		if anchor() != "4" {
			t.Fatalf("after a lock it says %q", anchor())
		}
	})
}

func TestWhileOpenEndsWithTheLock(t *testing.T) {
	v := vaulttest.New(t, nil)
	ctx, cancel, err := v.WhileOpen(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer cancel()
	v.Lock(vault.LockerOwner)
	<-ctx.Done()
	if cause := context.Cause(ctx); !errors.Is(cause, vault.ErrLocked) {
		t.Fatalf("cause %v", cause)
	}
	if _, _, err := v.WhileOpen(t.Context()); !errors.Is(err, vault.ErrLocked) {
		t.Fatalf("while locked: %v", err)
	}
}

// Uses of every kind race a lock: one that began after Lock returned gives
// nothing, and one that fails says why.
func TestNothingIsGivenAfterALock(t *testing.T) {
	v := vaulttest.New(t, map[string]string{"token": "x"})
	ctx := t.Context()
	uses := []func() (bool, error){
		func() (bool, error) { b, err := v.Reveal(ctx, "token"); return b != nil, err },
		func() (bool, error) {
			r, err := v.Resolve(ctx, vault.Template{URL: "https://a.example/{{vault:token}}"}, nil, vault.Purpose{}, false)
			return r != nil, err
		},
		func() (bool, error) { k, err := v.Key(); return k != nil, err },
		func() (bool, error) { s, _, err := v.List(ctx, vault.Query{}); return len(s) > 0, err },
		func() (bool, error) {
			_, err := v.Set(ctx, "other", vault.Edit{Value: []byte("y")})
			return err == nil, err
		},
	}
	for round := range 10 {
		var locked atomic.Bool
		var group sync.WaitGroup
		begin := make(chan struct{})
		for i := range 100 {
			use := uses[(i+round)%len(uses)]
			group.Go(func() {
				<-begin
				for !locked.Load() {
					if _, err := use(); err != nil && !errors.Is(err, vault.ErrLocked) {
						t.Errorf("while it is locked: %v", err)
					}
				}
				if given, err := use(); given || !errors.Is(err, vault.ErrLocked) {
					t.Errorf("after the lock: given %v, %v", given, err)
				}
			})
		}
		close(begin)
		v.Lock(vault.LockerApp)
		locked.Store(true)
		group.Wait()
		open(t, v)
	}
}

// A lock that comes while somebody answers the password manager's prompt wins.
func TestLockWinsOverAnOpenUnderWay(t *testing.T) {
	keys := &slowKeys{asked: make(chan struct{}), answer: make(chan struct{})}
	accounts, _ := vaulttest.Accounts(t, vault.Options{Keys: keys})
	v := accounts.Vault(vault.LocalAccount)
	if _, err := v.Create(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	v.Lock(vault.LockerApp)
	keys.slow.Store(true)
	done := make(chan error)
	go func() { done <- v.Open(t.Context(), nil) }()
	<-keys.asked
	v.Lock(vault.LockerOwner)
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	if err := v.Open(cancelled, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("a second open that gave up: %v", err)
	}
	close(keys.answer)
	if err := <-done; !errors.Is(err, vault.ErrLocked) {
		t.Fatalf("open: %v", err)
	}
	if s := v.Status(); s.State != vault.StateLocked || v.LockedBy() != vault.LockerOwner {
		t.Fatalf("%+v by %v", s, v.LockedBy())
	}
	open(t, v)
}

// slowKeys is a key store that says when it is asked and waits to answer.
type slowKeys struct {
	vaulttest.Keys
	slow          atomic.Bool
	asked, answer chan struct{}
}

func (k *slowKeys) Get(ctx context.Context, name string) (string, error) {
	if k.slow.CompareAndSwap(true, false) {
		k.asked <- struct{}{}
		<-k.answer
	}
	return k.Keys.Get(ctx, name)
}

// A lock waits for the transaction under way, which is then durable.
func TestLockWaitsForTheTransactionUnderWay(t *testing.T) {
	v := vaulttest.New(t, nil)
	var inside atomic.Bool
	locking, locked := make(chan struct{}), make(chan struct{})
	err := v.InTransaction(func() {
		inside.Store(true)
		go func() {
			defer close(locked)
			close(locking)
			v.Lock(vault.LockerOwner)
			if inside.Load() {
				t.Error("locked in the middle of a transaction")
			}
		}()
		<-locking
		for range 10_000 {
			runtime.Gosched()
		}
		inside.Store(false)
	})
	if err != nil {
		t.Error(err)
	}
	<-locked
	if s := v.Status(); s.State != vault.StateLocked {
		t.Errorf("%+v after it", s)
	}
}

func TestOpeningAnOpenVault(t *testing.T) {
	v, _, keys, key := newVault(t)
	if err := v.Open(t.Context(), parseKey(t, key)); err != nil {
		t.Error("its own key:", err)
	}
	if err := v.Open(t.Context(), seal.NewVaultKey()); !errors.Is(err, vault.ErrWrongKey) {
		t.Errorf("another key: %v", err)
	}
	keys.Refuse = vault.ErrPasswordManagerLocked
	if err := v.Open(t.Context(), nil); err != nil {
		t.Error("without a key nobody is asked:", err)
	}
	keys.Refuse = nil
}

func TestTwoProcesses(t *testing.T) {
	v, dir, keys, _ := newVault(t)
	if err := reopen(t, dir, keys).Open(t.Context(), nil); !errors.Is(err, vault.ErrBusy) {
		t.Fatalf("while another has it open: %v", err)
	}
	v.Lock(vault.LockerOwner)
	open(t, reopen(t, dir, keys))
}

// Callers that write at once share transactions; each gets its own answer.
func TestManyWritersAtOnce(t *testing.T) {
	v := vaulttest.New(t, nil)
	var group sync.WaitGroup
	for i := range 64 {
		group.Go(func() {
			_, err := v.Set(t.Context(), fmt.Sprint("secret ", i), vault.Edit{Value: fmt.Append(nil, i)})
			if err != nil {
				t.Error(err)
			}
			if _, err := v.Set(t.Context(), fmt.Sprint("none ", i), vault.Edit{}); err == nil {
				t.Error("a secret without a value was saved")
			}
			if err := v.Delete(t.Context(), "missing"); !errors.Is(err, vault.ErrNotFound) {
				t.Errorf("delete: %v", err)
			}
		})
	}
	group.Wait()
	all := everything(t, v)
	v.Lock(vault.LockerOwner)
	open(t, v)
	if again := everything(t, v); len(all) != 64 || len(again) != 64 || again["secret 7"].Value != "7" {
		t.Fatalf("%d secrets, %d after a lock", len(all), len(again))
	}
}

// busyKeys is a password manager that does not come back from storing a
// generation until it is let go.
type busyKeys struct {
	vaulttest.Keys
	asked   chan struct{}
	release chan struct{}
}

func (k *busyKeys) Set(ctx context.Context, name, text string) error {
	if strings.HasSuffix(name, " generation") {
		k.asked <- struct{}{}
		<-k.release
	}
	return k.Keys.Set(ctx, name, text)
}

func TestLockAllDoesNotWaitForThePasswordManager(t *testing.T) {
	keys := &busyKeys{asked: make(chan struct{}, 2), release: make(chan struct{})}
	accounts, _ := vaulttest.Accounts(t, vault.Options{Keys: keys})
	names := []string{vault.LocalAccount, "https://app.example.com#alice"}
	for _, name := range names {
		if _, err := accounts.Vault(name).Create(t.Context(), true); err != nil {
			t.Fatal(err)
		}
	}
	done := make(chan struct{})
	go func() {
		accounts.LockAll(vault.LockerTimer)
		close(done)
	}()
	<-keys.asked
	for _, name := range names {
		if s := accounts.Vault(name).Status(); s.State != vault.StateLocked {
			t.Errorf("%s is %s while the password manager is busy", name, s.State)
		}
	}
	close(keys.release)
	<-done
}
