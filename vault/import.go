package vault

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"filippo.io/age"
	"filippo.io/age/armor"

	"postern/vault/seal"
)

// maxImport bounds what is read of an import.
const maxImport = 64 << 20

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
		return (&importer{options: options, exists: w.exists, put: w.putSecret}).run(ctx, secrets, &report)
	})
	if err != nil {
		return ImportReport{}, err
	}
	v.changed(true)
	return report, nil
}

func (o *opened) exists(name string) bool {
	return o.secrets.byID[o.keys.RecordID(seal.TypeSecret, name)] != nil
}

func (w *writer) exists(name string) bool {
	id := w.keys.RecordID(seal.TypeSecret, name)
	return w.tx.Bucket(bucketRecords).Get(id[:]) != nil
}

// importer decides about secrets one after the other. put is nil in a dry run.
type importer struct {
	options ImportOptions
	exists  func(name string) bool
	put     func(Secret, uint64, []byte) error
	planned map[string]bool
}

func (m *importer) run(ctx context.Context, secrets []exported, report *ImportReport) error {
	m.planned = map[string]bool{}
	for i, e := range secrets {
		if err := ctx.Err(); err != nil {
			return err
		}
		item, err := m.one(e)
		if err != nil {
			return err
		}
		report.Items = append(report.Items, item)
		if m.options.Progress != nil {
			m.options.Progress(i+1, len(secrets))
		}
	}
	return nil
}

func (m *importer) one(e exported) (ImportItem, error) {
	item := ImportItem{Name: e.Name}
	secret, value, err := e.check()
	if err != nil {
		item.Result, item.Reason = ImportRefused, err.Error()
		return item, nil
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
			return item, nil
		}
	}
	item.As = secret.Name
	m.planned[secret.Name] = true
	if m.put == nil {
		return item, nil
	}
	defer clear(value)
	return item, m.put(secret, 0, value)
}

func (m *importer) taken(name string) bool { return m.planned[name] || m.exists(name) }

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
	if isEncrypted(text) {
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
	text, err := io.ReadAll(io.LimitReader(r, maxImport+1))
	if err == nil && len(text) > maxImport {
		return nil, &InvalidError{Reason: "an import can have at most 64 MiB", TooLarge: true}
	}
	return text, err
}

const ageIntro = "age-encryption.org/"

func isEncrypted(text []byte) bool {
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
