package vault

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"time"

	"filippo.io/age"
)

// usualExportWork makes scrypt take about a second and 256 MiB, as the age
// command does.
const usualExportWork = 18

// exportFormat names our own JSON.
const exportFormat = "postern-secrets"

// exported is one secret in an export.
type exported struct {
	Name    string   `json:"name"`
	Value   string   `json:"value"`
	Kind    Kind     `json:"kind,omitempty"`
	Enabled bool     `json:"enabled"`
	Domains []string `json:"domains"`
}

// Export writes all secrets in the open age format, encrypted with a passphrase,
// which the age command decrypts to what ExportPlain writes. An error leaves w
// with a part that is of no use.
func (v *Vault) Export(ctx context.Context, w io.Writer, passphrase []byte) error {
	if err := checkPassphrase(passphrase); err != nil {
		return err
	}
	recipient, err := age.NewScryptRecipient(string(passphrase))
	if err != nil {
		return err
	}
	recipient.SetWorkFactor(v.exportWork)
	encrypted, err := age.Encrypt(w, recipient)
	if err != nil {
		return err
	}
	if err := v.ExportPlain(ctx, encrypted); err != nil {
		return err
	}
	return encrypted.Close()
}

// ExportPlain writes all secrets as readable JSON. Whoever asks for it has been
// warned, and twice.
func (v *Vault) ExportPlain(ctx context.Context, w io.Writer) error {
	list, _, err := v.List(ctx, Query{})
	if err != nil {
		return err
	}
	out := bufio.NewWriter(w)
	head, err := json.Marshal(time.Now().UTC().Truncate(time.Second))
	if err != nil {
		return err
	}
	out.WriteString(`{"format":"` + exportFormat + `","version":1,"exported":` + string(head) + `,"secrets":[`)
	before := "\n"
	for _, s := range list {
		if err := ctx.Err(); err != nil {
			return err
		}
		// Each value is opened by itself, so that a slow writer never keeps the
		// vault from being locked; a lock ends the export.
		text, err := v.exportOne(ctx, s)
		if errors.Is(err, ErrNotFound) {
			continue
		}
		if err != nil {
			return err
		}
		out.WriteString(before)
		_, err = out.Write(text)
		clear(text)
		if err != nil {
			return err
		}
		before = ",\n"
	}
	out.WriteString("\n]}\n")
	return out.Flush()
}

func (v *Vault) exportOne(ctx context.Context, s Secret) ([]byte, error) {
	value, err := v.Reveal(ctx, s.Name)
	if err != nil {
		return nil, err
	}
	defer clear(value)
	return json.Marshal(exported{Name: s.Name, Value: string(value), Kind: s.Kind, Enabled: s.Enabled, Domains: s.Domains})
}
