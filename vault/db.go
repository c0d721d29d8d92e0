package vault

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"time"

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"postern/vault/seal"
)

// The buckets and fixed keys of a vault file, see docs/file-format.md.
var (
	bucketMeta    = []byte("postern")
	bucketRecords = []byte("records")
	bucketValues  = []byte("values")

	keyHeader = []byte("header")
	keySlot   = []byte("slot/key")
	keyState  = []byte("state")
	keyKept   = []byte("kept")
)

const (
	lockTimeout = time.Second
	// openTimeout ends the open of a file whose pages point in a circle.
	openTimeout = 30 * time.Second
)

// openDB opens a bbolt file. bbolt checks little of what it maps: a damaged page
// can panic, fault or loop, so every use of the file goes through guard or
// protect, which turn all of that into ErrDamaged.
func openDB(path string) (*bolt.DB, error) {
	if info, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNoVault
	} else if err != nil {
		return nil, storageError(path, err)
	} else if info.Size() == 0 {
		// bbolt would take an empty file for a new one and write to it.
		return nil, ErrDamaged
	}
	db, err := bolt.Open(path, 0o600, &bolt.Options{Timeout: lockTimeout, OpenFile: openExisting})
	switch {
	case errors.Is(err, bolterrors.ErrTimeout):
		return nil, ErrBusy
	case errors.Is(err, bolterrors.ErrInvalid), errors.Is(err, bolterrors.ErrChecksum), errors.Is(err, bolterrors.ErrVersionMismatch):
		return nil, ErrDamaged
	}
	return db, storageError(path, err)
}

// openExisting never makes a file: a vault comes into being by createFile alone.
func openExisting(name string, flag int, mode os.FileMode) (*os.File, error) {
	return os.OpenFile(name, flag&^os.O_CREATE, mode)
}

// guard runs f in a goroutine of its own and waits no longer than openTimeout.
func guard(f func() error) error {
	done := make(chan error, 1)
	go func() { done <- protect(f) }()
	deadline := time.NewTimer(openTimeout)
	defer deadline.Stop()
	select {
	case err := <-done:
		return err
	case <-deadline.C:
		return ErrDamaged
	}
}

// protect runs f and turns a panic or a memory fault in it into ErrDamaged.
func protect(f func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if recover() != nil {
			err = ErrDamaged
		}
	}()
	return f()
}

// createFile makes a vault file whole or not at all: written beside its place,
// synced, renamed, and the folder synced. An existing file is never replaced.
func createFile(path string, fill func(*bolt.Tx) error) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return storageError(path, err)
	}
	if _, err := os.Lstat(path); err == nil {
		return ErrVaultExists
	}
	draft := path + ".new"
	if err := os.Remove(draft); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return storageError(path, err)
	}
	defer os.Remove(draft)
	if err := fillFile(draft, fill); err != nil {
		return storageError(path, err)
	}
	if err := os.Link(draft, path); errors.Is(err, fs.ErrExist) {
		return ErrVaultExists
	} else if err != nil {
		// Not every file system has hard links; the check above then stands alone.
		if err := os.Rename(draft, path); err != nil {
			return storageError(path, err)
		}
	}
	return storageError(path, syncDir(filepath.Dir(path)))
}

func fillFile(path string, fill func(*bolt.Tx) error) error {
	db, err := bolt.Open(path, 0o600, &bolt.Options{Timeout: lockTimeout})
	if err != nil {
		return err
	}
	return errors.Join(db.Update(fill), db.Close())
}

// header reads what may be known while the vault is locked: the header, and
// whether its key was last kept in the password manager.
func readHeader(db *bolt.DB) (h seal.Header, slot []byte, kept bool, err error) {
	err = db.View(func(tx *bolt.Tx) error {
		meta := tx.Bucket(bucketMeta)
		if meta == nil {
			return ErrDamaged
		}
		if h, err = seal.ParseHeader(meta.Get(keyHeader)); err != nil {
			return err
		}
		slot = bytes.Clone(meta.Get(keySlot))
		kept = bytes.Equal(meta.Get(keyKept), []byte{1})
		return nil
	})
	return h, slot, kept, err
}

// shred overwrites a file before it is unlinked. What makes the secrets
// unreadable is that the wrapped data key is gone; on a copy-on-write disk the
// rest is hygiene.
func shred(path string) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return storageError(path, err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return storageError(path, err)
	}
	zeros := make([]byte, 64<<10)
	for at := int64(0); at < info.Size(); at += int64(len(zeros)) {
		if _, err := f.WriteAt(zeros[:min(int64(len(zeros)), info.Size()-at)], at); err != nil {
			return storageError(path, err)
		}
	}
	if err := f.Sync(); err != nil {
		return storageError(path, err)
	}
	if err := os.Remove(path); err != nil {
		return storageError(path, err)
	}
	return storageError(path, syncDir(filepath.Dir(path)))
}
