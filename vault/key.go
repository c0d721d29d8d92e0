package vault

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	bolt "go.etcd.io/bbolt"

	"postern/vault/seal"
)

// settingKey names the record that holds the vault key itself, sealed under the
// data key: whoever can open it already has everything it opens.
const settingKey = "vault key"

// Create makes the vault and returns its key, whose text is shown to the owner
// once. With store the key is kept in the password manager first, so that a
// refusal there leaves no vault whose key nobody has.
func (v *Vault) Create(ctx context.Context, store bool) (*seal.VaultKey, error) {
	v.keyWork.Lock()
	defer v.keyWork.Unlock()
	if v.exists() {
		return nil, ErrVaultExists
	}
	header, key := seal.NewHeader(), seal.NewVaultKey()
	name := v.storeName(header.Vault)
	if store {
		if err := v.options.Keys.Set(ctx, name, key.Text()); err != nil {
			return nil, err
		}
	}
	err := createFile(v.path, func(tx *bolt.Tx) error { return fillNew(tx, header, key, store) })
	if err != nil {
		if store {
			err = errors.Join(err, v.options.Keys.Delete(ctx, name))
		}
		return nil, err
	}
	v.cacheKept(store)
	v.options.Log.Info("vault created", "account", v.account, "stored", store)
	return key, v.openNew(header, key)
}

func (v *Vault) openNew(header seal.Header, key *seal.VaultKey) error {
	file, err := readLocked(v.path)
	if err != nil {
		return err
	}
	keys, err := seal.OpenSlot(header, file.slot, key)
	if err != nil {
		return err
	}
	o, err := openWith(v.path, header, keys)
	if err != nil {
		return err
	}
	v.mu.RLock()
	locks := v.locks
	v.mu.RUnlock()
	if err := v.install(o, locks); err != nil {
		return err
	}
	v.changed(false)
	return nil
}

// fillNew writes an empty vault: header, slot, the sealed vault key and the state.
func fillNew(tx *bolt.Tx, header seal.Header, key *seal.VaultKey, store bool) error {
	keys, slot, err := seal.NewDataKey(header, key, 1)
	if err != nil {
		return err
	}
	defer keys.Wipe()
	for _, name := range [][]byte{bucketMeta, bucketRecords, bucketValues} {
		if _, err := tx.CreateBucket(name); err != nil {
			return err
		}
	}
	meta := tx.Bucket(bucketMeta)
	if err := errors.Join(meta.Put(keyHeader, header.Bytes()), meta.Put(keySlot, slot), meta.Put(keyKept, keptByte(store))); err != nil {
		return err
	}
	w := &writer{tx: tx, keys: keys, state: seal.State{Generation: 1, Anchored: store}}
	text := []byte(key.Text())
	defer clear(text)
	now := time.Now()
	record := seal.Record{Type: seal.TypeSetting, Name: settingKey, Created: now, Updated: now}
	if err := w.put(record, text); err != nil {
		return err
	}
	return meta.Put(keyState, keys.SealState(w.state))
}

// Key returns the vault key of the open vault, for its owner to see or download.
func (v *Vault) Key() (key *seal.VaultKey, err error) {
	err = v.withOpen(func(o *opened) error {
		text, err := o.value(o.keys.RecordID(seal.TypeSetting, settingKey))
		if err != nil {
			return err
		}
		defer clear(text)
		key, err = seal.ParseKey(string(text))
		return err
	})
	return key, err
}

// StoreKey keeps the key of the open vault in the password manager.
func (v *Vault) StoreKey(ctx context.Context) error {
	v.keyWork.Lock()
	defer v.keyWork.Unlock()
	key, err := v.Key()
	if err != nil {
		return err
	}
	defer key.Wipe()
	name, err := v.openName()
	if err != nil {
		return err
	}
	if err := v.options.Keys.Set(ctx, name, key.Text()); err != nil {
		return err
	}
	return v.setKept(true)
}

// ForgetKey removes the key from the password manager. The vault stays open; its
// owner needs the key text to open it the next time.
func (v *Vault) ForgetKey(ctx context.Context) error {
	v.keyWork.Lock()
	defer v.keyWork.Unlock()
	name, err := v.openName()
	if err != nil {
		return err
	}
	if err := deleteEntries(ctx, v.options.Keys, name); err != nil {
		return err
	}
	return v.setKept(false)
}

func (v *Vault) openName() (name string, err error) {
	err = v.withOpen(func(o *opened) error {
		name = v.storeName(o.header.Vault)
		return nil
	})
	return name, err
}

func deleteEntries(ctx context.Context, keys KeyStore, name string) error {
	return errors.Join(keys.Delete(ctx, name), keys.Delete(ctx, anchorName(name)))
}

// setKept records in the open file where the key is.
func (v *Vault) setKept(kept bool) error {
	err := v.update(func(w *writer) error {
		w.state.Anchored = kept
		return w.tx.Bucket(bucketMeta).Put(keyKept, keptByte(kept))
	})
	if err != nil {
		return err
	}
	v.cacheKept(kept)
	v.changed(false)
	return nil
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

// signOutSuffix marks a vault whose sign-out has begun.
const signOutSuffix = ".signout"

// signOutMarker is what the next start needs to finish a sign-out.
type signOutMarker struct {
	File  string `json:"file"`
	Entry string `json:"entry"`
}

// SignOut deletes the secrets of the account for good: the file with the wrapped
// data key is overwritten and unlinked, and the entries in the password manager
// are deleted. The key opens nothing afterwards, not even a copy of the key text.
//
// A marker is written first, so that a sign-out that is cut off is finished at
// the next start. A password manager that refuses does not stop the deletion:
// its entry is then useless, and its removal is tried again at the next start.
func (v *Vault) SignOut(ctx context.Context) error {
	v.keyWork.Lock()
	defer v.keyWork.Unlock()
	if !v.exists() {
		return ErrNoVault
	}
	v.Lock(LockerOwner)
	marker, err := v.writeMarker()
	if err != nil {
		return err
	}
	err = finishSignOut(ctx, v.options.Keys, marker)
	if v.exists() {
		return err
	}
	if err != nil {
		v.options.Log.Warn("the password manager entry is left for the next start", "account", v.account)
	}
	v.mu.Lock()
	v.kept, v.locker = nil, LockerNone
	v.mu.Unlock()
	v.options.Log.Info("signed out", "account", v.account)
	v.changed(false)
	return nil
}

func (v *Vault) writeMarker() (string, error) {
	note := signOutMarker{File: filepath.Base(v.path)}
	// A damaged file has no readable id; it is deleted all the same.
	if file, err := readLocked(v.path); err == nil {
		note.Entry = v.storeName(file.header.Vault)
	}
	text, err := json.Marshal(note)
	if err != nil {
		return "", err
	}
	marker := v.path + "." + strings.ToLower(rand.Text()[:8]) + signOutSuffix
	f, err := os.OpenFile(marker, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return "", storageError(marker, err)
	}
	_, err = f.Write(text)
	err = errors.Join(err, f.Sync(), f.Close(), syncDir(filepath.Dir(marker)))
	return marker, storageError(marker, err)
}

// finishSignOut does what the marker says and removes it once all is done.
func finishSignOut(ctx context.Context, keys KeyStore, marker string) error {
	text, err := os.ReadFile(marker)
	if err != nil {
		return storageError(marker, err)
	}
	var note signOutMarker
	if err := json.Unmarshal(text, &note); err != nil || note.File != filepath.Base(note.File) {
		// Cut off while it was written, so before anything was deleted.
		return storageError(marker, os.Remove(marker))
	}
	// A vault made since must not be taken for the one that was signed out.
	path := filepath.Join(filepath.Dir(marker), note.File)
	file, err := readLocked(path)
	isOther := err == nil && note.Entry != "" && !strings.HasSuffix(note.Entry, hex.EncodeToString(file.header.Vault[:]))
	if !isOther {
		if err := shred(path); err != nil {
			return err
		}
	}
	if note.Entry != "" {
		if err := deleteEntries(ctx, keys, note.Entry); err != nil {
			return err
		}
	}
	if err := os.Remove(marker); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return storageError(marker, err)
	}
	return nil
}
