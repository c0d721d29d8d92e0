package vault

import (
	"bytes"
	"context"
	"errors"
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
	secrets *index
	// ctx ends when the vault is locked; its cause is ErrLocked.
	ctx  context.Context
	end  context.CancelCauseFunc
	idle *time.Timer
	hard *time.Timer
	// anchor runs while the password manager's generation is behind.
	anchor *time.Timer
}

// lockedFile is what a locked vault file tells.
type lockedFile struct {
	header seal.Header
	slots  seal.Slots
	kept   bool
}

// readLocked reads what may be known while the vault is locked: the header, the
// slots, and whether the key was last kept in the password manager.
func readLocked(path string) (file lockedFile, err error) {
	db, err := openDB(path, true)
	if err != nil {
		return file, err
	}
	err = protect(func() error { return db.View(file.read) })
	return file, errors.Join(err, db.Close())
}

func (file *lockedFile) read(tx *bolt.Tx) (err error) {
	meta := tx.Bucket(bucketMeta)
	if meta == nil {
		return ErrDamaged
	}
	file.header, err = seal.ParseHeader(meta.Get(keyHeader))
	file.slots = seal.Slots{
		Key:        bytes.Clone(meta.Get(keySlot)),
		Passphrase: bytes.Clone(meta.Get(keyPassphraseSlot)),
	}
	file.kept = bytes.Equal(meta.Get(keyKept), []byte{1})
	return err
}

// withKeyWork runs f alone among all that may talk to the password manager.
func (v *Vault) withKeyWork(ctx context.Context, f func() error) error {
	select {
	case v.keyWork <- struct{}{}:
		defer func() { <-v.keyWork }()
		return f()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Open opens the vault with the key, or, when key is nil, with the key in the
// password manager. Opening an open vault with its own key does nothing.
func (v *Vault) Open(ctx context.Context, key *seal.VaultKey) error {
	if key == nil {
		return v.openBy(ctx, v.storedKeys, nil)
	}
	return v.openBy(ctx, keyUnlocker(key), keyUnlocker(key))
}

// unlocker finds the working keys of a locked file.
type unlocker func(context.Context, lockedFile) (*seal.Keys, error)

// openBy opens the vault. When it is open already the key is only checked, unless
// check is nil.
func (v *Vault) openBy(ctx context.Context, unlock, check unlocker) error {
	installed := false
	err := v.withKeyWork(ctx, func() (err error) {
		locks, isOpen := v.lockCount(), v.Status().State == StateOpen
		if isOpen && check != nil {
			return v.checkOpener(ctx, check)
		}
		if !isOpen {
			installed, err = v.openAlone(ctx, locks, unlock)
		}
		return err
	})
	if installed {
		v.changed(false)
	}
	return err
}

// openAlone opens a locked vault, unless it is locked again meanwhile.
func (v *Vault) openAlone(ctx context.Context, locks uint64, unlock unlocker) (installed bool, err error) {
	file, err := readLocked(v.path)
	if err != nil {
		return false, err
	}
	keys, err := unlock(ctx, file)
	if err != nil {
		return false, err
	}
	o, err := openWith(v.path, file.header, keys)
	if err != nil {
		keys.Wipe()
		return false, err
	}
	if o.state.Anchored {
		err = v.checkAnchor(ctx, o)
	}
	if err == nil {
		err = v.install(o, locks)
	}
	if err != nil {
		o.close()
	}
	return err == nil, err
}

// checkOpener tells a key that opens the open vault from one that does not.
func (v *Vault) checkOpener(ctx context.Context, unlock unlocker) error {
	var file lockedFile
	err := v.withOpen(func(o *opened) error { return o.db.View(file.read) })
	if err != nil {
		return err
	}
	keys, err := unlock(ctx, file)
	if err == nil {
		keys.Wipe()
	}
	return err
}

// openWith opens the file and checks every record against the set digest.
func openWith(path string, header seal.Header, keys *seal.Keys) (*opened, error) {
	db, err := openDB(path, false)
	if err != nil {
		return nil, err
	}
	o := &opened{db: db, header: header, keys: keys}
	if err := protect(func() error { return db.View(o.load) }); err != nil {
		db.Close()
		return nil, err
	}
	o.ctx, o.end = context.WithCancelCause(context.Background())
	return o, nil
}

// load reads the state and the index, and fails unless slots and records are
// exactly those that the last transaction left.
func (o *opened) load(tx *bolt.Tx) error {
	meta, records := tx.Bucket(bucketMeta), tx.Bucket(bucketRecords)
	if meta == nil || records == nil || tx.Bucket(bucketValues) == nil {
		return ErrDamaged
	}
	var err error
	if o.state, err = o.keys.OpenState(meta.Get(keyState)); err != nil {
		return err
	}
	if slotsOf(meta).Digest() != o.state.Slots {
		return ErrDamaged
	}
	o.secrets = newIndex(o.state.Count)
	var digest seal.Digest
	var count uint64
	toggler, boxes := o.keys.NewToggler(), o.keys.NewBoxReader(seal.PartRecord)
	err = records.ForEach(func(k, box []byte) error {
		if len(k) != seal.IDSize || box == nil {
			return ErrDamaged
		}
		id := seal.ID(k)
		plaintext, revision, err := boxes.Open(id, box)
		if err != nil || revision > o.state.Generation {
			return ErrDamaged
		}
		toggler.Toggle(&digest, id, box)
		count++
		return o.secrets.load(id, plaintext)
	})
	if err != nil {
		return err
	}
	if count != o.state.Count || digest != o.state.Digest {
		return ErrDamaged
	}
	return nil
}

func slotsOf(meta *bolt.Bucket) seal.Slots {
	return seal.Slots{Key: meta.Get(keySlot), Passphrase: meta.Get(keyPassphraseSlot)}
}

// install makes the vault open, unless it was locked since the open began.
func (v *Vault) install(o *opened, locks uint64) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.locks != locks {
		return ErrLocked
	}
	expire := func() { v.lockAndAnchor(LockerTimer, o) }
	o.idle = time.AfterFunc(v.options.IdleLimit, expire)
	o.hard = time.AfterFunc(v.options.HardLimit, expire)
	v.open = o
	v.locker = LockerNone
	return nil
}

// Lock forgets the keys. What is in flight fails with ErrLocked; a transaction
// that was under way is finished first. Locking a locked vault only records who.
func (v *Vault) Lock(by Locker) { v.lockAndAnchor(by, nil) }

func (v *Vault) lockAndAnchor(by Locker, only *opened) {
	if o := v.lock(by, only); o != nil {
		v.changed(false)
		v.writeAnchor(o.header.Vault, o.state)
	}
}

// lock locks the vault, or, unless only is nil, that opening of it alone: a timer
// of an earlier opening must not end a later one. It returns what was open.
func (v *Vault) lock(by Locker, only *opened) *opened {
	v.writing.Lock()
	defer v.writing.Unlock()
	return v.lockWriting(by, only)
}

func (v *Vault) lockWriting(by Locker, only *opened) *opened {
	v.mu.Lock()
	o := v.open
	if only != nil && o != only {
		v.mu.Unlock()
		return nil
	}
	v.open = nil
	v.locks++
	if o != nil || by == LockerOwner {
		v.locker = by
	}
	v.mu.Unlock()
	if o != nil {
		o.close()
	}
	return o
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
	for _, timer := range []*time.Timer{o.idle, o.hard, o.anchor} {
		if timer != nil {
			timer.Stop()
		}
	}
	o.db.Close()
	o.keys.Wipe()
	o.secrets = newIndex(0)
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

// WhileOpen derives a context that ends, with the cause ErrLocked, before Lock
// returns. Work that holds a value runs under it.
func (v *Vault) WhileOpen(ctx context.Context) (context.Context, context.CancelFunc, error) {
	v.mu.RLock()
	defer v.mu.RUnlock()
	if v.open == nil {
		return nil, nil, v.closedError()
	}
	// A child of the lock's context ends with it, where a call that merely waits
	// for its end would come a little later.
	open, cancel := context.WithCancelCause(v.open.ctx)
	stop := context.AfterFunc(ctx, func() { cancel(context.Cause(ctx)) })
	return openContext{open, ctx}, func() { stop(); cancel(context.Canceled) }, nil
}

// openContext ends as its Context does, and has the caller's values and deadline.
type openContext struct {
	context.Context
	caller context.Context
}

func (c openContext) Deadline() (time.Time, bool) { return c.caller.Deadline() }

func (c openContext) Value(key any) any {
	// The context package finds out by a value of its own who cancelled.
	if value := c.Context.Value(key); value != nil {
		return value
	}
	return c.caller.Value(key)
}

const (
	// anchorTimeout is short: it may stand between a lock and the end of the process.
	anchorTimeout = 2 * time.Second
	// anchorDelay is how far the anchor may be behind while the vault is open.
	anchorDelay = time.Minute
)

// checkAnchor compares the file's generation with the one that the password
// manager remembers: an older file is an older copy, put back.
func (v *Vault) checkAnchor(ctx context.Context, o *opened) error {
	text, err := v.options.Keys.Get(ctx, anchorName(v.storeName(o.header.Vault)))
	if errors.Is(err, ErrKeyNotStored) {
		return nil
	}
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
func (v *Vault) writeAnchor(id seal.VaultID, state seal.State) {
	if !state.Anchored {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), anchorTimeout)
	defer cancel()
	err := v.withKeyWork(ctx, func() error {
		return v.options.Keys.Set(ctx, anchorName(v.storeName(id)), strconv.FormatUint(state.Generation, 10))
	})
	if err != nil {
		v.options.Log.Warn("the generation anchor could not be written", "account", v.account)
	}
}

// anchorSoonLocked has the anchor written once the delay is over.
func (v *Vault) anchorSoonLocked(o *opened) {
	if !o.state.Anchored || o.anchor != nil {
		return
	}
	o.anchor = time.AfterFunc(anchorDelay, func() {
		v.mu.Lock()
		state, isOpen := o.state, v.open == o
		o.anchor = nil
		v.mu.Unlock()
		if isOpen {
			v.writeAnchor(o.header.Vault, state)
		}
	})
}
