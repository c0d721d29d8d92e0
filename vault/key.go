package vault

import (
	"context"
	"errors"

	bolt "go.etcd.io/bbolt"

	"postern/vault/seal"
)

// Settings of the vault itself, sealed under the data key: whoever can open them
// already has everything that they open.
const (
	// settingKey holds the text of the vault key, to be shown again.
	settingKey = "vault key"
	// settingPassphrase holds the stretched passphrase, to wrap a new data key.
	settingPassphrase = "passphrase"
)

// Create makes the vault and returns its key, whose text is shown to the owner
// once. With store the key is kept in the password manager first, so that a
// refusal there leaves no vault whose key nobody has.
func (v *Vault) Create(ctx context.Context, store bool) (key *seal.VaultKey, err error) {
	return v.createBy(ctx, func() (*seal.VaultKey, error) {
		if v.exists() {
			return nil, ErrVaultExists
		}
		return v.create(ctx, store, nil)
	})
}

func (v *Vault) createBy(ctx context.Context, create func() (*seal.VaultKey, error)) (key *seal.VaultKey, err error) {
	err = v.withKeyWork(ctx, func() (err error) {
		key, err = create()
		return err
	})
	if key != nil {
		v.changed(false)
	}
	return key, err
}

// create makes and opens the vault, after clear has made room for it. The key is
// returned whenever there is a vault that it opens.
func (v *Vault) create(ctx context.Context, store bool, clear func() error) (*seal.VaultKey, error) {
	locks := v.lockCount()
	header, key := seal.NewHeader(), seal.NewVaultKey()
	name := v.storeName(header.Vault)
	if store {
		if err := v.options.Keys.Set(ctx, name, key.Text()); err != nil {
			return nil, err
		}
	}
	var err error
	placed := false
	if clear != nil {
		err, locks = clear(), v.lockCount()
	}
	if err == nil {
		placed, err = createFile(v.path, func(tx *bolt.Tx) error { return fillNew(tx, header, key, store) })
	}
	if err != nil {
		if store && !placed {
			err = errors.Join(err, v.options.Keys.Delete(ctx, name))
		}
		return nil, err
	}
	v.cacheKept(store)
	v.options.Log.Info("vault created", "account", v.account, "stored", store)
	_, err = v.openAlone(ctx, locks, keyUnlocker(key))
	if err == ErrLocked {
		// Somebody locked meanwhile: the vault is made, and locked.
		err = nil
	}
	return key, err
}

func (v *Vault) lockCount() uint64 {
	v.mu.RLock()
	defer v.mu.RUnlock()
	return v.locks
}

// fillNew writes an empty vault: header, slot, the sealed vault key and the state.
func fillNew(tx *bolt.Tx, header seal.Header, key *seal.VaultKey, store bool) error {
	keys, slot, err := seal.NewDataKey(header, key, 1)
	if err != nil {
		return err
	}
	defer keys.Wipe()
	w := &writer{tx: tx, header: header, keys: keys, state: seal.State{Generation: 1, Anchored: store}}
	if err := w.begin(seal.Slots{Key: slot}); err != nil {
		return err
	}
	return errors.Join(w.setKeyText(key), w.finish())
}

// begin writes the buckets and what stands before the records.
func (w *writer) begin(slots seal.Slots) error {
	for _, name := range [][]byte{bucketMeta, bucketRecords, bucketValues} {
		if _, err := w.tx.CreateBucket(name); err != nil {
			return err
		}
	}
	meta := w.tx.Bucket(bucketMeta)
	err := errors.Join(meta.Put(keyHeader, w.header.Bytes()), meta.Put(keySlot, slots.Key), meta.Put(keyKept, keptByte(w.state.Anchored)))
	if slots.Passphrase != nil {
		err = errors.Join(err, meta.Put(keyPassphraseSlot, slots.Passphrase))
	}
	return err
}

// Key returns the vault key of the open vault, for its owner to see or download.
func (v *Vault) Key() (key *seal.VaultKey, err error) {
	err = v.withOpen(func(o *opened) error {
		return o.db.View(func(tx *bolt.Tx) error {
			key, err = vaultKey(o.keys, tx)
			return err
		})
	})
	return key, err
}

func vaultKey(keys *seal.Keys, tx *bolt.Tx) (*seal.VaultKey, error) {
	text, err := setting(keys, tx, settingKey)
	if err != nil {
		return nil, ErrDamaged
	}
	defer clear(text)
	return seal.ParseKey(string(text))
}

// keyUnlocker opens a vault with the key that its owner gives.
func keyUnlocker(key *seal.VaultKey) unlocker {
	return func(_ context.Context, file lockedFile) (*seal.Keys, error) {
		return seal.OpenSlot(file.header, file.slots.Key, key)
	}
}

// storedKeys opens a vault with the key in the password manager. A rotation that
// was cut off leaves the new key in an entry of its own.
func (v *Vault) storedKeys(ctx context.Context, file lockedFile) (*seal.Keys, error) {
	name := v.storeName(file.header.Vault)
	keys, _, err := v.openStored(ctx, file, name)
	if errors.Is(err, ErrWrongKey) || errors.Is(err, ErrKeyNotStored) {
		next, text, nextErr := v.openStored(ctx, file, nextName(name))
		if nextErr == nil {
			v.promote(ctx, name, text)
			return next, nil
		}
	}
	if errors.Is(err, ErrKeyNotStored) {
		v.cacheKept(false)
	}
	return keys, err
}

func (v *Vault) openStored(ctx context.Context, file lockedFile, name string) (keys *seal.Keys, text string, err error) {
	if text, err = v.options.Keys.Get(ctx, name); err != nil {
		return nil, "", err
	}
	key, err := seal.ParseKey(text)
	if err != nil {
		// Somebody edited the entry: typing the key is the way out, as when it is gone.
		return nil, "", ErrKeyNotStored
	}
	defer key.Wipe()
	keys, err = seal.OpenSlot(file.header, file.slots.Key, key)
	return keys, text, err
}

// promote makes the key of a finished rotation the entry that is asked first.
// When that fails the entry beside it stays and does the same service.
func (v *Vault) promote(ctx context.Context, name, text string) {
	err := v.options.Keys.Set(ctx, name, text)
	if err == nil {
		err = v.options.Keys.Delete(ctx, nextName(name))
	}
	if err != nil {
		v.options.Log.Warn("the password manager keeps the new key beside the old one", "account", v.account)
	}
}

// StoreKey keeps the key of the open vault in the password manager.
func (v *Vault) StoreKey(ctx context.Context) error {
	return v.keepKey(ctx, true, func(name string) error {
		key, err := v.Key()
		if err != nil {
			return err
		}
		defer key.Wipe()
		return v.options.Keys.Set(ctx, name, key.Text())
	})
}

// ForgetKey removes the key from the password manager. The vault stays open; its
// owner needs the key text to open it the next time.
func (v *Vault) ForgetKey(ctx context.Context) error {
	return v.keepKey(ctx, false, func(name string) error {
		return deleteEntries(ctx, v.options.Keys, name)
	})
}

// keepKey changes the password manager, then what the open file says of it.
func (v *Vault) keepKey(ctx context.Context, kept bool, do func(name string) error) error {
	err := v.withKeyWork(ctx, func() error {
		name, _, err := v.entry()
		if err != nil {
			return err
		}
		if err := do(name); err != nil {
			return err
		}
		return v.update(func(w *writer) error {
			w.state.Anchored = kept
			return w.tx.Bucket(bucketMeta).Put(keyKept, keptByte(kept))
		})
	})
	if err == nil {
		v.cacheKept(kept)
		v.changed(false)
	}
	return err
}

// entry names the entry of the open vault and says whether the key is kept there.
func (v *Vault) entry() (name string, kept bool, err error) {
	err = v.withOpen(func(o *opened) error {
		name, kept = v.storeName(o.header.Vault), o.state.Anchored
		return nil
	})
	return name, kept, err
}

func deleteEntries(ctx context.Context, keys KeyStore, name string) error {
	return errors.Join(keys.Delete(ctx, name), keys.Delete(ctx, nextName(name)), keys.Delete(ctx, anchorName(name)))
}

func (v *Vault) cacheKept(kept bool) {
	v.mu.Lock()
	v.kept = &kept
	v.mu.Unlock()
}

func keptByte(kept bool) []byte {
	if kept {
		return []byte{1}
	}
	return []byte{0}
}
