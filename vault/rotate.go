package vault

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"

	bolt "go.etcd.io/bbolt"

	"postern/vault/seal"
)

// Rotate gives the open vault a new key and returns it. Secrets stay as they are,
// and so does the data key: an old copy of the file still opens with the old key.
// For a key that leaked there is RotateDeep.
func (v *Vault) Rotate(ctx context.Context) (*seal.VaultKey, error) {
	return v.rotate(ctx, func(key *seal.VaultKey) error {
		return v.update(func(w *writer) error { return w.replaceKey(key) })
	})
}

// RotateDeep gives the open vault a new key and a new data key, seals everything
// anew in a new file and destroys the old one. It returns the key.
func (v *Vault) RotateDeep(ctx context.Context) (*seal.VaultKey, error) {
	return v.rotate(ctx, func(key *seal.VaultKey) error {
		v.writing.Lock()
		defer v.writing.Unlock()
		v.mu.RLock()
		o := v.open
		v.mu.RUnlock()
		if o == nil {
			return v.closedError()
		}
		return v.reseal(o, key)
	})
}

// rotate keeps the password manager in step: the new key goes into an entry
// beside the old one before the file is switched, and takes its place after.
// An entry that is left beside it by a failure opens nothing, or just what it should.
func (v *Vault) rotate(ctx context.Context, change func(*seal.VaultKey) error) (*seal.VaultKey, error) {
	key := seal.NewVaultKey()
	err := v.withKeyWork(ctx, func() error {
		name, kept, err := v.entry()
		if err != nil {
			return err
		}
		if kept {
			if err := v.options.Keys.Set(ctx, nextName(name), key.Text()); err != nil {
				return err
			}
		}
		if err := change(key); err != nil {
			return err
		}
		if kept {
			v.promote(ctx, name, key.Text())
		}
		return nil
	})
	v.changed(false)
	if err != nil {
		return nil, err
	}
	v.options.Log.Info("vault key rotated", "account", v.account)
	return key, nil
}

// replaceKey wraps the data key for another vault key.
func (w *writer) replaceKey(key *seal.VaultKey) error {
	old, err := vaultKey(w.keys, w.tx)
	if err != nil {
		return err
	}
	defer old.Wipe()
	meta := w.tx.Bucket(bucketMeta)
	slot, err := seal.Rewrap(w.header, meta.Get(keySlot), old, key)
	if err != nil {
		return err
	}
	return errors.Join(meta.Put(keySlot, slot), w.setKeyText(key))
}

// renewEpoch draws a new data key when the old one has sealed enough. The vault
// key and the passphrase stay.
func (v *Vault) renewEpoch(o *opened) error {
	if o.state.Seals < v.sealLimit {
		return nil
	}
	var key *seal.VaultKey
	err := protect(func() error {
		return o.db.View(func(tx *bolt.Tx) (err error) {
			key, err = vaultKey(o.keys, tx)
			return err
		})
	})
	if err != nil {
		return err
	}
	defer key.Wipe()
	return v.reseal(o, key)
}

// reseal writes the vault anew under a new data key, puts the new file in the
// place of the old one and destroys that. It runs while the caller holds writing;
// readers wait only while the files change places.
func (v *Vault) reseal(o *opened, key *seal.VaultKey) error {
	draft := v.path + draftSuffix
	defer os.Remove(draft)
	keys, err := o.copyTo(draft, key)
	if err != nil {
		return refusal(v.path, err)
	}
	fresh, err := openWith(draft, o.header, keys)
	if err != nil {
		keys.Wipe()
		return refusal(v.path, err)
	}
	if err := fresh.db.Close(); err != nil {
		return refusal(v.path, err)
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	old := openForShredding(v.path)
	closed := o.db.Close()
	err = errors.Join(closed, os.Rename(draft, v.path))
	if err == nil {
		err = syncDir(filepath.Dir(v.path))
	}
	return v.reopenLocked(o, fresh, old, err)
}

// reopenLocked opens whichever file now stands in the vault's place. A failure
// leaves the vault without a file: it is locked.
func (v *Vault) reopenLocked(o, fresh *opened, old *os.File, switched error) error {
	if old != nil {
		defer old.Close()
	}
	keys := fresh.keys
	if switched != nil {
		keys = o.keys
	}
	again, err := openWith(v.path, o.header, keys)
	if err != nil {
		v.open = nil
		v.locks++
		o.close()
		return refusal(v.path, errors.Join(switched, err))
	}
	o.db, o.state, o.secrets = again.db, again.state, again.secrets
	if switched != nil {
		fresh.keys.Wipe()
		return refusal(v.path, switched)
	}
	o.keys.Wipe()
	o.keys = keys
	if old != nil {
		// Hygiene only: what the old file held opens with the old key alone.
		_ = overwrite(old)
	}
	return nil
}

// openForShredding keeps hold of a file that is about to be replaced, where a
// file can be replaced while it is open.
func openForShredding(path string) *os.File {
	if runtime.GOOS == "windows" {
		return nil
	}
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return nil
	}
	return f
}

// copyTo seals everything in the vault under a new data key into a new file.
func (o *opened) copyTo(path string, key *seal.VaultKey) (keys *seal.Keys, err error) {
	err = protect(func() error {
		return o.db.View(func(from *bolt.Tx) error {
			passphrase, err := passphraseKey(o.keys, from)
			if err != nil {
				return err
			}
			var slots seal.Slots
			if keys, slots, err = seal.NewEpoch(o.header, o.keys.Epoch()+1, key, passphrase); err != nil {
				return err
			}
			return fillFile(path, func(to *bolt.Tx) error {
				w := &writer{tx: to, header: o.header, keys: keys}
				w.state.Generation, w.state.Anchored = o.state.Generation+1, o.state.Anchored
				if err := errors.Join(w.begin(slots), w.copyRecords(o.keys, from), w.setKeyText(key)); err != nil {
					return err
				}
				return w.finish()
			})
		})
	})
	return keys, err
}

func (w *writer) setKeyText(key *seal.VaultKey) error {
	text := []byte(key.Text())
	defer clear(text)
	return w.putSetting(settingKey, text)
}

// copyRecords seals every record of another file anew. It puts them in the order
// of their new ids: bbolt's work would else grow with the square of their number.
func (w *writer) copyRecords(keys *seal.Keys, from *bolt.Tx) error {
	type move struct{ old, id seal.ID }
	var moves []move
	err := from.Bucket(bucketRecords).ForEach(func(k, _ []byte) error {
		r, err := record(keys, from, seal.ID(k))
		moves = append(moves, move{seal.ID(k), w.keys.RecordID(r.Type, r.Name)})
		return err
	})
	if err != nil {
		return err
	}
	slices.SortFunc(moves, func(a, b move) int { return bytes.Compare(a.id[:], b.id[:]) })
	for _, m := range moves {
		if err := w.copyRecord(keys, from, m.old); err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) copyRecord(keys *seal.Keys, from *bolt.Tx, id seal.ID) error {
	r, err := record(keys, from, id)
	if err != nil {
		return err
	}
	var value []byte
	if r.ValueRevision != 0 {
		if value, err = openValue(keys, from, id, r.ValueRevision); err != nil {
			return err
		}
		defer clear(value)
	}
	_, err = w.put(r, value)
	return err
}
