package bridge

import (
	"bytes"
	"context"

	"postern/vault"
	"postern/vault/seal"
)

type agentInfoResult struct {
	Version  string `json:"version"`
	Protocol string `json:"protocol"`
	Role     string `json:"role"`
	Account  string `json:"account"`
	Port     int    `json:"port"`
	// Connections counts those of apps; only the owner learns it.
	Connections int `json:"connections"`
}

func agentInfo(_ context.Context, o *session, _ nothing) (agentInfoResult, error) {
	info := agentInfoResult{Version: o.server.config.Version, Protocol: Subprotocol, Role: "app", Account: o.account, Port: o.server.config.Port}
	if o.role == roleOwner {
		info.Role = "owner"
		for _, n := range o.server.connections() {
			info.Connections += n
		}
	}
	return info, nil
}

type consoleLink struct {
	URL string `json:"url"`
}

func agentConsoleLink(_ context.Context, o *session, _ nothing) (consoleLink, error) {
	return consoleLink{URL: o.server.ConsoleLink()}, nil
}

func vaultStatus(_ context.Context, o *session, _ nothing) (vault.Status, error) {
	return o.vault.Status(), nil
}

type createParams struct {
	Store *bool `json:"store,omitzero"`
}

type keyText struct {
	Key string `json:"key"`
}

func vaultCreate(ctx context.Context, o *session, p createParams) (keyText, error) {
	return newKey(o.vault.Create(ctx, p.Store == nil || *p.Store))
}

type openParams struct {
	Key string `json:"key,omitzero"`
	// Passphrase opens a vault that has one.
	Passphrase string `json:"passphrase,omitzero"`
}

func vaultOpen(ctx context.Context, o *session, p openParams) (vault.Status, error) {
	err := o.openVault(ctx, p)
	return o.vault.Status(), err
}

func (o *session) openVault(ctx context.Context, p openParams) error {
	switch {
	case p.Key != "" && p.Passphrase != "":
		return fail("invalid", "A vault is opened with its key or with its passphrase.", "Give one of them.")
	case p.Passphrase != "":
		return o.vault.OpenWithPassphrase(ctx, []byte(p.Passphrase))
	case p.Key != "":
		key, err := seal.ParseKey(p.Key)
		if err != nil {
			return err
		}
		defer key.Wipe()
		return o.vault.Open(ctx, key)
	}
	if by := o.vault.LockedBy(); o.role == roleApp && by != vault.LockerNone && by != vault.LockerApp {
		return fail("locked", "The vault was locked, and a page cannot open it by itself.", "Unlock it from the tray, or type the vault key.")
	}
	return o.vault.Open(ctx, nil)
}

func vaultLock(_ context.Context, o *session, _ nothing) (nothing, error) {
	if o.role == roleOwner {
		o.server.config.Accounts.LockAll(vault.LockerOwner)
	} else {
		o.vault.Lock(vault.LockerApp)
	}
	return nothing{}, nil
}

func vaultUnlockAll(ctx context.Context, o *session, _ nothing) (nothing, error) {
	return nothing{}, o.server.config.Accounts.OpenAll(ctx)
}

func vaultReset(ctx context.Context, o *session, p createParams) (keyText, error) {
	return newKey(o.vault.Reset(ctx, p.Store == nil || *p.Store))
}

type rotateParams struct {
	Deep bool `json:"deep,omitzero"`
}

func keyRotate(ctx context.Context, o *session, p rotateParams) (keyText, error) {
	if p.Deep {
		return newKey(o.vault.RotateDeep(ctx))
	}
	return newKey(o.vault.Rotate(ctx))
}

// newKey gives the text of a key, for its owner to save.
func newKey(key *seal.VaultKey, err error) (keyText, error) {
	if err != nil {
		return keyText{}, err
	}
	defer key.Wipe()
	return keyText{Key: key.Text()}, nil
}

func vaultSignOut(ctx context.Context, o *session, _ nothing) (nothing, error) {
	return nothing{}, o.vault.SignOut(ctx)
}

func keyReveal(_ context.Context, o *session, _ nothing) (keyText, error) {
	return newKey(o.vault.Key())
}

func keyStore(ctx context.Context, o *session, _ nothing) (nothing, error) {
	return nothing{}, o.vault.StoreKey(ctx)
}

type passphraseParams struct {
	Passphrase string `json:"passphrase"`
}

func keySetPassphrase(ctx context.Context, o *session, p passphraseParams) (nothing, error) {
	return nothing{}, o.vault.SetPassphrase(ctx, []byte(p.Passphrase))
}

func keyRemovePassphrase(ctx context.Context, o *session, _ nothing) (nothing, error) {
	return nothing{}, o.vault.RemovePassphrase(ctx)
}

func keyForget(ctx context.Context, o *session, _ nothing) (nothing, error) {
	return nothing{}, o.vault.ForgetKey(ctx)
}

type exportParams struct {
	// Passphrase encrypts the export, with 12 characters or more.
	Passphrase string `json:"passphrase,omitzero"`
	// Plain asks for readable JSON instead; warn before.
	Plain bool `json:"plain,omitzero"`
}

type exportResult struct {
	Content []byte `json:"content"`
}

func vaultExport(ctx context.Context, o *session, p exportParams) (exportResult, error) {
	if p.Plain == (p.Passphrase != "") {
		return exportResult{}, fail("invalid", "An export is either plain or encrypted with a passphrase.", "Give a passphrase, or ask for a plain export.")
	}
	var content bytes.Buffer
	var err error
	if p.Plain {
		err = o.vault.ExportPlain(ctx, &content)
	} else {
		err = o.vault.Export(ctx, &content, []byte(p.Passphrase))
	}
	o.server.config.Log.Info("vault exported", "account", o.account, "plain", p.Plain, "ok", err == nil)
	return exportResult{Content: content.Bytes()}, err
}

type importParams struct {
	// Content is the file: age, JSON of ours or of Postman's, or .env.
	Content    []byte `json:"content"`
	Passphrase string `json:"passphrase,omitzero"`
	// OnDuplicate is skip, replace or rename.
	OnDuplicate string `json:"onDuplicate,omitzero"`
	// DryRun changes nothing and tells what would happen.
	DryRun bool `json:"dryRun,omitzero"`
}

func vaultImport(ctx context.Context, o *session, p importParams) (vault.ImportReport, error) {
	defer clear(p.Content)
	return o.vault.Import(ctx, bytes.NewReader(p.Content), vault.ImportOptions{
		Passphrase: []byte(p.Passphrase), OnDuplicate: p.OnDuplicate, DryRun: p.DryRun,
	})
}
