package vault

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"filippo.io/age"
	"filippo.io/age/armor"

	"postern/vault/seal"
)

// MaxImport bounds what is read of an import.
const MaxImport = 64 << 20

// maxImportWork bounds what an encrypted file may ask of us: 2^20 is 1 GiB.
const maxImportWork = 20

// What an import does with a name that is there already.
const (
	DuplicateSkip    = "skip"
	DuplicateReplace = "replace"
	DuplicateRename  = "rename"
)

// What became, or would become, of one secret of an import.
const (
	ImportAdded    = "added"
	ImportReplaced = "replaced"
	ImportRenamed  = "renamed"
	ImportSkipped  = "skipped"
	ImportRefused  = "refused"
)

// Errors of an encrypted import.
var (
	ErrNeedsPassphrase error = &InvalidError{Reason: "the file is encrypted: give its passphrase"}
	ErrWrongPassphrase error = &InvalidError{Reason: "this passphrase does not open the file"}
	ErrDamagedExport   error = &InvalidError{Reason: "the encrypted file is damaged, or was not encrypted with a passphrase"}
)

// ImportOptions says what to make of an import.
type ImportOptions struct {
	// Format is one of the Format constants; empty means that it is found out.
	Format string
	// Passphrase opens an encrypted file.
	Passphrase []byte
	// OnDuplicate is one of the Duplicate constants; empty means skip.
	OnDuplicate string
	// DryRun changes nothing and reports what would happen.
	DryRun bool
	// Progress, unless nil, is told how many secrets of how many are done. It must
	// not block.
	Progress func(done, total int)
}

// ImportReport says what became of each secret of an import.
type ImportReport struct {
	Format string       `json:"format"`
	Items  []ImportItem `json:"items"`
}

// ImportItem is one secret of an import. As is the name that it has in the vault.
type ImportItem struct {
	Name   string `json:"name"`
	As     string `json:"as,omitempty"`
	Result string `json:"result"`
	// Reason says why a secret was refused.
	Reason string `json:"reason,omitempty"`
}

// Count tells how many secrets had the result.
func (r ImportReport) Count(result string) (n int) {
	for _, item := range r.Items {
		if item.Result == result {
			n++
		}
	}
	return n
}

// Import adds the secrets in r, all in one transaction. Secrets that cannot be
// ones are refused one by one, with the reason, and the others are imported.
func (v *Vault) Import(ctx context.Context, r io.Reader, options ImportOptions) (ImportReport, error) {
	switch options.OnDuplicate {
	case "", DuplicateSkip, DuplicateReplace, DuplicateRename:
	default:
		return ImportReport{}, invalid("duplicates are skipped, replaced or renamed")
	}
	format, secrets, err := readImport(r, options)
	if err != nil {
		return ImportReport{}, err
	}
	report := ImportReport{Format: format}
	if options.DryRun {
		err = v.withOpen(func(o *opened) error {
			report.Items = nil
			return (&importer{options: options, exists: o.exists}).run(ctx, secrets, &report)
		})
		return report, err
	}
	err = v.update(func(w *writer) error {
		report.Items = nil
		m := &importer{options: options, exists: w.exists}
		if err := m.run(ctx, secrets, &report); err != nil {
			return err
		}
		return w.putAll(m.planned)
	})
	if err != nil {
		return ImportReport{}, err
	}
	v.changed(true)
	return report, nil
}

func (o *opened) exists(name string) bool {
	return o.secrets.byName[name] != nil
}

func (w *writer) exists(name string) bool {
	id := w.keys.RecordID(seal.TypeSecret, name)
	return w.tx.Bucket(bucketRecords).Get(id[:]) != nil
}

// putAll seals the secrets of an import in the order of their ids: bbolt's work
// would else grow with the square of their number.
func (w *writer) putAll(planned map[string]plannedSecret) error {
	type put struct {
		id   seal.ID
		name string
	}
	puts := make([]put, 0, len(planned))
	for name := range planned {
		puts = append(puts, put{w.keys.RecordID(seal.TypeSecret, name), name})
	}
	slices.SortFunc(puts, func(a, b put) int { return bytes.Compare(a.id[:], b.id[:]) })
	for _, p := range puts {
		if err := w.putSecret(planned[p.name].Secret, 0, planned[p.name].value); err != nil {
			return err
		}
	}
	return nil
}

// importer decides about secrets one after the other, and plans by name.
type importer struct {
	options ImportOptions
	exists  func(name string) bool
	planned map[string]plannedSecret
}

type plannedSecret struct {
	Secret
	value []byte
}

func (m *importer) run(ctx context.Context, secrets []exported, report *ImportReport) error {
	m.planned = map[string]plannedSecret{}
	for i, e := range secrets {
		if err := ctx.Err(); err != nil {
			return err
		}
		report.Items = append(report.Items, m.one(e))
		if m.options.Progress != nil {
			m.options.Progress(i+1, len(secrets))
		}
	}
	return nil
}

func (m *importer) one(e exported) ImportItem {
	item := ImportItem{Name: e.Name}
	secret, value, err := e.check()
	if err != nil {
		item.Result, item.Reason = ImportRefused, err.Error()
		return item
	}
	item.Result = ImportAdded
	if m.taken(secret.Name) {
		switch m.options.OnDuplicate {
		case DuplicateReplace:
			item.Result = ImportReplaced
		case DuplicateRename:
			item.Result = ImportRenamed
			secret.Name = m.freeName(secret.Name)
		default:
			item.Result = ImportSkipped
			return item
		}
	}
	item.As = secret.Name
	m.planned[secret.Name] = plannedSecret{secret, value}
	return item
}

func (m *importer) taken(name string) bool {
	_, isPlanned := m.planned[name]
	return isPlanned || m.exists(name)
}

// freeName puts a number behind the name, which is cut where it would be too long.
func (m *importer) freeName(name string) string {
	for n := 2; ; n++ {
		suffix := fmt.Sprintf(" (%d)", n)
		runes := []rune(name)
		candidate := string(runes[:min(len(runes), MaxName-len(suffix))]) + suffix
		if canonical, err := CanonicalName(candidate); err == nil && !m.taken(canonical) {
			return canonical
		}
	}
}

// check makes a secret of an entry, by the same rules as Set.
func (e exported) check() (Secret, []byte, error) {
	name, err := CanonicalName(e.Name)
	if err != nil {
		return Secret{}, nil, err
	}
	value := []byte(e.Value)
	if err := checkValue(value); err != nil {
		return Secret{}, nil, err
	}
	if e.Kind != "" && e.Kind != KindPlain {
		return Secret{}, nil, invalid("only plain secrets can be imported")
	}
	domains, err := canonicalDomains(e.Domains)
	if err != nil {
		return Secret{}, nil, err
	}
	created, updated := stamp(noTime)
	return Secret{
		Name: name, Kind: KindPlain, Enabled: e.Enabled, Domains: append([]string{}, domains...), Created: created, Updated: updated,
	}, value, nil
}

// readImport reads, decrypts and parses an import, within limits.
func readImport(r io.Reader, options ImportOptions) (format string, secrets []exported, err error) {
	text, err := readBounded(r)
	if err != nil {
		return "", nil, err
	}
	defer clear(text)
	if IsEncrypted(text) {
		plain, err := decrypt(text, options.Passphrase)
		if err != nil {
			return "", nil, err
		}
		defer clear(plain)
		text = plain
	}
	return parseImport(text, options.Format)
}

func readBounded(r io.Reader) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(r, MaxImport+1))
	if err == nil && len(text) > MaxImport {
		return nil, &InvalidError{Reason: "an import can have at most 64 MiB", TooLarge: true}
	}
	return text, err
}

const ageIntro = "age-encryption.org/"

// IsEncrypted says whether the file needs a passphrase.
func IsEncrypted(text []byte) bool {
	return bytes.HasPrefix(text, []byte(ageIntro)) || bytes.HasPrefix(bytes.TrimSpace(text), []byte(armor.Header))
}

func decrypt(text, passphrase []byte) ([]byte, error) {
	if len(passphrase) == 0 {
		return nil, ErrNeedsPassphrase
	}
	identity, err := age.NewScryptIdentity(string(passphrase))
	if err != nil {
		return nil, ErrWrongPassphrase
	}
	identity.SetMaxWorkFactor(maxImportWork)
	var source io.Reader = bytes.NewReader(text)
	if !bytes.HasPrefix(text, []byte(ageIntro)) {
		source = armor.NewReader(source)
	}
	plain, err := age.Decrypt(source, identity)
	if _, noMatch := errors.AsType[*age.NoIdentityMatchError](err); noMatch && errors.Is(err, age.ErrIncorrectIdentity) {
		return nil, ErrWrongPassphrase
	}
	if err != nil {
		return nil, ErrDamagedExport
	}
	out, err := readBounded(plain)
	if _, tooLarge := errors.AsType[*InvalidError](err); err != nil && !tooLarge {
		return nil, ErrDamagedExport
	}
	return out, err
}
