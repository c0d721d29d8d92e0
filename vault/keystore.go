package vault

import "context"

// KeyStore keeps small texts under names: in practice the password manager of
// the operating system. Calls may ask its owner something and take as long as
// ctx allows. Errors are ErrKeyNotStored, ErrNoPasswordManager and
// ErrPasswordManagerLocked.
type KeyStore interface {
	// Get returns the text, or ErrKeyNotStored.
	Get(ctx context.Context, name string) (string, error)
	// Set stores the text and makes sure that it can be read back.
	Set(ctx context.Context, name, text string) error
	// Delete removes the entry; that there is none is no error.
	Delete(ctx context.Context, name string) error
}

// noKeyStore stands where keys are never kept.
type noKeyStore struct{}

func (noKeyStore) Get(context.Context, string) (string, error) { return "", ErrNoPasswordManager }
func (noKeyStore) Set(context.Context, string, string) error   { return ErrNoPasswordManager }
func (noKeyStore) Delete(context.Context, string) error        { return nil }
