package vault

import (
	"context"
	"errors"
	"unicode/utf8"

	bolt "go.etcd.io/bbolt"

	"postern/vault/seal"
)

// MinPassphrase is the least number of characters of a passphrase.
const MinPassphrase = 12

func checkPassphrase(passphrase []byte) error {
	if !utf8.Valid(passphrase) || utf8.RuneCount(passphrase) < MinPassphrase {
		return invalid("a passphrase has at least %d characters", MinPassphrase)
	}
	return nil
}

// SetPassphrase lets a passphrase open the vault too, in place of an earlier one.
// The passphrase stays the caller's to wipe.
func (v *Vault) SetPassphrase(ctx context.Context, passphrase []byte) error {
	if err := checkPassphrase(passphrase); err != nil {
		return err
	}
	return v.withKeyWork(ctx, func() error {
		if _, _, err := v.entry(); err != nil {
			return err
		}
		stretched := seal.StretchPassphrase(passphrase)
		defer stretched.Wipe()
		return v.update(func(w *writer) error { return w.setPassphrase(stretched) })
	})
}

func (w *writer) setPassphrase(passphrase *seal.PassphraseKey) error {
	key, err := vaultKey(w.keys, w.tx)
	if err != nil {
		return err
	}
	defer key.Wipe()
	meta := w.tx.Bucket(bucketMeta)
	slot, err := seal.WrapForPassphrase(w.header, meta.Get(keySlot), key, passphrase)
	if err != nil {
		return err
	}
	secret := passphrase.Bytes()
	defer clear(secret)
	return errors.Join(meta.Put(keyPassphraseSlot, slot), w.putSetting(settingPassphrase, secret))
}

// RemovePassphrase leaves the vault key as the only way to open the vault.
func (v *Vault) RemovePassphrase(ctx context.Context) error {
	return v.withKeyWork(ctx, func() error {
		return v.update(func(w *writer) error {
			meta := w.tx.Bucket(bucketMeta)
			if meta.Get(keyPassphraseSlot) == nil {
				return ErrNoPassphrase
			}
			return errors.Join(meta.Delete(keyPassphraseSlot), w.remove(w.keys.RecordID(seal.TypeSetting, settingPassphrase)))
		})
	})
}

// OpenWithPassphrase opens the vault with its passphrase, which takes about half
// a second on purpose. A wrong one is ErrWrongKey.
func (v *Vault) OpenWithPassphrase(ctx context.Context, passphrase []byte) error {
	unlock := func(_ context.Context, file lockedFile) (*seal.Keys, error) {
		if file.slots.Passphrase == nil {
			return nil, ErrNoPassphrase
		}
		stretched, err := seal.PassphraseKeyFor(file.slots.Passphrase, passphrase)
		if err != nil {
			return nil, err
		}
		defer stretched.Wipe()
		return seal.OpenPassphraseSlot(file.header, file.slots.Passphrase, stretched)
	}
	return v.openBy(ctx, unlock, unlock)
}

// passphraseKey returns the stretched passphrase of the vault, nil when it has none.
func passphraseKey(keys *seal.Keys, tx *bolt.Tx) (*seal.PassphraseKey, error) {
	secret, err := setting(keys, tx, settingPassphrase)
	if errors.Is(err, ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer clear(secret)
	return seal.ParsePassphraseKey(secret)
}
