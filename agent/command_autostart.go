package main

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/spf13/cobra"

	"postern/installer"
)

// autostartCommand needs no running agent: it writes where the desktop looks.
func (c *cli) autostartCommand() *cobra.Command {
	return group("autostart", "Say whether Postern starts when you log in",
		c.autostartSwitch("enable", "Start Postern when you log in", true, "Postern starts when you log in"),
		c.autostartSwitch("disable", "Do not start Postern when you log in", false, "Postern no longer starts when you log in"),
		c.autostartStatusCommand())
}

func (c *cli) autostartSwitch(use, short string, on bool, message string) *cobra.Command {
	return &cobra.Command{
		Use: use, Short: short, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := setAutostart(on); err != nil {
				return autostartError(err)
			}
			return c.done(cmd, message)
		},
	}
}

func (c *cli) autostartStatusCommand() *cobra.Command {
	return &cobra.Command{
		Use: "status", Short: "Tell whether Postern starts at the next login", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			on, err := installer.Installed()
			if err != nil {
				return autostartError(err)
			}
			if c.asJSON {
				return printJSON(cmd.OutOrStdout(), map[string]bool{"enabled": on})
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), map[bool]string{true: "enabled", false: "disabled"}[on])
			return err
		},
	}
}

// autostartError makes the last part of the installer's sentence, which says what
// to do, the hint. What the system says has no such part.
func autostartError(err error) error {
	if path, ok := errors.AsType[*fs.PathError](err); ok {
		return hinted("the login entry cannot be used: "+path.Error(), "mend the permissions of that folder")
	}
	message := err.Error()
	if at := strings.LastIndex(message, ": "); at > 0 {
		return hinted(message[:at], message[at+2:])
	}
	return hinted(message, "postern autostart status tells how it stands")
}
