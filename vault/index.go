package vault

import (
	"cmp"
	"slices"
	"strings"
	"sync"

	"golang.org/x/text/unicode/norm"

	"postern/vault/seal"
)

// index is the open vault's memory of its secrets, without values. It changes
// only under the vault's lock.
type index struct {
	byName map[string]*entry
	// sorting guards ordered and isOrdered, which readers fill when they first
	// need an order: opening a vault does not wait for it.
	sorting   sync.Mutex
	ordered   []*entry
	isOrdered bool
}

// entry is one secret in the index.
type entry struct {
	Secret
	id seal.ID
	// folded is the name as it is sorted and searched.
	folded string
	// value is the revision of the value box.
	value uint64
}

func newEntry(id seal.ID, s Secret, value uint64) *entry {
	return &entry{Secret: s, id: id, folded: fold(s.Name), value: value}
}

func newIndex(size uint64) *index {
	return &index{byName: make(map[string]*entry, min(size, 1<<20))}
}

func (x *index) load(id seal.ID, plaintext []byte) error {
	record, err := seal.DecodeRecord(plaintext)
	if err != nil {
		return err
	}
	if record.Type != seal.TypeSecret {
		return nil
	}
	secret, err := secretOf(record)
	if err == nil {
		x.byName[secret.Name] = newEntry(id, secret, record.ValueRevision)
	}
	return err
}

func compareNames(a, b *entry) int {
	return cmp.Or(strings.Compare(a.folded, b.folded), strings.Compare(a.Name, b.Name))
}

func fold(name string) string { return strings.ToLower(name) }

func (x *index) add(e *entry) {
	x.drop(e.Name)
	x.byName[e.Name] = e
	if x.isOrdered {
		at, _ := slices.BinarySearchFunc(x.ordered, e, compareNames)
		x.ordered = slices.Insert(x.ordered, at, e)
	}
}

func (x *index) drop(name string) {
	old, found := x.byName[name]
	if !found {
		return
	}
	delete(x.byName, name)
	if at, found := slices.BinarySearchFunc(x.ordered, old, compareNames); x.isOrdered && found {
		x.ordered = slices.Delete(x.ordered, at, at+1)
	}
}

// inOrder gives the entries by folded name; names that fold alike, by name.
func (x *index) inOrder() []*entry {
	x.sorting.Lock()
	defer x.sorting.Unlock()
	if !x.isOrdered {
		x.ordered = make([]*entry, 0, len(x.byName))
		for _, e := range x.byName {
			x.ordered = append(x.ordered, e)
		}
		slices.SortFunc(x.ordered, compareNames)
		x.isOrdered = true
	}
	return x.ordered
}

func (x *index) query(q Query) ([]*entry, error) {
	selected := x.inOrder()
	if filter := fold(norm.NFC.String(q.Filter)); filter != "" {
		all := selected
		selected = nil
		for _, e := range all {
			if strings.Contains(e.folded, filter) {
				selected = append(selected, e)
			}
		}
	}
	field, descending := strings.CutPrefix(q.Sort, "-")
	switch field {
	case "", "name":
	case "updated":
		selected = slices.Clone(selected)
		slices.SortStableFunc(selected, func(a, b *entry) int { return a.Updated.Compare(b.Updated) })
	default:
		return nil, invalid("secrets can be sorted by name, -name, updated or -updated")
	}
	if descending {
		selected = slices.Clone(selected)
		slices.Reverse(selected)
	}
	return selected, nil
}
