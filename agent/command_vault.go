package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"postern/vault"
)

type keyResult struct {
	Key string `json:"key"`
}

// printKey prints the key alone on standard output, so that it can be piped
// into a safe place.
func (c *cli) printKey(cmd *cobra.Command, key keyResult, note string) error {
	if c.asJSON {
		return printJSON(cmd.OutOrStdout(), key)
	}
	if _, err := fmt.Fprintln(cmd.OutOrStdout(), key.Key); err != nil {
		return err
	}
	_, err := fmt.Fprintln(cmd.ErrOrStderr(), note)
	return err
}

func (c *cli) createCommand() *cobra.Command {
	var noStore bool
	cmd := &cobra.Command{
		Use:   "create",
		Short: "Make the vault and print its key",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var key keyResult
			if err := c.call(cmd.Context(), "vault.create", map[string]bool{"store": !noStore}, &key); err != nil {
				return withoutStore(err)
			}
			note := "this is the key of your vault: keep a copy in a safe place; it is also in the password manager"
			if noStore {
				note = "this is the key of your vault: keep it in a safe place, without it the secrets are lost"
			}
			return c.printKey(cmd, key, note)
		},
	}
	cmd.Flags().BoolVar(&noStore, "no-store", false, "do not keep the key in the password manager")
	return cmd
}

// withoutStore tells who has no password manager how to do without.
func withoutStore(err error) error {
	e, ok := errors.AsType[*cliError](err)
	if ok && (e.kind == "no_password_manager" || e.kind == "password_manager_locked") {
		e.hint = "unlock or start a password manager and try again, or keep the key yourself: postern create --no-store"
	}
	return err
}

func (c *cli) unlockCommand() *cobra.Command {
	var keyStdin, passphraseStdin bool
	cmd := &cobra.Command{
		Use:   "unlock",
		Short: "Open the vault with the key in the password manager, or with one that you give",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if keyStdin || passphraseStdin {
				text, err := readSecret(cmd.InOrStdin())
				if err != nil {
					return err
				}
				if keyStdin {
					return c.open(cmd, map[string]string{"key": text})
				}
				return c.open(cmd, map[string]string{"passphrase": text})
			}
			err := c.open(cmd, map[string]string{})
			if e, ok := errors.AsType[*cliError](err); ok && needsKey(e.kind) {
				e.hint = "give the vault key: postern unlock --key-stdin"
				if isTerminal(os.Stdin) {
					fmt.Fprintf(cmd.ErrOrStderr(), "%s\n", inVoice(e.message))
					key, promptErr := promptSecret("vault key: ")
					if promptErr != nil {
						return err
					}
					err = c.open(cmd, map[string]string{"key": key})
				}
			}
			return err
		},
	}
	cmd.Flags().BoolVar(&keyStdin, "key-stdin", false, "read the vault key from standard input")
	cmd.Flags().BoolVar(&passphraseStdin, "passphrase-stdin", false, "read the vault's passphrase from standard input")
	cmd.MarkFlagsMutuallyExclusive("key-stdin", "passphrase-stdin")
	return cmd
}

// needsKey holds when the password manager cannot give the key.
func needsKey(kind string) bool {
	return kind == "not_found" || kind == "no_password_manager" || kind == "password_manager_locked"
}

func (c *cli) open(cmd *cobra.Command, params map[string]string) error {
	var s vault.Status
	if err := c.call(cmd.Context(), "vault.open", params, &s); err != nil {
		return err
	}
	if c.asJSON {
		return printJSON(cmd.OutOrStdout(), s)
	}
	return c.done(cmd, "open, "+secretCount(s.Secrets))
}

func (c *cli) lockCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "lock",
		Short: "Lock every vault",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := c.call(cmd.Context(), "vault.lock", nothing{}, nil); err != nil {
				return err
			}
			return c.done(cmd, "locked")
		},
	}
}

func (c *cli) signOutCommand() *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use:   "signout",
		Short: "Delete the vault and every secret in it for good",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := c.confirmDeletion(yes, "signing out"); err != nil {
				return err
			}
			if err := c.call(cmd.Context(), "vault.signOut", nothing{}, nil); err != nil {
				return err
			}
			return c.done(cmd, "signed out; the secrets are deleted and the key opens nothing any more")
		},
	}
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
	return cmd
}

func (c *cli) keyCommand() *cobra.Command {
	show := &cobra.Command{
		Use: "show", Short: "Print the key of the open vault", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var key keyResult
			if err := c.call(cmd.Context(), "key.reveal", nothing{}, &key); err != nil {
				return err
			}
			return c.printKey(cmd, key, "whoever has this key and the vault file can read every secret")
		},
	}
	return group("key", "Show or replace the vault key, or say where it is kept", show, c.keyRotateCommand(), c.keyResetCommand(), c.keyPassphraseCommand(),
		c.keyCall("store", "Keep the key in the password manager", "key.store", "the key is in the password manager"),
		c.keyCall("forget", "Remove the key from the password manager", "key.forget", "the key is no longer in the password manager"))
}

func (c *cli) keyCall(use, short, method, message string) *cobra.Command {
	return &cobra.Command{Use: use, Short: short, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := c.call(cmd.Context(), method, nothing{}, nil); err != nil {
				return err
			}
			return c.done(cmd, message)
		}}
}

func (c *cli) keyRotateCommand() *cobra.Command {
	var deep bool
	cmd := &cobra.Command{
		Use: "rotate", Short: "Give the vault a new key; no secret is lost", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var key keyResult
			if err := c.call(cmd.Context(), "key.rotate", map[string]bool{"deep": deep}, &key); err != nil {
				return err
			}
			return c.printKey(cmd, key, "this is the new key of your vault; the old one opens it no more")
		},
	}
	cmd.Flags().BoolVar(&deep, "deep", false, "the old key leaked: seal every secret anew, so that it opens no copy made from now on")
	return cmd
}

func (c *cli) keyResetCommand() *cobra.Command {
	var yes, noStore bool
	cmd := &cobra.Command{
		Use: "reset", Short: "The key is lost: delete every secret and make a new vault", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := c.confirmDeletion(yes, "a reset"); err != nil {
				return err
			}
			var key keyResult
			if err := c.call(cmd.Context(), "vault.reset", map[string]bool{"store": !noStore}, &key); err != nil {
				return err
			}
			return c.printKey(cmd, key, "the vault is new and empty; this is its key: keep it in a safe place")
		},
	}
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
	cmd.Flags().BoolVar(&noStore, "no-store", false, "do not keep the key in the password manager")
	return cmd
}

// confirmDeletion asks before every secret of the account is lost.
func (c *cli) confirmDeletion(yes bool, what string) error {
	switch {
	case yes:
		return nil
	case !isTerminal(os.Stdin):
		return usage(what+" deletes every secret of the account "+c.account+" for good", "add --yes if you mean it")
	case !confirm("delete every secret of the account " + c.account + " for good?"):
		return hinted("nothing was deleted", "")
	}
	return nil
}

func (c *cli) keyPassphraseCommand() *cobra.Command {
	var remove bool
	cmd := &cobra.Command{
		Use: "passphrase", Short: "Let a passphrase open the vault too", Args: cobra.NoArgs,
		Long: `Let a passphrase of 12 characters or more open the vault beside its key. It is
asked for, or read from standard input.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if remove {
				if err := c.call(cmd.Context(), "key.removePassphrase", nothing{}, nil); err != nil {
					return err
				}
				return c.done(cmd, "no passphrase opens the vault any more")
			}
			passphrase, err := c.newPassphrase(cmd)
			if err != nil {
				return err
			}
			if err := c.call(cmd.Context(), "key.setPassphrase", map[string]string{"passphrase": passphrase}, nil); err != nil {
				return err
			}
			return c.done(cmd, "the passphrase opens the vault")
		},
	}
	cmd.Flags().BoolVar(&remove, "remove", false, "let no passphrase open it any more")
	return cmd
}
