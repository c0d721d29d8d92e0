package vault

import (
	"bytes"
	"time"

	bolt "go.etcd.io/bbolt"

	"postern/vault/seal"
)

// writer is one transaction: sealed records and values, the set digest kept in
// step, and the changes to the index that follow once the transaction is durable.
type writer struct {
	tx    *bolt.Tx
	keys  *seal.Keys
	state seal.State
	after []func(*index)
}

// update runs f in one transaction that is durable when update returns. An error
// of f, or of the disk, leaves the vault as it was.
func (v *Vault) update(f func(*writer) error) error {
	v.writing.Lock()
	defer v.writing.Unlock()
	v.mu.RLock()
	o := v.open
	v.mu.RUnlock()
	if o == nil {
		return v.closedError()
	}
	w := &writer{keys: o.keys, state: o.state}
	err := protect(func() error {
		return o.db.Update(func(tx *bolt.Tx) error {
			w.tx = tx
			w.state.Generation++
			if err := f(w); err != nil {
				return err
			}
			return tx.Bucket(bucketMeta).Put(keyState, w.keys.SealState(w.state))
		})
	})
	if err != nil {
		return storageError(v.path, err)
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	o.state = w.state
	for _, apply := range w.after {
		apply(&o.secrets)
	}
	o.idle.Reset(v.options.IdleLimit)
	return nil
}

// put seals a record, and its value unless that is nil: a nil value keeps the
// box that the record already points to.
func (w *writer) put(record seal.Record, value []byte) error {
	id := w.keys.RecordID(record.Type, record.Name)
	if value != nil {
		record.ValueRevision = w.state.Generation
		if err := w.tx.Bucket(bucketValues).Put(id[:], w.seal(seal.PartValue, id, value)); err != nil {
			return err
		}
	}
	plaintext, err := record.Encode()
	if err != nil {
		return &InvalidError{Reason: "the secret is too large", TooLarge: true}
	}
	box := w.seal(seal.PartRecord, id, plaintext)
	records := w.tx.Bucket(bucketRecords)
	w.takeOut(id, records)
	w.keys.Toggle(&w.state.Digest, id, box)
	w.state.Count++
	return records.Put(id[:], box)
}

// remove deletes a record and its value.
func (w *writer) remove(id seal.ID) error {
	records := w.tx.Bucket(bucketRecords)
	w.takeOut(id, records)
	if err := w.tx.Bucket(bucketValues).Delete(id[:]); err != nil {
		return err
	}
	return records.Delete(id[:])
}

func (w *writer) takeOut(id seal.ID, records *bolt.Bucket) {
	if old := records.Get(id[:]); old != nil {
		w.keys.Toggle(&w.state.Digest, id, old)
		w.state.Count--
	}
}

func (w *writer) seal(part seal.Part, id seal.ID, plaintext []byte) []byte {
	w.state.Seals++
	return w.keys.Seal(part, id, w.state.Generation, plaintext)
}

// record reads and opens one record inside the transaction.
func (w *writer) record(id seal.ID) (seal.Record, error) {
	plaintext, _, err := w.keys.Open(seal.PartRecord, id, w.tx.Bucket(bucketRecords).Get(id[:]))
	if err != nil {
		return seal.Record{}, err
	}
	return seal.DecodeRecord(plaintext)
}

// value opens the value of a record as of now. The result is the caller's to wipe.
func (o *opened) value(id seal.ID) (value []byte, err error) {
	err = o.db.View(func(tx *bolt.Tx) error {
		plaintext, _, err := o.keys.Open(seal.PartRecord, id, tx.Bucket(bucketRecords).Get(id[:]))
		if err != nil {
			return err
		}
		record, err := seal.DecodeRecord(plaintext)
		if err != nil {
			return err
		}
		value, err = openValue(o.keys, tx, id, record.ValueRevision)
		return err
	})
	return value, err
}

// openValue fails unless the value box is the one that the record points to.
func openValue(keys *seal.Keys, tx *bolt.Tx, id seal.ID, want uint64) ([]byte, error) {
	plaintext, revision, err := keys.Open(seal.PartValue, id, tx.Bucket(bucketValues).Get(id[:]))
	if err != nil || revision != want {
		return nil, ErrDamaged
	}
	value := bytes.Clone(plaintext)
	clear(plaintext)
	return value, nil
}

func stamp(created time.Time) (time.Time, time.Time) {
	now := time.Now().UTC().Truncate(time.Millisecond)
	if created.IsZero() {
		created = now
	}
	return created, now
}
