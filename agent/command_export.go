package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"postern/vault"
)

func (c *cli) exportCommand() *cobra.Command {
	var plain, yes bool
	cmd := &cobra.Command{
		Use:   "export FILE",
		Short: "Write all secrets to a file, encrypted with a passphrase in the age format",
		Long: `Write all secrets to a file ("-" is standard output), encrypted with a
passphrase of 12 characters or more. The passphrase is asked for, or read from
standard input. The age program decrypts the file as well.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return c.export(cmd, args[0], plain, yes) },
	}
	cmd.Flags().BoolVar(&plain, "plain", false, "write readable JSON instead, which anybody can read")
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask before a plain export")
	return cmd
}

func (c *cli) export(cmd *cobra.Command, file string, plain, yes bool) error {
	if _, err := os.Lstat(file); file != "-" && !errors.Is(err, fs.ErrNotExist) {
		return usage(fmt.Sprintf("there is already a file %q", file), "choose another name, or delete it first")
	}
	params := map[string]any{"plain": plain}
	if plain {
		if err := confirmPlain(yes); err != nil {
			return err
		}
	} else {
		passphrase, err := c.newPassphrase(cmd)
		if err != nil {
			return err
		}
		params["passphrase"] = passphrase
	}
	var result struct {
		Content []byte `json:"content"`
	}
	if err := c.call(cmd.Context(), "vault.export", params, &result); err != nil {
		return err
	}
	if file == "-" {
		_, err := cmd.OutOrStdout().Write(result.Content)
		return err
	}
	if err := writeNew(file, result.Content); err != nil {
		return hinted(fmt.Sprintf("the file %q cannot be written", file), "choose another place")
	}
	return c.done(cmd, "wrote "+file)
}

// confirmPlain asks twice: what is written can be read by anybody, for good.
func confirmPlain(yes bool) error {
	switch {
	case yes:
		return nil
	case !isTerminal(os.Stdin):
		return usage("a plain export can be read by anybody who gets the file", "leave out --plain, or add --yes if you mean it")
	case !confirm("a plain export can be read by anybody who gets the file; go on?"), !confirm("really write every secret in the clear?"):
		return hinted("nothing was written", "")
	}
	return nil
}

func (c *cli) newPassphrase(cmd *cobra.Command) (string, error) {
	if !isTerminal(os.Stdin) {
		return readSecret(cmd.InOrStdin())
	}
	passphrase, err := promptSecret("passphrase, 12 characters or more: ")
	if err != nil {
		return "", err
	}
	again, err := promptSecret("the same again: ")
	if err != nil {
		return "", err
	}
	if passphrase != again {
		return "", usage("the passphrases differ", "try again")
	}
	return passphrase, nil
}

// writeNew writes a file that did not exist, for its owner's eyes.
func writeNew(name string, content []byte) error {
	file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(content)
	return errors.Join(err, file.Sync(), file.Close())
}

func (c *cli) importCommand() *cobra.Command {
	var onDuplicate string
	var dryRun bool
	cmd := &cobra.Command{
		Use:   "import FILE",
		Short: "Add the secrets of a file: an export, a Postman environment or vault export, or .env",
		Long: `Add the secrets of a file ("-" is standard input). The passphrase of an
encrypted file is asked for, or read from standard input.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.importFile(cmd, args[0], map[string]any{"onDuplicate": onDuplicate, "dryRun": dryRun})
		},
	}
	cmd.Flags().StringVar(&onDuplicate, "on-duplicate", vault.DuplicateSkip, "what to do with a name that is there already: skip, replace or rename")
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "change nothing, and tell what would happen")
	return cmd
}

func (c *cli) importFile(cmd *cobra.Command, file string, params map[string]any) error {
	in := cmd.InOrStdin()
	if file != "-" {
		opened, err := os.Open(file)
		if err != nil {
			return usage(fmt.Sprintf("the file %q cannot be read", file), "check its name")
		}
		defer opened.Close()
		in = opened
	}
	content, err := io.ReadAll(io.LimitReader(in, vault.MaxImport+1))
	if err != nil {
		return err
	}
	params["content"] = content
	if vault.IsEncrypted(content) {
		passphrase, err := c.passphrase(cmd, file)
		if err != nil {
			return err
		}
		params["passphrase"] = passphrase
	}
	var report vault.ImportReport
	if err := c.call(cmd.Context(), "vault.import", params, &report); err != nil {
		return err
	}
	return c.printReport(cmd, report)
}

func (c *cli) passphrase(cmd *cobra.Command, file string) (string, error) {
	switch {
	case file == "-":
		return "", usage("an encrypted file cannot come from standard input, where its passphrase is read", "give the name of the file")
	case isTerminal(os.Stdin):
		return promptSecret("passphrase of the file: ")
	}
	return readSecret(cmd.InOrStdin())
}

func (c *cli) printReport(cmd *cobra.Command, report vault.ImportReport) error {
	if c.asJSON {
		return printJSON(cmd.OutOrStdout(), report)
	}
	out := cmd.OutOrStdout()
	for _, item := range report.Items {
		switch {
		case item.Reason != "":
			fmt.Fprintf(out, "%s  %s: %s\n", item.Result, item.Name, item.Reason)
		case item.As != "" && item.As != item.Name:
			fmt.Fprintf(out, "%s  %s as %s\n", item.Result, item.Name, item.As)
		default:
			fmt.Fprintf(out, "%s  %s\n", item.Result, item.Name)
		}
	}
	_, err := fmt.Fprintf(cmd.ErrOrStderr(), "%d added, %d replaced, %d renamed, %d skipped, %d refused\n",
		report.Count(vault.ImportAdded), report.Count(vault.ImportReplaced), report.Count(vault.ImportRenamed),
		report.Count(vault.ImportSkipped), report.Count(vault.ImportRefused))
	return err
}
