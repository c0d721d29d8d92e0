package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"postern/bridge/relay"
	"postern/vault"
)

type sendFlags struct {
	method          string
	headers         []string
	data            string
	include         bool
	variables       []string
	envFile         string
	workspace       string
	allowUnresolved bool
	noMask          bool
}

func (c *cli) sendCommand() *cobra.Command {
	var flags sendFlags
	cmd := &cobra.Command{
		Use:   "send URL",
		Short: "Send an HTTP request with references like {{vault:NAME}} resolved",
		Example: `  postern send -H 'X-Api-Key: {{vault:weather}}' https://api.example.com/v1/today
  postern send -X POST -d @body.json --var id=7 'https://api.example.com/items/{{id}}'`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return c.send(cmd, flags, args[0]) },
	}
	f := cmd.Flags()
	f.StringVarP(&flags.method, "request", "X", "", "the method (default GET, or POST with -d)")
	f.StringArrayVarP(&flags.headers, "header", "H", nil, "a header, as 'Name: value'; repeat for more")
	f.StringVarP(&flags.data, "data", "d", "", "the body, or @FILE to read it")
	f.BoolVarP(&flags.include, "include", "i", false, "print the status line and the headers too")
	f.StringArrayVar(&flags.variables, "var", nil, "a variable, as NAME=VALUE; repeat for more")
	f.StringVar(&flags.envFile, "env", "", "a Postman environment file with more variables")
	f.StringVar(&flags.workspace, "workspace", "", "the workspace, as ID:VISIBILITY")
	f.BoolVar(&flags.allowUnresolved, "allow-unresolved", false, "send references to missing secrets as literal text")
	f.BoolVar(&flags.noMask, "no-mask", false, "show secrets that come back in the response")
	return cmd
}

func (c *cli) send(cmd *cobra.Command, flags sendFlags, address string) error {
	request, err := flags.request(address)
	if err != nil {
		return err
	}
	variables, err := keyValues(flags.variables)
	if err != nil {
		return err
	}
	environment, err := readEnvironment(flags.envFile)
	if err != nil {
		return err
	}
	agent, err := c.connect(cmd.Context(), flags.workspace)
	if err != nil {
		return err
	}
	defer agent.close()
	var response relay.Response
	params := map[string]any{
		"request": request, "variables": variables, "environment": environment,
		"allowUnresolved": flags.allowUnresolved, "noMask": flags.noMask,
	}
	if err := agent.call(cmd.Context(), "request.send", params, &response); err != nil {
		return err
	}
	if c.asJSON {
		return printJSON(cmd.OutOrStdout(), response)
	}
	return printResponse(cmd.OutOrStdout(), response, flags.include)
}

// request builds a Postman Collection request from the flags.
func (flags sendFlags) request(address string) (map[string]any, error) {
	method := flags.method
	request := map[string]any{"url": address}
	headers := []map[string]string{}
	for _, line := range flags.headers {
		name, value, found := strings.Cut(line, ":")
		if !found || strings.TrimSpace(name) == "" {
			return nil, usage(fmt.Sprintf("%q is not a header", line), "write it as 'Name: value'")
		}
		headers = append(headers, map[string]string{"key": strings.TrimSpace(name), "value": strings.TrimSpace(value)})
	}
	if flags.data != "" {
		body := flags.data
		if file, isFile := strings.CutPrefix(flags.data, "@"); isFile {
			text, err := os.ReadFile(file)
			if err != nil {
				return nil, usage(fmt.Sprintf("the file %q cannot be read", file), "check its name")
			}
			body = string(text)
		}
		request["body"] = map[string]string{"mode": "raw", "raw": body}
		if method == "" {
			method = "POST"
		}
	}
	request["header"] = headers
	if method != "" {
		request["method"] = method
	}
	return request, nil
}

func keyValues(list []string) (map[string]string, error) {
	values := map[string]string{}
	for _, text := range list {
		key, value, found := strings.Cut(text, "=")
		if !found || key == "" {
			return nil, usage(fmt.Sprintf("%q is not a variable", text), "write it as NAME=VALUE")
		}
		values[key] = value
	}
	return values, nil
}

// readEnvironment reads the values of a Postman environment file; what is
// disabled there is passed over.
func readEnvironment(path string) (map[string]string, error) {
	values := map[string]string{}
	if path == "" {
		return values, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, usage(fmt.Sprintf("the file %q cannot be read", path), "check its name")
	}
	var environment struct {
		Values []struct {
			Key     string `json:"key"`
			Value   string `json:"value"`
			Enabled *bool  `json:"enabled"`
		} `json:"values"`
	}
	if err := json.Unmarshal(text, &environment); err != nil {
		return nil, usage(fmt.Sprintf("the file %q is not a Postman environment", path), "export it again as JSON")
	}
	for _, v := range environment.Values {
		if v.Enabled == nil || *v.Enabled {
			values[v.Key] = v.Value
		}
	}
	return values, nil
}

func parseWorkspace(text string) (vault.Workspace, error) {
	id, visibility, found := strings.Cut(text, ":")
	w := vault.Workspace{ID: id, Name: id, Visibility: vault.Visibility(visibility)}
	if !found || w.Check() != nil {
		return w, usage(fmt.Sprintf("%q is not a workspace", text), "write it as ID:VISIBILITY, where that is personal, private, team, partner or public")
	}
	return w, nil
}

func printResponse(w io.Writer, r relay.Response, include bool) error {
	if include {
		fmt.Fprintf(w, "%s %d %s\r\n", r.Protocol, r.Code, r.Status)
		for _, h := range r.Header {
			fmt.Fprintf(w, "%s: %s\r\n", h.Key, h.Value)
		}
		fmt.Fprint(w, "\r\n")
	}
	body := []byte(r.Body)
	if r.Encoding == "base64" {
		var err error
		if body, err = base64.StdEncoding.DecodeString(r.Body); err != nil {
			return err
		}
	}
	_, err := w.Write(body)
	return err
}

func (c *cli) checkCommand() *cobra.Command {
	var address, workspace string
	cmd := &cobra.Command{
		Use:   "check [TEXT or -]",
		Short: "Tell of each reference whether it resolves, and if not, why",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			text := ""
			if len(args) == 1 {
				text = args[0]
			}
			if text == "-" {
				piped, err := io.ReadAll(io.LimitReader(cmd.InOrStdin(), maxInput))
				if err != nil {
					return err
				}
				text = string(piped)
			}
			return c.check(cmd, text, address, workspace)
		},
	}
	cmd.Flags().StringVar(&address, "url", "", "the address that the request goes to")
	cmd.Flags().StringVar(&workspace, "workspace", "", "the workspace, as ID:VISIBILITY")
	return cmd
}

func (c *cli) check(cmd *cobra.Command, text, address, workspace string) error {
	agent, err := c.connect(cmd.Context(), workspace)
	if err != nil {
		return err
	}
	defer agent.close()
	var result struct {
		References []vault.Reference `json:"references"`
	}
	if err := agent.call(cmd.Context(), "reference.check", map[string]string{"text": text, "url": address}, &result); err != nil {
		return err
	}
	if c.asJSON {
		return printJSON(cmd.OutOrStdout(), result)
	}
	for _, r := range result.References {
		fmt.Fprintf(cmd.OutOrStdout(), "{{vault:%s}}  %s", r.Name, r.State)
		if r.Cause != "" {
			fmt.Fprintf(cmd.OutOrStdout(), " (%s): %s", r.Cause, inVoice(r.Fix))
		}
		fmt.Fprintln(cmd.OutOrStdout())
	}
	return nil
}
