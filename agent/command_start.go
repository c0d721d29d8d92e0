package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"postern/bridge"
	"postern/vault"
)

type startFlags struct {
	headless bool
	port     int
	welcome  bool
}

func (c *cli) startCommand() *cobra.Command {
	var flags startFlags
	cmd := &cobra.Command{
		Use:   "start",
		Short: "Run the agent in the foreground",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return c.start(cmd, flags) },
	}
	cmd.Flags().BoolVar(&flags.headless, "headless", false, "no tray and no dialogs")
	cmd.Flags().IntVar(&flags.port, "port", 0, fmt.Sprintf("the loopback port for pages (default %d; 0 chooses a free one)", defaultPort))
	return cmd
}

func (c *cli) start(cmd *cobra.Command, flags startFlags) error {
	f, err := foldersUnder(c.home)
	if err != nil {
		return err
	}
	config, err := loadConfig(f.configFile())
	if err != nil {
		return err
	}
	if cmd.Flags().Changed("port") {
		config.Port = flags.port
		// Port 0 lets the system choose one, which the line that is printed tells.
		if err := config.check(); err != nil && flags.port != 0 {
			return err
		}
	}
	err = run(cmd.Context(), f, config, startOptions{
		headless: flags.headless, welcome: flags.welcome,
		out: cmd.OutOrStdout(), errors: cmd.ErrOrStderr(),
	})
	if !errors.Is(err, errAlreadyRunning) {
		return asFailure(err)
	}
	if flags.headless {
		return hinted("postern is already running", "use it, or stop it first")
	}
	fmt.Fprintln(cmd.ErrOrStderr(), "postern is already running; its console opens")
	return c.openConsole(cmd, false)
}

// asFailure keeps an error of the running agent apart from one of usage.
func asFailure(err error) error {
	if _, known := errors.AsType[*cliError](err); err == nil || known {
		return err
	}
	return &cliError{kind: "internal", message: err.Error(), hint: "see the log", code: exitFailed}
}

func (c *cli) openCommand() *cobra.Command {
	var printOnly bool
	cmd := &cobra.Command{
		Use:   "open",
		Short: "Open the console in the browser",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return c.openConsole(cmd, printOnly) },
	}
	cmd.Flags().BoolVar(&printOnly, "print", false, "print the address, which is good once, instead")
	return cmd
}

func (c *cli) openConsole(cmd *cobra.Command, printOnly bool) error {
	var link struct {
		URL string `json:"url"`
	}
	if err := c.call(cmd.Context(), "agent.consoleLink", nothing{}, &link); err != nil {
		return err
	}
	if c.asJSON {
		return printJSON(cmd.OutOrStdout(), link)
	}
	if !printOnly && openBrowser(link.URL) == nil {
		return nil
	}
	_, err := fmt.Fprintln(cmd.OutOrStdout(), link.URL)
	return err
}

// status is what postern status prints.
type status struct {
	vault.Status
	Connections int    `json:"connections"`
	Version     string `json:"version"`
	Port        int    `json:"port"`
}

func (c *cli) statusCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "status",
		Short: "Tell the state of the vault and of the agent",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var s status
			if err := c.call(cmd.Context(), "vault.status", nothing{}, &s.Status); err != nil {
				return err
			}
			if err := c.call(cmd.Context(), "agent.info", nothing{}, &s); err != nil {
				return err
			}
			if c.asJSON {
				return printJSON(cmd.OutOrStdout(), s)
			}
			out := cmd.OutOrStdout()
			fmt.Fprintf(out, "vault:       %s\n", describe(s.Status))
			fmt.Fprintf(out, "account:     %s\n", s.Account)
			fmt.Fprintf(out, "connections: %d\n", s.Connections)
			fmt.Fprintf(out, "port:        %d\n", s.Port)
			_, err := fmt.Fprintf(out, "version:     %s\n", s.Version)
			return err
		},
	}
}

func describe(s vault.Status) string {
	kept := "key not in the password manager"
	if s.KeyStored {
		kept = "key in the password manager"
	}
	switch s.State {
	case vault.StateOpen:
		return "open, " + secretCount(s.Secrets) + ", " + kept
	case vault.StateLocked:
		return "locked, " + kept
	}
	return "none yet, make one with postern create"
}

func secretCount(n int) string {
	if n == 1 {
		return "1 secret"
	}
	return fmt.Sprintf("%d secrets", n)
}

func (c *cli) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version of this program and of the protocol",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if c.asJSON {
				return printJSON(cmd.OutOrStdout(), map[string]string{"version": version(), "protocol": bridge.Subprotocol})
			}
			_, err := fmt.Fprintf(cmd.OutOrStdout(), "postern %s (%s)\n", version(), bridge.Subprotocol)
			return err
		},
	}
}
