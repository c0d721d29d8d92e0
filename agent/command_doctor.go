package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

func (c *cli) doctorCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "doctor",
		Short: "Find out why pages cannot reach the vault, and what to do",
		Long: `doctor looks at everything that pages need to reach the vault, and says of each
thing what is wrong and how to mend it. Its report holds no secret, no account
and no origin, so that it can be shown to others. The exit code is 1 when
something is broken.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			f, err := foldersUnder(c.home)
			if err != nil {
				return err
			}
			d := doctor{folders: f, account: c.account, root: "/"}
			return c.printChecks(cmd, d.examine(cmd.Context()))
		},
	}
}

func (c *cli) printChecks(cmd *cobra.Command, checks []check) error {
	broken := 0
	for _, k := range checks {
		if k.State == checkFail {
			broken++
		}
	}
	out := cmd.OutOrStdout()
	if c.asJSON {
		if err := printJSON(out, map[string]any{"ok": broken == 0, "checks": checks}); err != nil {
			return err
		}
	} else {
		for _, k := range checks {
			fmt.Fprintf(out, "%-8s%-18s%s\n", k.State, k.Name, k.Found)
			if k.Fix != "" {
				fmt.Fprintf(out, "%26s%s\n", "", k.Fix)
			}
		}
	}
	switch broken {
	case 0:
		return nil
	case 1:
		return hinted("1 check failed", "what to do stands below it in the report")
	}
	return hinted(fmt.Sprintf("%d checks failed", broken), "what to do stands below each in the report")
}
