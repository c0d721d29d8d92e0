package vault

// SetSealLimit lowers how many boxes one data key seals.
func (v *Vault) SetSealLimit(n uint64) { v.sealLimit = n }

// SetExportWork lowers the cost of an export's passphrase.
func (v *Vault) SetExportWork(n int) { v.exportWork = n }

// Seals tells how many boxes the data key has sealed, and its epoch.
func (v *Vault) Seals() (seals uint64, epoch uint32) {
	v.mu.RLock()
	defer v.mu.RUnlock()
	return v.open.state.Seals, v.open.keys.Epoch()
}

// InTransaction runs f while a transaction is under way.
func (v *Vault) InTransaction(f func()) error {
	return v.update(func(*writer) error { f(); return nil })
}

// ParsedReferences gives the names of the references in an expanded text, and
// the text itself.
func ParsedReferences(text string, scopes []Scope) (names []string, expanded string, err error) {
	pieces, err := expandVariables(text, scopes)
	for _, p := range pieces {
		expanded += p.text
		if p.isReference {
			names = append(names, p.name)
		}
	}
	return names, expanded, err
}

// MakeDir is makeDir.
var MakeDir = makeDir

// DecryptImport is what an import does with an encrypted file.
func DecryptImport(text, passphrase []byte) ([]byte, error) { return decrypt(text, passphrase) }

// ParseImport tells how many secrets a plain import has.
func ParseImport(text []byte) (int, error) {
	_, secrets, err := parseImport(text, "")
	return len(secrets), err
}

// SetNoSync makes the open vault lose what a power cut finds in memory.
func (v *Vault) SetNoSync() {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.open != nil {
		v.open.db.NoSync = true
	}
}

// Expirer returns what the timers of the present opening do when they fire.
func (v *Vault) Expirer() func() {
	v.mu.RLock()
	defer v.mu.RUnlock()
	o := v.open
	return func() { v.lockAndAnchor(LockerTimer, o) }
}
