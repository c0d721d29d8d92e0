package vault

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"time"

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

// The buckets and fixed keys of a vault file, see docs/file-format.md.
var (
	bucketMeta    = []byte("postern")
	bucketRecords = []byte("records")
	bucketValues  = []byte("values")

	keyHeader         = []byte("header")
	keySlot           = []byte("slot/key")
	keyPassphraseSlot = []byte("slot/passphrase")
	keyState          = []byte("state")
	keyKept           = []byte("kept")
)

// draftSuffix marks a vault file that is being written beside its place.
const draftSuffix = ".new"

const (
	lockTimeout = time.Second
	lockRetry   = 20 * time.Millisecond
)

// openDB opens a bbolt file whose pages have been checked: all of them, or, to
// read what a locked vault tells, those of the first bucket. What the disk or
// another program does to the file afterwards can still fault, so every use of
// it goes through protect.
func openDB(path string, readOnly bool) (*bolt.DB, error) {
	db, err := bolt.Open(path, 0o600, &bolt.Options{Timeout: lockTimeout, ReadOnly: readOnly, OpenFile: openChecked})
	switch {
	case errors.Is(err, bolterrors.ErrTimeout):
		return nil, ErrBusy
	case errors.Is(err, bolterrors.ErrInvalid), errors.Is(err, bolterrors.ErrChecksum), errors.Is(err, bolterrors.ErrVersionMismatch):
		return nil, ErrDamaged
	case errors.Is(err, fs.ErrNotExist):
		return nil, ErrNoVault
	}
	return db, storageError(path, err)
}

// openChecked opens, locks and checks the file for bbolt. It never makes one: a
// vault comes into being by createFile alone.
func openChecked(name string, flag int, mode os.FileMode) (*os.File, error) {
	f, err := os.OpenFile(name, flag&^os.O_CREATE, mode)
	if err != nil {
		return nil, err
	}
	writable := flag&os.O_RDWR != 0
	if err = waitForLock(f, writable); err == nil {
		err = checkPages(f, !writable)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

func waitForLock(f *os.File, exclusive bool) error {
	for deadline := time.Now().Add(lockTimeout); ; time.Sleep(lockRetry) {
		free, err := tryLock(f, exclusive)
		if free || err != nil {
			return err
		}
		if time.Now().After(deadline) {
			return ErrBusy
		}
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
// After an error, placed says that the file may stand there all the same, now or
// after a crash.
func createFile(path string, fill func(*bolt.Tx) error) (placed bool, err error) {
	dir := filepath.Dir(path)
	if err := makeDir(dir); err != nil {
		return false, storageError(path, err)
	}
	if _, err := os.Lstat(path); err == nil {
		return false, ErrVaultExists
	}
	draft := path + draftSuffix
	defer os.Remove(draft)
	if err := fillFile(draft, fill); err != nil {
		return false, refusal(path, err)
	}
	if err := os.Link(draft, path); errors.Is(err, fs.ErrExist) {
		return false, ErrVaultExists
	} else if err != nil {
		// Not every file system has hard links; the check above then stands alone.
		if err := os.Rename(draft, path); err != nil {
			return true, storageError(path, err)
		}
	}
	if err := syncDir(dir); err != nil {
		return true, storageError(path, errors.Join(err, os.Remove(path)))
	}
	return true, nil
}

// makeDir makes a folder and its parents, each durable before the next.
func makeDir(path string) error {
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	parent := filepath.Dir(path)
	if parent != path {
		if err := makeDir(parent); err != nil {
			return err
		}
	}
	if err := os.Mkdir(path, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return syncDir(parent)
}

// fillFile writes a new bbolt file in one transaction.
func fillFile(path string, fill func(*bolt.Tx) error) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	db, err := bolt.Open(path, 0o600, &bolt.Options{Timeout: lockTimeout})
	if err != nil {
		return err
	}
	err = protect(func() error { return db.Update(fill) })
	return errors.Join(err, db.Close())
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
	if err := overwrite(f); err != nil {
		return storageError(path, err)
	}
	if err := os.Remove(path); err != nil {
		return storageError(path, err)
	}
	return storageError(path, syncDir(filepath.Dir(path)))
}

func overwrite(f *os.File) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	zeros := make([]byte, 64<<10)
	for at := int64(0); at < info.Size(); at += int64(len(zeros)) {
		if _, err := f.WriteAt(zeros[:min(int64(len(zeros)), info.Size()-at)], at); err != nil {
			return err
		}
	}
	return f.Sync()
}
