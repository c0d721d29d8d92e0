package vault

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"postern/vault/seal"
)

// signOutSuffix marks a vault whose sign-out has begun.
const signOutSuffix = ".signout"

// signOutMarker is what the next start needs to finish a sign-out. The vault file
// is first renamed to Doomed, a name that no other vault ever has, so that what
// is destroyed later cannot be a vault that was made since.
type signOutMarker struct {
	File   string `json:"file"`
	Doomed string `json:"doomed"`
	Entry  string `json:"entry"`
}

// SignOut deletes the secrets of the account for good: the file with the wrapped
// data key is overwritten and unlinked, and the entries in the password manager
// are deleted. The key opens nothing afterwards, not even a copy of the key text.
//
// A marker is written first, so that a sign-out that is cut off is finished at
// the next start. A password manager that refuses does not stop the deletion:
// its entry is then useless, and its removal is tried again at the next start.
func (v *Vault) SignOut(ctx context.Context) error {
	err := v.withKeyWork(ctx, func() error { return v.signOut(ctx) })
	if err == nil {
		v.changed(false)
	}
	return err
}

func (v *Vault) signOut(ctx context.Context) error {
	if !v.exists() {
		return ErrNoVault
	}
	v.lock(LockerOwner, nil)
	marker, err := v.writeMarker()
	if err != nil {
		return err
	}
	err = finishSignOut(ctx, v.options.Keys, marker)
	if v.exists() {
		return err
	}
	if err != nil {
		v.options.Log.Warn("the sign-out is finished at the next start", "account", v.account)
	}
	v.mu.Lock()
	v.kept, v.locker = nil, LockerNone
	v.mu.Unlock()
	v.options.Log.Info("signed out", "account", v.account)
	return nil
}

// Reset is for a lost key: it deletes the vault as SignOut does and makes a new,
// empty one. With store the new key is kept first, as by Create.
func (v *Vault) Reset(ctx context.Context, store bool) (*seal.VaultKey, error) {
	return v.createBy(ctx, func() (*seal.VaultKey, error) {
		if !v.exists() {
			return nil, ErrNoVault
		}
		return v.create(ctx, store, func() error { return v.signOut(ctx) })
	})
}

// writeMarker notes the sign-out and takes the vault file out of its place.
func (v *Vault) writeMarker() (string, error) {
	file := filepath.Base(v.path)
	note := signOutMarker{File: file, Doomed: file + "." + strings.ToLower(rand.Text()[:12]) + ".doomed"}
	// A damaged file has no readable id; it is deleted all the same.
	if file, err := readLocked(v.path); err == nil {
		note.Entry = v.storeName(file.header.Vault)
	}
	text, err := json.Marshal(note)
	if err != nil {
		return "", err
	}
	dir := filepath.Dir(v.path)
	marker := filepath.Join(dir, strings.TrimSuffix(note.Doomed, ".doomed")+signOutSuffix)
	if err := writeDurably(marker, text); err != nil {
		return "", storageError(marker, errors.Join(err, os.Remove(marker)))
	}
	if err := os.Rename(v.path, filepath.Join(dir, note.Doomed)); err != nil {
		return "", storageError(v.path, errors.Join(err, os.Remove(marker)))
	}
	return marker, storageError(marker, syncDir(dir))
}

func writeDurably(path string, text []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	return errors.Join(err, f.Sync(), f.Close(), syncDir(filepath.Dir(path)))
}

// finishSignOut does what the marker says and removes it once all is done.
func finishSignOut(ctx context.Context, keys KeyStore, marker string) error {
	text, err := os.ReadFile(marker)
	if err != nil {
		return storageError(marker, err)
	}
	dir := filepath.Dir(marker)
	var note signOutMarker
	if err := json.Unmarshal(text, &note); err != nil || !note.isSound() {
		// Cut off while it was written, so before anything was deleted.
		return storageError(marker, os.Remove(marker))
	}
	if err := note.takeOut(dir); err != nil {
		return err
	}
	if err := errors.Join(shred(filepath.Join(dir, note.Doomed)), syncDir(dir)); err != nil {
		return storageError(marker, err)
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

func (m signOutMarker) isSound() bool {
	return filepath.Base(m.File) == m.File && filepath.Base(m.Doomed) == m.Doomed &&
		strings.HasPrefix(m.Doomed, m.File+".") && strings.HasSuffix(m.Doomed, ".doomed")
}

// takeOut moves the vault file out of its place when the sign-out was cut off
// before that. Only the very vault that the marker names is taken.
func (m signOutMarker) takeOut(dir string) error {
	path := filepath.Join(dir, m.File)
	if _, err := os.Lstat(filepath.Join(dir, m.Doomed)); err == nil || m.Entry == "" {
		return shredDraft(path)
	}
	file, err := readLocked(path)
	if err != nil || !strings.HasSuffix(m.Entry, " "+idText(file.header.Vault)) {
		return nil
	}
	if err := os.Rename(path, filepath.Join(dir, m.Doomed)); err != nil {
		return storageError(path, err)
	}
	return shredDraft(path)
}

// shredDraft destroys what a deep rotation that was cut off left behind.
func shredDraft(path string) error { return shred(path + draftSuffix) }
