// Command postern is the agent: it keeps the vault, serves the pages that its
// owner has allowed, and sits in the system tray. The same program is the
// command line that talks to the running agent, and, for an instant at a time,
// the child that talks to the password manager.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"postern/vault"
)

func main() { os.Exit(realMain()) }

func realMain() int {
	if len(os.Args) == 2 && os.Args[1] == vault.KeyringCommand {
		if err := vault.KeyringMain(os.Stdin, os.Stdout); err != nil {
			return exitFailed
		}
		return 0
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	c := &cli{}
	if err := c.root().ExecuteContext(ctx); err != nil {
		return report(os.Stderr, err, c.asJSON)
	}
	return 0
}

// cli holds the global flags.
type cli struct {
	home    string
	account string
	asJSON  bool
}

func (c *cli) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "postern",
		Short: "A vault on this computer for the web apps you allow",
		Long: `postern keeps secrets in an encrypted vault on this computer and lets the web
apps that you allow use them. Without a command it starts the agent and opens
its console.

Exit codes: 0 done, 1 failed, 2 usage, 3 locked, 4 not found, 5 refused,
6 agent not running.`,
		Args:          cobra.NoArgs,
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.start(cmd, startFlags{welcome: true})
		},
	}
	flags := root.PersistentFlags()
	flags.StringVar(&c.home, "home", os.Getenv("POSTERN_HOME"), "keep everything in this folder (POSTERN_HOME)")
	flags.StringVar(&c.account, "account", defaultAccount(), "the account whose vault to use; an app's is ORIGIN#ACCOUNT (POSTERN_ACCOUNT)")
	flags.BoolVar(&c.asJSON, "json", false, "print results and errors as JSON")
	root.AddCommand(
		c.startCommand(), c.openCommand(), c.statusCommand(),
		c.createCommand(), c.unlockCommand(), c.lockCommand(), c.signOutCommand(), c.keyCommand(),
		c.exportCommand(), c.importCommand(),
		c.secretCommand(), c.checkCommand(), c.sendCommand(), c.appCommand(), c.autostartCommand(), c.doctorCommand(), c.versionCommand(),
	)
	return root
}

// group is a command that only holds others.
func group(use, short string, commands ...*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{Use: use, Short: short, Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
		return usage("postern "+use+" needs a command", "postern "+use+" --help lists them")
	}}
	cmd.AddCommand(commands...)
	return cmd
}

func defaultAccount() string {
	if account := os.Getenv("POSTERN_ACCOUNT"); account != "" {
		return account
	}
	return vault.LocalAccount
}

// connect connects to the running agent as the owner, in a workspace
// (ID:VISIBILITY) unless that is empty.
func (c *cli) connect(ctx context.Context, workspace string) (*client, error) {
	f, err := foldersUnder(c.home)
	if err != nil {
		return nil, err
	}
	agent, err := connectAgent(ctx, f, c.account)
	if err != nil || workspace == "" {
		return agent, err
	}
	w, err := parseWorkspace(workspace)
	if err == nil {
		err = agent.call(ctx, "workspace.enter", w, nil)
	}
	if err != nil {
		agent.close()
		return nil, err
	}
	return agent, nil
}

// call makes one call to the running agent.
func (c *cli) call(ctx context.Context, method string, params, result any) error {
	agent, err := c.connect(ctx, "")
	if err != nil {
		return err
	}
	defer agent.close()
	return agent.call(ctx, method, params, result)
}

// done prints the outcome of a command that has nothing to show.
func (c *cli) done(cmd *cobra.Command, message string) error {
	if c.asJSON {
		return printJSON(cmd.OutOrStdout(), struct{}{})
	}
	_, err := fmt.Fprintln(cmd.ErrOrStderr(), message)
	return err
}

type nothing struct{}
