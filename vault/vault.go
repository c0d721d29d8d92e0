// Package vault keeps secrets in an encrypted file, hands out their values for a
// stated purpose, and forgets everything when it is locked. It knows nothing of
// networks, pages or windows.
//
// An Accounts holds one Vault per account, each a bbolt file of sealed boxes
// (docs/file-format.md). A Vault is open when it holds the keys derived from its
// data key, and locked when it does not: there is no other state to disagree
// with. The vault key that opens it is kept, if its owner wishes, in a KeyStore,
// in practice the password manager of the operating system.
//
// Values leave in two ways only. Reveal shows one to its owner. Resolve puts
// values into the texts of a request, after one decision per secret about where
// that request goes and who asks. While the vault is open only names, allowed
// domains and flags are in memory; a value is opened when it is used.
//
// What is left in memory depends on the build. One with GOEXPERIMENT=runtimesecret
// (Linux on amd64 and arm64) leaves no copy of the vault key once it was used. An
// ordinary build wipes the buffers that it can name, and promises no more: copies
// that the cryptography made stay until the garbage collector reuses their place.
// In both, the key that seals records is in memory while the vault is open; values
// are there from when they are asked for until the caller wipes them, and text
// that was made of them, as in a resolved request, cannot be wiped. Harden keeps
// other programs of the same user from looking.
//
// All methods are safe for use by several goroutines. Nothing is started by a
// constructor; timers run while a vault is open.
package vault

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"postern/vault/seal"
)

// Options says where vaults live and how they lock.
type Options struct {
	// Dir is the folder of the vault files; it is made when a vault is.
	Dir string
	// Keys keeps vault keys. Nil means that keys are never kept.
	Keys KeyStore
	// IdleLimit locks a vault that nobody used for so long; zero means 10 minutes.
	IdleLimit time.Duration
	// HardLimit locks a vault so long after it was opened, used or not; zero
	// means 12 hours.
	HardLimit time.Duration
	// Changed is called after every change, outside all locks; it must not block.
	Changed func(Event)
	// Log gets what the owner may want to know later; nil means nothing.
	Log *slog.Logger
}

// Event says what changed in which account's vault.
type Event struct {
	Account string
	// Secrets is true when secrets changed, false when the state of the vault did.
	Secrets bool
}

// LocalAccount is the owner's own account.
const LocalAccount = "local"

// State of a vault.
type State string

// The states of a vault.
const (
	StateNone   State = "none"
	StateLocked State = "locked"
	StateOpen   State = "open"
)

// Status is what anybody who may see the vault may know of it.
type Status struct {
	State   State  `json:"state"`
	Account string `json:"account"`
	// Secrets counts them; 0 unless the vault is open.
	Secrets int `json:"secrets"`
	// KeyStored says that the key was last put into the password manager.
	KeyStored bool `json:"keyStored"`
}

// Accounts opens the vault of each account.
type Accounts struct {
	options Options
	mu      sync.Mutex
	vaults  map[string]*Vault
}

// NewAccounts returns the vaults under options.Dir. It touches no file.
func NewAccounts(options Options) *Accounts {
	if options.IdleLimit == 0 {
		options.IdleLimit = 10 * time.Minute
	}
	if options.HardLimit == 0 {
		options.HardLimit = 12 * time.Hour
	}
	if options.Changed == nil {
		options.Changed = func(Event) {}
	}
	if options.Keys == nil {
		options.Keys = noKeyStore{}
	}
	if options.Log == nil {
		options.Log = slog.New(slog.DiscardHandler)
	}
	return &Accounts{options: options, vaults: map[string]*Vault{}}
}

// Vault returns the vault of an account, which need not exist yet.
func (a *Accounts) Vault(account string) *Vault {
	a.mu.Lock()
	defer a.mu.Unlock()
	v, found := a.vaults[account]
	if !found {
		v = &Vault{
			account: account, path: filepath.Join(a.options.Dir, fileName(account)), options: a.options,
			keyWork: make(chan struct{}, 1), sealLimit: seal.MaxSeals, exportWork: usualExportWork,
		}
		a.vaults[account] = v
	}
	return v
}

// All returns the vaults asked for since the start.
func (a *Accounts) All() []*Vault {
	a.mu.Lock()
	defer a.mu.Unlock()
	all := make([]*Vault, 0, len(a.vaults))
	for _, v := range a.vaults {
		all = append(all, v)
	}
	return all
}

// LockAll locks every vault.
func (a *Accounts) LockAll(by Locker) {
	var anchors []func()
	for _, v := range a.All() {
		if o := v.lock(by, nil); o != nil {
			v.changed(false)
			anchors = append(anchors, func() { v.writeAnchor(o.header.Vault, o.state) })
		}
	}
	// No vault stays open while another waits for the password manager.
	for _, write := range anchors {
		write()
	}
}

// OpenAll opens every vault asked for since the start, and the owner's own, with
// the keys in the password manager. It tries all, and returns what failed.
func (a *Accounts) OpenAll(ctx context.Context) error {
	a.Vault(LocalAccount)
	opened := false
	var failed error
	for _, v := range a.All() {
		err := v.Open(ctx, nil)
		opened = opened || err == nil
		if !errors.Is(err, ErrNoVault) {
			failed = errors.Join(failed, err)
		}
	}
	if failed == nil && !opened {
		return ErrNoVault
	}
	return failed
}

// FinishSignOuts completes every sign-out that a crash or a power cut left
// half done. It is called once, before any vault is used.
func (a *Accounts) FinishSignOuts(ctx context.Context) error {
	markers, err := filepath.Glob(filepath.Join(a.options.Dir, "*"+signOutSuffix))
	if err != nil {
		return err
	}
	var failed error
	for _, marker := range markers {
		if err := finishSignOut(ctx, a.options.Keys, marker); err != nil {
			failed = errors.Join(failed, err)
		}
	}
	return failed
}

// fileName hides the names of accounts, which may be people's addresses.
func fileName(account string) string {
	if account == LocalAccount {
		return "local.vault"
	}
	sum := sha256.Sum256([]byte("postern/v1/account\x00" + account))
	return hex.EncodeToString(sum[:16]) + ".vault"
}

// Vault is the vault of one account.
type Vault struct {
	account string
	path    string
	options Options

	// keyWork admits one operation at a time that may talk to the password
	// manager, which may ask its owner something and take minutes.
	keyWork chan struct{}
	// writing admits one transaction at a time; it is taken before mu.
	writing sync.Mutex
	// queue holds the changes that the next transaction makes, under queueing.
	queueing sync.Mutex
	queue    []*change
	// sealLimit is how many boxes one data key seals.
	sealLimit uint64
	// exportWork is the cost of an export's passphrase, as a power of two.
	exportWork int

	mu sync.RWMutex
	// open holds the keys; nil means locked. Reached through withOpen.
	open *opened
	// kept caches whether the key is in the password manager; nil means unknown.
	kept *bool
	// locker is who locked the vault last; LockerNone at the start.
	locker Locker
	// locks counts locks, so that an open that was under way loses to a lock.
	locks uint64
}

// Account returns the name of the account.
func (v *Vault) Account() string { return v.account }

// Status tells the state without opening anything or asking the password manager.
func (v *Vault) Status() Status {
	v.mu.RLock()
	s := Status{Account: v.account, State: StateLocked}
	if v.open != nil {
		s.State, s.Secrets = StateOpen, len(v.open.secrets.byName)
	}
	kept := v.kept
	v.mu.RUnlock()
	if s.State == StateLocked && !v.exists() {
		s.State = StateNone
		return s
	}
	if kept == nil {
		kept = v.readKept()
	}
	s.KeyStored = kept != nil && *kept
	return s
}

func (v *Vault) exists() bool {
	_, err := os.Lstat(v.path)
	return !errors.Is(err, fs.ErrNotExist)
}

// readKept looks into the file of a locked vault once. A file that cannot be
// read now is reported when it is opened.
func (v *Vault) readKept() *bool {
	file, err := readLocked(v.path)
	if err != nil {
		return nil
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.kept == nil {
		v.kept = &file.kept
	}
	return v.kept
}

func (v *Vault) changed(secrets bool) {
	v.options.Changed(Event{Account: v.account, Secrets: secrets})
}

// storeName is the name of this vault's entry in the password manager: readable
// to its owner, and never that of another vault of the same account.
func (v *Vault) storeName(id seal.VaultID) string {
	return v.account + " " + idText(id)
}

func idText(id seal.VaultID) string { return hex.EncodeToString(id[:]) }

// anchorName names the entry of the generation, nextName that of the key of a
// rotation under way.
func anchorName(storeName string) string { return storeName + " generation" }
func nextName(storeName string) string   { return storeName + " next" }
