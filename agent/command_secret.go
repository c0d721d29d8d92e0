package main

import (
	"fmt"
	"os"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"postern/vault"
)

func (c *cli) secretCommand() *cobra.Command {
	return group("secret", "Add, list, show and delete secrets",
		c.secretSetCommand(), c.secretListCommand(), c.secretRevealCommand(), c.secretRemoveCommand(),
		c.secretRenameCommand(), c.secretSwitchCommand("enable", true), c.secretSwitchCommand("disable", false),
		c.secretGenerateCommand(),
	)
}

func (c *cli) secretSetCommand() *cobra.Command {
	var valueStdin, disabled bool
	var domains []string
	cmd := &cobra.Command{
		Use:   "set NAME",
		Short: "Add a secret, or change one",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			params := map[string]any{"name": args[0]}
			value, given, err := c.secretValue(cmd, valueStdin, args[0])
			if err != nil {
				return err
			}
			if given {
				params["value"] = value
			}
			if cmd.Flags().Changed("domain") {
				params["domains"] = domains
			}
			if cmd.Flags().Changed("disabled") {
				params["enabled"] = !disabled
			}
			var s vault.Secret
			if err := c.call(cmd.Context(), "secret.set", params, &s); err != nil {
				return err
			}
			return c.printSecret(cmd, s, "saved "+s.Name)
		},
	}
	cmd.Flags().BoolVar(&valueStdin, "value-stdin", false, "read the value from standard input, less one line break at its end")
	cmd.Flags().StringArrayVar(&domains, "domain", nil, "a domain that the secret may go to; repeat for more; none means any")
	cmd.Flags().BoolVar(&disabled, "disabled", false, "save the secret disabled")
	return cmd
}

// secretValue reads the value where one is to be had: from standard input on
// request, else from a person, who may leave a secret's value as it is.
func (c *cli) secretValue(cmd *cobra.Command, stdin bool, name string) (value string, given bool, err error) {
	onlyAbout := cmd.Flags().Changed("domain") || cmd.Flags().Changed("disabled")
	switch {
	case stdin:
		value, err = readSecret(cmd.InOrStdin())
		return value, true, err
	case isTerminal(os.Stdin) && onlyAbout:
		value, err = promptSecret("value of " + name + " (empty: as it is): ")
		return value, value != "", err
	case isTerminal(os.Stdin):
		value, err = promptSecret("value of " + name + ": ")
		return value, true, err
	case onlyAbout:
		return "", false, nil
	}
	return "", false, usage("no value given", "pipe it in with --value-stdin")
}

func (c *cli) printSecret(cmd *cobra.Command, s vault.Secret, message string) error {
	if c.asJSON {
		return printJSON(cmd.OutOrStdout(), s)
	}
	return c.done(cmd, message)
}

func (c *cli) secretListCommand() *cobra.Command {
	var filter string
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List secrets without their values",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var list struct {
				Secrets []vault.Secret `json:"secrets"`
				Total   int            `json:"total"`
			}
			if err := c.call(cmd.Context(), "secret.list", map[string]string{"filter": filter}, &list); err != nil {
				return err
			}
			if c.asJSON {
				return printJSON(cmd.OutOrStdout(), list)
			}
			table := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 4, 2, ' ', 0)
			fmt.Fprintln(table, "NAME\tENABLED\tALLOWED DOMAINS\tCHANGED")
			for _, s := range list.Secrets {
				fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", s.Name, yesNo(s.Enabled), domainText(s.Domains), s.Updated.Local().Format("2006-01-02 15:04"))
			}
			return table.Flush()
		},
	}
	cmd.Flags().StringVar(&filter, "filter", "", "only names that hold this text")
	return cmd
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

func domainText(domains []string) string {
	if len(domains) == 0 {
		return "any"
	}
	return strings.Join(domains, ", ")
}

func (c *cli) secretRevealCommand() *cobra.Command {
	return &cobra.Command{
		Use: "reveal NAME", Short: "Print a secret's value", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			var secret struct {
				Value string `json:"value"`
			}
			if err := c.call(cmd.Context(), "secret.reveal", map[string]string{"name": args[0]}, &secret); err != nil {
				return err
			}
			if c.asJSON {
				return printJSON(cmd.OutOrStdout(), secret)
			}
			_, err := fmt.Fprintln(cmd.OutOrStdout(), secret.Value)
			return err
		},
	}
}

func (c *cli) secretRemoveCommand() *cobra.Command {
	return &cobra.Command{
		Use: "rm NAME...", Short: "Delete secrets, all of them or none", Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := c.call(cmd.Context(), "secret.delete", map[string][]string{"names": args}, nil); err != nil {
				return err
			}
			return c.done(cmd, "deleted "+strings.Join(args, ", "))
		},
	}
}

func (c *cli) secretRenameCommand() *cobra.Command {
	return &cobra.Command{
		Use: "rename OLD NEW", Short: "Give a secret another name", Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := c.call(cmd.Context(), "secret.rename", map[string]string{"from": args[0], "to": args[1]}, nil); err != nil {
				return err
			}
			return c.done(cmd, fmt.Sprintf("renamed; references to {{vault:%s}} are empty now", args[0]))
		},
	}
}

func (c *cli) secretSwitchCommand(verb string, enabled bool) *cobra.Command {
	return &cobra.Command{
		Use: verb + " NAME", Short: "Let a secret be used, or not: " + verb + " it", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			var s vault.Secret
			if err := c.call(cmd.Context(), "secret.set", map[string]any{"name": args[0], "enabled": enabled}, &s); err != nil {
				return err
			}
			return c.printSecret(cmd, s, verb+"d "+s.Name)
		},
	}
}

func (c *cli) secretGenerateCommand() *cobra.Command {
	var length int
	var domains []string
	cmd := &cobra.Command{
		Use: "generate NAME", Short: "Set a secret to a random value that nobody has seen", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			params := map[string]any{"name": args[0], "length": length}
			if cmd.Flags().Changed("domain") {
				params["domains"] = domains
			}
			var s vault.Secret
			if err := c.call(cmd.Context(), "secret.generate", params, &s); err != nil {
				return err
			}
			return c.printSecret(cmd, s, "saved "+s.Name)
		},
	}
	cmd.Flags().IntVar(&length, "length", 32, "how many characters")
	cmd.Flags().StringArrayVar(&domains, "domain", nil, "a domain that the secret may go to; repeat for more; none means any")
	return cmd
}
