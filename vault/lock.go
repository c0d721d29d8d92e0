package vault

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"time"

	bolt "go.etcd.io/bbolt"

	"postern/vault/seal"
)

// Locker says who or what locked a vault.
type Locker int

// Who may lock. After LockerOwner and LockerTimer only the owner, or somebody
// who types the key, opens the vault again.
const (
	LockerNone Locker = iota
	LockerApp
	LockerOwner
	LockerTimer
	LockerExit
)

// opened is a vault's open file with its keys and the index of its secrets.
type opened struct {
	db      *bolt.DB
	header  seal.Header
	keys    *seal.Keys
	state   seal.State
	secrets index
	// ctx ends when the vault is locked; its cause is ErrLocked.
	ctx  context.Context
	end  context.CancelCauseFunc
	idle *time.Timer
	hard *time.Timer
}

// lockedFile is what a locked vault file tells.
type lockedFile struct {
	header seal.Header
	slot   []byte
	kept   bool
}

func readLocked(path string) (file lockedFile, err error) {
	err = guard(func() error {
		db, err := openDB(path)
		if err != nil {
			return err
		}
		file.header, file.slot, file.kept, err = readHeader(db)
		return errors.Join(err, db.Close())
	})
	return file, err
}

// Open opens the vault with the key, or, when key is nil, with the key in the
// password manager. Opening an open vault with its own key does nothing.
func (v *Vault) Open(ctx context.Context, key *seal.VaultKey) error {
	v.keyWork.Lock()
	defer v.keyWork.Unlock()
	v.mu.RLock()
	locks, isOpen := v.locks, v.open != nil
	v.mu.RUnlock()
	if isOpen && key == nil {
		return nil
	}
	if isOpen {
		return v.checkKey(key)
	}
	file, err := readLocked(v.path)
	if err != nil {
		return err
	}
	stored := key == nil
	if stored {
		if key, err = v.storedKey(ctx, file); err != nil {
			return err
		}
		defer key.Wipe()
	}
	keys, err := seal.OpenSlot(file.header, file.slot, key)
	if err != nil {
		return err
	}
	o, err := openWith(v.path, file.header, keys)
	if err != nil {
		keys.Wipe()
		return err
	}
	if stored || o.state.Anchored {
		err = v.checkAnchor(ctx, o)
	}
	if err == nil {
		err = v.install(o, locks)
	}
	if err != nil {
		o.close()
		return err
	}
	v.changed(false)
	return nil
}

func (v *Vault) checkKey(key *seal.VaultKey) error {
	return v.withOpen(func(o *opened) error {
		return o.db.View(func(tx *bolt.Tx) error {
			keys, err := seal.OpenSlot(o.header, tx.Bucket(bucketMeta).Get(keySlot), key)
			if err == nil {
				keys.Wipe()
			}
			return err
		})
	})
}

// storedKey asks the password manager for the key of the vault.
func (v *Vault) storedKey(ctx context.Context, file lockedFile) (*seal.VaultKey, error) {
	text, err := v.options.Keys.Get(ctx, v.storeName(file.header.Vault))
	if errors.Is(err, ErrKeyNotStored) {
		v.setKept(false)
	}
	if err != nil {
		return nil, err
	}
	key, err := seal.ParseKey(text)
	if err != nil {
		// Somebody edited the entry: typing the key is the way out, as when it is gone.
		return nil, ErrKeyNotStored
	}
	return key, nil
}

// openWith opens the file and checks every record against the set digest.
func openWith(path string, header seal.Header, keys *seal.Keys) (*opened, error) {
	o := &opened{header: header, keys: keys}
	err := guard(func() (err error) {
		if o.db, err = openDB(path); err != nil {
			return err
		}
		return o.db.View(o.load)
	})
	if err != nil && o.db != nil {
		o.db.Close()
	}
	if err != nil {
		return nil, err
	}
	o.ctx, o.end = context.WithCancelCause(context.Background())
	return o, nil
}

// load reads the state and the index, and fails unless the records are exactly
// those that the last transaction left.
func (o *opened) load(tx *bolt.Tx) error {
	meta, records := tx.Bucket(bucketMeta), tx.Bucket(bucketRecords)
	if meta == nil || records == nil || tx.Bucket(bucketValues) == nil {
		return ErrDamaged
	}
	var err error
	if o.state, err = o.keys.OpenState(meta.Get(keyState)); err != nil {
		return err
	}
	o.secrets = index{byID: map[seal.ID]*Secret{}}
	var digest seal.Digest
	var count uint64
	toggler := o.keys.NewToggler()
	err = records.ForEach(func(k, box []byte) error {
		if len(k) != seal.IDSize || box == nil {
			return ErrDamaged
		}
		id := seal.ID(k)
		plaintext, revision, err := o.keys.Open(seal.PartRecord, id, box)
		if err != nil || revision > o.state.Generation {
			return ErrDamaged
		}
		toggler.Toggle(&digest, id, box)
		count++
		return o.secrets.load(o.keys, id, plaintext)
	})
	if err != nil {
		return err
	}
	if count != o.state.Count || digest != o.state.Digest {
		return ErrDamaged
	}
	slices.SortFunc(o.secrets.sorted, compareNames)
	return nil
}

// install makes the vault open, unless it was locked since the open began.
func (v *Vault) install(o *opened, locks uint64) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.locks != locks {
		return ErrLocked
	}
	o.idle = time.AfterFunc(v.options.IdleLimit, func() { v.Lock(LockerTimer) })
	o.hard = time.AfterFunc(v.options.HardLimit, func() { v.Lock(LockerTimer) })
	v.open = o
	v.locker = LockerNone
	return nil
}

// Lock forgets the keys. What is in flight fails with ErrLocked; a transaction
// that was under way is finished first. Locking a locked vault only records who.
func (v *Vault) Lock(by Locker) {
	v.writing.Lock()
	v.mu.Lock()
	o := v.open
	v.open = nil
	v.locks++
	if o != nil || by == LockerOwner {
		v.locker = by
	}
	v.mu.Unlock()
	if o != nil {
		o.close()
	}
	v.writing.Unlock()
	if o != nil {
		v.changed(false)
		v.writeAnchor(o)
	}
}

// LockedBy says who locked the vault last, LockerNone when it was never locked
// since the start or has been opened again.
func (v *Vault) LockedBy() Locker {
	v.mu.RLock()
	defer v.mu.RUnlock()
	return v.locker
}

func (o *opened) close() {
	o.end(ErrLocked)
	if o.idle != nil {
		o.idle.Stop()
		o.hard.Stop()
	}
	o.db.Close()
	o.keys.Wipe()
	clear(o.secrets.byID)
}

// withOpen is the only way to the keys: f runs while the vault stays open, and
// counts as a use for the idle limit.
func (v *Vault) withOpen(f func(*opened) error) error {
	v.mu.RLock()
	defer v.mu.RUnlock()
	if v.open == nil {
		return v.closedError()
	}
	v.open.idle.Reset(v.options.IdleLimit)
	return protect(func() error { return f(v.open) })
}

func (v *Vault) closedError() error {
	if !v.exists() {
		return ErrNoVault
	}
	return ErrLocked
}

// WhileOpen derives a context that ends, with the cause ErrLocked, when the
// vault is locked. Work that holds a value runs under it.
func (v *Vault) WhileOpen(ctx context.Context) (context.Context, context.CancelFunc, error) {
	v.mu.RLock()
	defer v.mu.RUnlock()
	if v.open == nil {
		return nil, nil, v.closedError()
	}
	ctx, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(v.open.ctx, func() { cancel(ErrLocked) })
	return ctx, func() { stop(); cancel(context.Canceled) }, nil
}

// anchorTimeout is short: it may stand between a lock and the end of the process.
const anchorTimeout = 2 * time.Second

// checkAnchor compares the file's generation with the one that the password
// manager remembers: an older file is an older copy, put back.
func (v *Vault) checkAnchor(ctx context.Context, o *opened) error {
	text, err := v.options.Keys.Get(ctx, anchorName(v.storeName(o.header.Vault)))
	if err != nil {
		// Without the anchor an older copy cannot be told, and the vault is still whole.
		v.options.Log.Warn("the generation anchor could not be read", "account", v.account)
		return nil
	}
	generation, err := strconv.ParseUint(text, 10, 64)
	if err == nil && generation > o.state.Generation {
		return ErrOlderCopy
	}
	return nil
}

// writeAnchor tells the password manager the generation, if it keeps the key too.
func (v *Vault) writeAnchor(o *opened) {
	if !o.state.Anchored {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), anchorTimeout)
	defer cancel()
	name := anchorName(v.storeName(o.header.Vault))
	if err := v.options.Keys.Set(ctx, name, strconv.FormatUint(o.state.Generation, 10)); err != nil {
		v.options.Log.Warn("the generation anchor could not be written", "account", v.account)
	}
}
