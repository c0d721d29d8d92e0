package vault

import (
	"slices"
	"time"

	bolt "go.etcd.io/bbolt"

	"postern/vault/seal"
)

// writer is one transaction: sealed records and values, the set digest kept in
// step, and the changes to the index that follow once the transaction is durable.
type writer struct {
	tx     *bolt.Tx
	header seal.Header
	keys   *seal.Keys
	state  seal.State
	after  []func(*index)
}

// change is what one caller wants done in the next transaction. do may run more
// than once, when another change in the same transaction fails.
type change struct {
	do   func(*writer) error
	done bool
	err  error
}

// update runs do in a transaction that is durable when update returns. An error
// of do, or of the disk, leaves the vault as it was.
//
// Callers that come while the disk is busy share the next transaction: the first
// of them to get its turn commits for all that wait.
func (v *Vault) update(do func(*writer) error) error {
	c := &change{do: do}
	v.queueing.Lock()
	v.queue = append(v.queue, c)
	v.queueing.Unlock()
	if wasLocked := v.commitQueue(c); wasLocked {
		v.changed(false)
	}
	return c.err
}

// commitQueue commits all that waits, unless c was already done by another. It
// says whether the vault had to be locked.
func (v *Vault) commitQueue(c *change) (wasLocked bool) {
	v.writing.Lock()
	defer v.writing.Unlock()
	if c.done {
		return false
	}
	v.queueing.Lock()
	batch := v.queue
	v.queue = nil
	v.queueing.Unlock()
	before := v.lockCount()
	v.commit(batch)
	return v.lockCount() != before
}

// commit does a batch of changes in one transaction, leaving out those that fail.
func (v *Vault) commit(batch []*change) {
	v.mu.RLock()
	o := v.open
	v.mu.RUnlock()
	finish := func(err error) {
		for _, c := range batch {
			c.done, c.err = true, err
		}
	}
	if o == nil {
		finish(v.closedError())
		return
	}
	if err := v.renewEpoch(o); err != nil {
		finish(err)
		return
	}
	for len(batch) > 0 {
		w, failed, err := o.transact(batch)
		if failed < 0 && err != nil {
			finish(v.refused(o, err))
			return
		}
		if failed < 0 {
			v.apply(o, w)
			finish(nil)
			return
		}
		batch[failed].done, batch[failed].err = true, err
		batch = slices.Delete(batch, failed, failed+1)
	}
}

// transact runs one transaction. failed is the change whose error it is, or -1.
func (o *opened) transact(batch []*change) (w *writer, failed int, err error) {
	failed = -1
	w = &writer{header: o.header, keys: o.keys, state: o.state}
	err = protect(func() error {
		return o.db.Update(func(tx *bolt.Tx) error {
			w.tx = tx
			w.state.Generation++
			for i, c := range batch {
				failed = i
				if err := c.do(w); err != nil {
					return err
				}
			}
			failed = -1
			return w.finish()
		})
	})
	return w, failed, err
}

// finish seals the state, which makes the records and slots as they are now the
// only ones that the vault will open with.
func (w *writer) finish() error {
	meta := w.tx.Bucket(bucketMeta)
	w.state.Slots = slotsOf(meta).Digest()
	w.state.Seals++
	return meta.Put(keyState, w.keys.SealState(w.state))
}

// apply brings the memory in step with the file.
func (v *Vault) apply(o *opened, w *writer) {
	v.mu.Lock()
	defer v.mu.Unlock()
	o.state = w.state
	for _, apply := range w.after {
		apply(o.secrets)
	}
	o.idle.Reset(v.options.IdleLimit)
	v.anchorSoonLocked(o)
}

// refused looks after a commit that failed. When only the last sync failed, the
// transaction may stand in the file all the same; the file is what counts.
func (v *Vault) refused(o *opened, err error) error {
	fresh := &opened{header: o.header, keys: o.keys}
	if protect(func() error { return o.db.View(fresh.load) }) != nil {
		v.lockWriting(LockerTimer, o)
	} else {
		v.mu.Lock()
		o.state, o.secrets = fresh.state, fresh.secrets
		v.mu.Unlock()
	}
	return refusal(v.path, err)
}

// put seals a record, and its value unless that is nil: a nil value keeps the
// box that the record already points to. It returns the revision of the value.
func (w *writer) put(record seal.Record, value []byte) (uint64, error) {
	id := w.keys.RecordID(record.Type, record.Name)
	if value != nil {
		record.ValueRevision = w.state.Generation
		if err := w.tx.Bucket(bucketValues).Put(id[:], w.seal(seal.PartValue, id, value)); err != nil {
			return 0, err
		}
	}
	plaintext, err := record.Encode()
	if err != nil {
		return 0, &InvalidError{Reason: "the secret is too large", TooLarge: true}
	}
	box := w.seal(seal.PartRecord, id, plaintext)
	records := w.tx.Bucket(bucketRecords)
	w.takeOut(id, records)
	w.keys.Toggle(&w.state.Digest, id, box)
	w.state.Count++
	return record.ValueRevision, records.Put(id[:], box)
}

// putSetting seals one of the vault's own settings.
func (w *writer) putSetting(name string, value []byte) error {
	now := time.Now()
	_, err := w.put(seal.Record{Type: seal.TypeSetting, Name: name, Created: now, Updated: now}, value)
	return err
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

// record reads and opens one record; the error is ErrNotFound when there is none.
func record(keys *seal.Keys, tx *bolt.Tx, id seal.ID) (seal.Record, error) {
	box := tx.Bucket(bucketRecords).Get(id[:])
	if box == nil {
		return seal.Record{}, ErrNotFound
	}
	plaintext, _, err := keys.Open(seal.PartRecord, id, box)
	if err != nil {
		return seal.Record{}, err
	}
	return seal.DecodeRecord(plaintext)
}

// setting opens one of the vault's own settings. The result is the caller's to wipe.
func setting(keys *seal.Keys, tx *bolt.Tx, name string) ([]byte, error) {
	id := keys.RecordID(seal.TypeSetting, name)
	r, err := record(keys, tx, id)
	if err != nil {
		return nil, err
	}
	return openValue(keys, tx, id, r.ValueRevision)
}

// value opens the value of a secret as of now. The result is the caller's to wipe.
func (o *opened) value(id seal.ID, want uint64) (value []byte, err error) {
	err = o.db.View(func(tx *bolt.Tx) error {
		value, err = openValue(o.keys, tx, id, want)
		return err
	})
	return value, err
}

// openValue fails unless the value box is the one that the record points to.
func openValue(keys *seal.Keys, tx *bolt.Tx, id seal.ID, want uint64) ([]byte, error) {
	value, revision, err := keys.Open(seal.PartValue, id, tx.Bucket(bucketValues).Get(id[:]))
	if err != nil || revision != want {
		return nil, ErrDamaged
	}
	return value, nil
}

func stamp(created time.Time) (time.Time, time.Time) {
	now := time.Now().UTC().Truncate(time.Millisecond)
	if created.IsZero() {
		created = now
	}
	return created, now
}
