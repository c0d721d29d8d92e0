package bridge

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"

	"postern/bridge/relay"
	"postern/vault"
)

// Error is what crosses the bridge when a call fails: a stable kind, one plain
// sentence, and what to do next. It never holds Go error text, a path or a value.
type Error struct {
	// Code is the JSON-RPC 2.0 error code.
	Code    int
	Kind    string
	Message string
	Fix     string
}

func (e *Error) Error() string { return e.Message }

// JSON-RPC 2.0 error codes; codeApplication is the one code of this server, and
// kind tells its errors apart.
const (
	codeParse          = -32700
	codeInvalidRequest = -32600
	codeMethodNotFound = -32601
	codeInvalidParams  = -32602
	codeInternal       = -32603
	codeApplication    = -32000
)

func fail(kind, message, fix string) *Error {
	return &Error{Code: codeApplication, Kind: kind, Message: message, Fix: fix}
}

// wireErrors translates every error that the rooms behind the bridge are known
// to return. What is not here is internal.
var wireErrors = []struct {
	is  error
	err *Error
}{
	{vault.ErrLocked, fail("locked", "The vault is locked.", "Unlock it from the tray, or with postern unlock.")},
	{vault.ErrNoVault, fail("no_vault", "There is no vault yet.", "Create it in the console, or with postern create.")},
	{vault.ErrVaultExists, fail("exists", "There is already a vault.", "Open it with its key, or sign out first, which deletes it.")},
	{vault.ErrNotFound, fail("not_found", "There is no secret of that name.", "List the secrets to see their names.")},
	{vault.ErrExists, fail("exists", "There is already a secret of that name.", "Choose another name.")},
	{vault.ErrMistypedKey, fail("mistyped_key", "This vault key has a typing mistake.", "Compare it with the key you saved, or paste it.")},
	{vault.ErrWrongKey, fail("wrong_key", "This is not the key of this vault.", "Use the newest key or passphrase of this vault.")},
	{vault.ErrNoPassphrase, fail("not_found", "This vault has no passphrase.", "Use its key.")},
	{vault.ErrOlderCopy, fail("damaged", "This vault file is an older copy than the one last used.", "Put the newest vault file back.")},
	{vault.ErrDamaged, fail("damaged", "The vault file is damaged, and was left as it is.", "Put a backup of the vault file in its place.")},
	{vault.ErrNewer, fail("version", "The vault file was written by a newer version of Postern.", "Update Postern.")},
	{vault.ErrBusy, fail("busy", "Another program has the vault file open.", "Close the other program, then try again.")},
	{vault.ErrKeyNotStored, fail("not_found", "The key of this vault is not in the password manager.", "Type the vault key.")},
	{vault.ErrNoPasswordManager, fail("no_password_manager", "No password manager answers on this computer.", "Start one (GNOME Keyring, KWallet, KeePassXC), or type the vault key and do without.")},
	{vault.ErrPasswordManagerLocked, fail("password_manager_locked", "The password manager is locked.", "Unlock it, then try again, or type the vault key.")},
	{relay.ErrRedirect, fail("redirect", "The server redirects to a place where a secret of this request may not go.", "Add that place to the secret's allowed domains, or turn redirects off.")},
	{relay.ErrBlockedAddress, fail("blocked_address", "Requests to this address are not allowed.", "Use another address; Postern never sends to its own port or to cloud metadata services.")},
	{relay.ErrUnreachable, fail("unreachable", "The server cannot be reached.", "Check the address, and that the server is running.")},
	{relay.ErrTimeout, fail("timeout", "The server did not answer in time.", "Try again, or allow more time.")},
	{context.DeadlineExceeded, fail("timeout", "It took too long.", "Try again.")},
	{context.Canceled, fail("cancelled", "The request was cancelled.", "")},
}

// wireError gives what may cross the bridge for err. An unknown error becomes
// internal with an id under which the owner's log has the rest.
func wireError(err error, log *slog.Logger) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	if e, ok := errors.AsType[*vault.InvalidError](err); ok {
		if e.TooLarge {
			return fail("too_large", sentence(e.Reason), "Make it smaller.")
		}
		return fail("invalid", sentence(e.Reason), "Correct it and try again.")
	}
	if e, ok := errors.AsType[*vault.UnresolvedError](err); ok {
		return unresolved(e.References)
	}
	if e, ok := errors.AsType[*vault.StorageError](err); ok {
		log.Error("storage", "path", e.Path, "error", e.Err)
		return fail("storage", sentence(e.Reason), "Free some space or mend the folder's permissions, then try again.")
	}
	for _, known := range wireErrors {
		if errors.Is(err, known.is) {
			return known.err
		}
	}
	id := rand.Text()[:8]
	log.Error("internal error", "id", id, "error", err)
	return &Error{Code: codeInternal, Kind: "internal", Message: "Something went wrong inside Postern.", Fix: "Look for " + id + " in the log."}
}

// unresolved says why nothing was sent, by the first reference that stopped it.
func unresolved(references []vault.Reference) *Error {
	r := references[0]
	switch r.Cause {
	case vault.CauseDomain:
		return fail("domain", "The secret "+quote(r.Name)+" may not go to this address, so nothing was sent.", r.Fix)
	case vault.CauseNeedsGrant:
		return fail("needs_grant", "The secret "+quote(r.Name)+" is not allowed in this public workspace, so nothing was sent.", r.Fix)
	case vault.CauseDisabled:
		return fail("unresolved", "The secret "+quote(r.Name)+" is disabled, so nothing was sent.", r.Fix)
	}
	return fail("unresolved", "There is no secret "+quote(r.Name)+", so nothing was sent.", r.Fix)
}
