package main

import (
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"postern/bridge"
)

func (c *cli) appCommand() *cobra.Command {
	var code string
	allow := &cobra.Command{
		Use: "allow ORIGIN", Short: "Answer an app that asks with yes; when none asks, let its next page in without a question", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			params := map[string]string{"origin": args[0]}
			if code != "" {
				params["code"] = code
			}
			var result struct {
				Answered bool `json:"answered"`
			}
			if err := c.call(cmd.Context(), "app.allow", params, &result); err != nil {
				return err
			}
			if result.Answered {
				return c.done(cmd, "allowed "+args[0])
			}
			return c.done(cmd, "the next page of "+args[0]+" that asks within 10 minutes is let in")
		},
	}
	allow.Flags().StringVar(&code, "code", "", "the six digits that the page shows")
	return group("app", "Say which web apps may use Postern", c.appListCommand(), c.appPendingCommand(), allow,
		c.appOriginCommand("block", "Refuse an app and end its connections", "app.block", "blocked "),
		c.appOriginCommand("forget", "Remove an app, so that it may ask again", "app.forget", "forgot "))
}

func (c *cli) appOriginCommand(verb, short, method, message string) *cobra.Command {
	return &cobra.Command{
		Use: verb + " ORIGIN", Short: short, Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := c.call(cmd.Context(), method, map[string]string{"origin": args[0]}, nil); err != nil {
				return err
			}
			return c.done(cmd, message+args[0])
		},
	}
}

func (c *cli) appListCommand() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the apps that were allowed or blocked", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var list struct {
				Apps []bridge.ConnectedApp `json:"apps"`
			}
			if err := c.call(cmd.Context(), "app.list", nothing{}, &list); err != nil {
				return err
			}
			if c.asJSON {
				return printJSON(cmd.OutOrStdout(), list)
			}
			table := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 4, 2, ' ', 0)
			fmt.Fprintln(table, "ORIGIN\tNAME\tALLOWED\tBROWSERS\tCONNECTIONS")
			for _, app := range list.Apps {
				fmt.Fprintf(table, "%s\t%s\t%s\t%d\t%d\n", app.Origin, app.Name, yesNo(app.Allowed), len(app.Keys), app.Connections)
			}
			return table.Flush()
		},
	}
}

func (c *cli) appPendingCommand() *cobra.Command {
	return &cobra.Command{
		Use: "pending", Short: "List the apps that ask to be allowed", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var list struct {
				Questions []bridge.Question `json:"questions"`
			}
			if err := c.call(cmd.Context(), "question.list", nothing{}, &list); err != nil {
				return err
			}
			if c.asJSON {
				return printJSON(cmd.OutOrStdout(), list)
			}
			table := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 4, 2, ' ', 0)
			fmt.Fprintln(table, "ORIGIN\tNAME\tCODE\tUNTIL")
			for _, q := range list.Questions {
				fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", q.Origin, q.Name, q.Code, q.Expires.Local().Format("15:04:05"))
			}
			return table.Flush()
		},
	}
}
