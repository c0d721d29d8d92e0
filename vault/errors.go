package vault

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"

	"postern/vault/seal"
)

// What can go wrong, as a caller may match it with errors.Is.
var (
	ErrLocked      = errors.New("the vault is locked")
	ErrNoVault     = errors.New("there is no vault yet")
	ErrVaultExists = errors.New("there is already a vault")
	ErrNotFound    = errors.New("there is no such secret")
	ErrExists      = errors.New("there is already a secret of that name")
	ErrBusy        = errors.New("the vault is in use by another program")
	ErrOlderCopy   = errors.New("this vault file is an older copy than the one last used")

	ErrMistypedKey = seal.ErrMistypedKey
	ErrWrongKey    = seal.ErrWrongKey
	ErrDamaged     = seal.ErrDamaged
	ErrNewer       = seal.ErrNewer

	ErrNoPassphrase = errors.New("this vault has no passphrase")

	ErrKeyNotStored          = errors.New("the key of this vault is not in the password manager")
	ErrNoPasswordManager     = errors.New("no password manager answers")
	ErrPasswordManagerLocked = errors.New("the password manager is locked")
)

// InvalidError says what was wrong with an input, in one plain sentence that
// holds no value. TooLarge tells a limit from a form.
type InvalidError struct {
	Reason   string
	TooLarge bool
}

func (e *InvalidError) Error() string { return e.Reason }

func invalid(format string, args ...any) error {
	return &InvalidError{Reason: fmt.Sprintf(format, args...)}
}

// UnresolvedError lists the references that kept a request from being sent.
type UnresolvedError struct{ References []Reference }

func (e *UnresolvedError) Error() string {
	names := make([]string, len(e.References))
	for i, r := range e.References {
		names[i] = fmt.Sprintf("%q: %s", r.Name, r.Cause)
	}
	return "unresolved references: " + strings.Join(names, ", ")
}

// StorageError says that the disk or folder refused, in one plain sentence; Path
// is for the owner's log and never for a page.
type StorageError struct {
	Reason string
	Path   string
	Err    error
}

func (e *StorageError) Error() string { return e.Reason }
func (e *StorageError) Unwrap() error { return e.Err }

// storageError names the ordinary refusals of a disk; any other error passes.
func storageError(path string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return &StorageError{Reason: "the disk is full, so nothing was changed", Path: path, Err: err}
	case errors.Is(err, syscall.EROFS):
		return &StorageError{Reason: "the data folder cannot be written to, so nothing was changed", Path: path, Err: err}
	case errors.Is(err, fs.ErrPermission):
		return &StorageError{Reason: "the data folder does not let this user read and write, so nothing was changed", Path: path, Err: err}
	case errors.Is(err, syscall.EIO):
		return &StorageError{Reason: "the disk reports an error, so nothing was changed", Path: path, Err: err}
	}
	return err
}

// refusal is storageError for a file operation whose every error is the disk's,
// also those that bbolt passes on as text alone.
func refusal(path string, err error) error {
	err = storageError(path, err)
	if _, isNamed := errors.AsType[*StorageError](err); isNamed || err == nil || errors.Is(err, ErrDamaged) {
		return err
	}
	return &StorageError{Reason: "the disk refused to save, so nothing was changed", Path: path, Err: err}
}
