package seal

import "encoding/binary"

// State is written anew in every transaction and says which records and slots
// there are.
//
//	generation 8 | seals 8 | count 8 | records 32 | slots 32 | anchored 1
type State struct {
	// Generation counts transactions from 1; it is also the revision of what
	// the transaction wrote.
	Generation uint64
	// Seals counts the boxes sealed in this epoch, see MaxSeals.
	Seals uint64
	// Count is the number of records.
	Count uint64
	// Digest is over the records, Slots over the slots.
	Digest Digest
	Slots  Digest
	// Anchored says that the generation is also kept outside the file, so that an
	// older copy of the whole file can be told.
	Anchored bool
}

const stateSize = 8 + 8 + 8 + DigestSize + DigestSize + 1

// SealState seals the state under its own generation.
func (k *Keys) SealState(s State) []byte {
	b := binary.BigEndian.AppendUint64(make([]byte, 0, stateSize), s.Generation)
	b = binary.BigEndian.AppendUint64(b, s.Seals)
	b = binary.BigEndian.AppendUint64(b, s.Count)
	b = append(b, s.Digest[:]...)
	b = append(b, s.Slots[:]...)
	if s.Anchored {
		b = append(b, 1)
	} else {
		b = append(b, 0)
	}
	return k.Seal(PartState, ID{}, s.Generation, b)
}

// OpenState is the inverse of SealState; the error is ErrDamaged.
func (k *Keys) OpenState(box []byte) (State, error) {
	b, revision, err := k.Open(PartState, ID{}, box)
	if err != nil || len(b) != stateSize {
		return State{}, ErrDamaged
	}
	s := State{
		Generation: binary.BigEndian.Uint64(b),
		Seals:      binary.BigEndian.Uint64(b[8:]),
		Count:      binary.BigEndian.Uint64(b[16:]),
		Digest:     Digest(b[24:]),
		Slots:      Digest(b[24+DigestSize:]),
		Anchored:   b[stateSize-1] == 1,
	}
	if s.Generation != revision || b[stateSize-1] > 1 {
		return State{}, ErrDamaged
	}
	return s, nil
}
