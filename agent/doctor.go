package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"postern/installer"
	"postern/vault"
)

// The doctor looks at everything that a page needs to reach the vault, most of it
// without the agent: a machine on which the agent does not start is what it is
// for. Its report is made to be shown to others, so it names no account, no
// origin and no secret, and the owner's folder by a tilde.

// States of a check.
const (
	checkOK      = "ok"
	checkWarn    = "warn"
	checkFail    = "fail"
	checkSkipped = "skipped"
)

// check is one finding: what was looked at, what it means and what to do.
type check struct {
	Name  string `json:"name"`
	State string `json:"state"`
	Found string `json:"found"`
	Fix   string `json:"fix,omitempty"`
}

// doctor is what the checks know of each other.
type doctor struct {
	folders folders
	account string
	config  config
	// root is the folder of the system's files; it is / but in tests.
	root string
	// agent is nil when none runs; then agentError says why.
	agent      *client
	agentError error
	info       status
}

// checkTime is how long a check may take, and the password manager with it.
const checkTime = 10 * time.Second

// examine makes all checks.
func (d *doctor) examine(ctx context.Context) []check {
	ctx, cancel := context.WithTimeout(ctx, 4*checkTime)
	defer cancel()
	configured := d.checkConfig()
	d.agent, d.agentError = connectAgent(ctx, d.folders, d.account)
	if d.agent != nil {
		defer d.agent.close()
	}
	checks := []check{
		{Name: "agent"}, {Name: "versions"}, configured, {Name: "port_ipv4"}, {Name: "port_ipv6"}, {Name: "password_manager"},
		{Name: "session_bus"}, {Name: "tray"}, {Name: "data_folder"}, {Name: "vault_file"}, {Name: "autostart"}, {Name: "clock"},
		{Name: "proxy"}, {Name: "browser_policy"},
	}
	how := map[string]func(context.Context) check{
		"agent": d.checkAgent, "versions": d.checkVersions,
		"port_ipv4":        func(ctx context.Context) check { return d.checkPort(ctx, "127.0.0.1") },
		"port_ipv6":        func(ctx context.Context) check { return d.checkPort(ctx, "::1") },
		"password_manager": checkPasswordManager, "session_bus": checkSessionBus, "tray": checkTray,
		"data_folder": d.checkDataFolder, "vault_file": d.checkVaultFile, "autostart": checkAutostart,
		"clock": d.checkClock, "proxy": checkProxy, "browser_policy": d.checkBrowserPolicy,
	}
	for i, c := range checks {
		if c.State == "" {
			name := c.Name
			checks[i] = how[name](ctx)
			checks[i].Name = name
		}
		checks[i].Found, checks[i].Fix = withoutHome(checks[i].Found), withoutHome(checks[i].Fix)
	}
	return checks
}

// withoutHome hides the owner's name, which is part of the home folder's.
func withoutHome(text string) string {
	home, err := os.UserHomeDir()
	if err != nil || len(home) < 2 {
		return text
	}
	return strings.ReplaceAll(text, home, "~")
}

func good(found string) check         { return check{State: checkOK, Found: found} }
func skipped(found string) check      { return check{State: checkSkipped, Found: found} }
func warning(found, fix string) check { return check{State: checkWarn, Found: found, Fix: fix} }
func failure(found, fix string) check { return check{State: checkFail, Found: found, Fix: fix} }
func failureOf(e *cliError) check     { return failure(inVoice(e.message), inVoice(e.hint)) }

func (d *doctor) checkConfig() check {
	c, err := loadConfig(d.folders.configFile())
	d.config = c
	if e, ok := errors.AsType[*cliError](err); ok {
		d.config.Port = defaultPort
		broken := failureOf(e)
		broken.Name = "config"
		return broken
	}
	if err != nil {
		return check{"config", checkFail, "config.toml cannot be read", "mend its permissions"}
	}
	return check{Name: "config", State: checkOK, Found: "config.toml is well, or not there"}
}

func (d *doctor) checkAgent(ctx context.Context) check {
	if e, ok := errors.AsType[*cliError](d.agentError); ok {
		return failureOf(e)
	}
	ctx, cancel := context.WithTimeout(ctx, checkTime)
	defer cancel()
	if d.agentError == nil {
		d.agentError = d.agent.call(ctx, "agent.info", nothing{}, &d.info)
	}
	if d.agentError != nil {
		return failure("the agent runs and does not answer", "stop it and start it again with postern start")
	}
	return good("the agent runs and answers")
}

func (d *doctor) checkVersions(context.Context) check {
	switch {
	case d.agentError != nil:
		return skipped("this program is " + version() + "; no agent to compare it with")
	case d.info.Version != version():
		return warning("this program is "+version()+" and the agent is "+d.info.Version, "stop the agent and start it again with postern start")
	}
	return good("program and agent are both " + version())
}

// checkPort looks who has the port of the pages on one of the two addresses that
// browsers try for localhost.
func (d *doctor) checkPort(ctx context.Context, address string) check {
	port := d.config.Port
	if d.agentError == nil {
		port = d.info.Port
	}
	where := net.JoinHostPort(address, fmt.Sprint(port))
	holder, held := portHolder(ctx, address, port, d.agent)
	switch {
	case held && holder == agentHolds && d.agentError == nil:
		return good(where + " is the agent's")
	case held:
		return failure(where+" is in use by "+holder, "stop that program, or start the agent with another port: postern start --port")
	case d.agentError != nil:
		return good(where + " is free for the agent")
	case address == "::1":
		return warning("the agent does not have "+where, "nothing needs to be done where there is no IPv6; otherwise start the agent again")
	}
	return failure("the agent does not have "+where, "stop it and start it again with postern start")
}

// agentHolds is what portHolder calls the running agent.
const agentHolds = "the agent"

// checkPasswordManager asks for an entry that nobody has: that it is not there is
// the answer of a password manager that works.
func checkPasswordManager(ctx context.Context) check {
	self, err := os.Executable()
	if err != nil {
		return failure("the path of this program is not known", "start it by its whole path")
	}
	_, err = vault.OSKeyring{Command: self, PromptTime: checkTime}.Get(ctx, "doctor "+rand.Text())
	switch {
	case errors.Is(err, vault.ErrKeyNotStored), err == nil:
		return good("the password manager answers")
	case errors.Is(err, vault.ErrPasswordManagerLocked):
		return warning("the password manager is locked or waits for its owner", "unlock it, or type the key: postern unlock --key-stdin")
	}
	return warning("no password manager answers, so the key has to be typed", "start one that offers the Secret Service, such as GNOME Keyring, KWallet or KeePassXC")
}

// checkDataFolder writes a file, because permissions do not tell of a full disk or
// of one that is mounted for reading only.
func (d *doctor) checkDataFolder(context.Context) check {
	info, err := os.Stat(d.folders.data)
	if errors.Is(err, fs.ErrNotExist) {
		return good("the data folder will be made at the first start")
	}
	fix := "mend its permissions, or choose another folder with --home"
	if err != nil || !info.IsDir() {
		return failure(d.folders.data+" is not a folder that can be entered", fix)
	}
	f, err := os.CreateTemp(d.folders.data, ".doctor-*")
	if err == nil {
		_, err = f.WriteString("postern doctor")
		err = errors.Join(err, f.Close(), os.Remove(f.Name()))
	}
	if err != nil {
		return failure(d.folders.data+" cannot be written to", "free some space or "+fix)
	}
	if runtime.GOOS != "windows" && info.Mode().Perm()&0o022 != 0 {
		return warning(d.folders.data+" can be written to by other users", "run chmod go-w on it")
	}
	return good(d.folders.data + " can be written to")
}

// checkVaultFile opens the vault without a key, which fails in another way when
// the file is damaged.
func (d *doctor) checkVaultFile(ctx context.Context) check {
	var s vault.Status
	if d.agentError == nil && d.agent.call(ctx, "vault.status", nothing{}, &s) == nil && s.State == vault.StateOpen {
		return good("the vault is open")
	}
	err := vault.NewAccounts(vault.Options{Dir: d.folders.vaults()}).Vault(d.account).Open(ctx, nil)
	switch {
	case errors.Is(err, vault.ErrNoVault):
		return good("there is no vault yet")
	case errors.Is(err, vault.ErrNoPasswordManager), errors.Is(err, vault.ErrKeyNotStored):
		return good("the vault file can be read; it was checked as far as that goes without the key")
	case errors.Is(err, vault.ErrDamaged):
		return failure("the vault file is damaged", "put a backup in its place; do not delete it before")
	case errors.Is(err, vault.ErrNewer):
		return failure("the vault file was written by a newer version", "install the newest version")
	case errors.Is(err, vault.ErrBusy):
		return warning("the vault file is in use by another program", "find out whether another agent runs with this folder")
	}
	return failure("the vault file cannot be read", "mend its permissions")
}

func checkAutostart(context.Context) check {
	on, err := installer.Installed()
	switch {
	case err != nil:
		return warning("whether Postern starts at login cannot be told", "try postern autostart enable")
	case on:
		return good("Postern starts at login")
	}
	return good("Postern does not start at login; postern autostart enable changes that")
}

const (
	// builtYear is before any version of this program.
	builtYear = 2026
	// clockSlack is more than file systems and network shares round.
	clockSlack = 5 * time.Minute
)

// checkClock compares the clock with the files that the agent wrote: time limits,
// and those of other computers' certificates, mean nothing by a wrong clock.
func (d *doctor) checkClock(context.Context) check {
	fix := "set the clock, or let the system set it from the network"
	if year := time.Now().Year(); year < builtYear {
		return failure(fmt.Sprintf("the clock says that it is %d", year), fix)
	}
	newest := time.Time{}
	for _, dir := range []string{d.folders.config, d.folders.data, d.folders.vaults(), d.folders.state} {
		entries, err := os.ReadDir(dir)
		if err != nil {
			continue
		}
		for _, entry := range entries {
			if info, err := entry.Info(); err == nil && info.ModTime().After(newest) {
				newest = info.ModTime()
			}
		}
	}
	if ahead := time.Until(newest); ahead > clockSlack {
		return warning(fmt.Sprintf("files of Postern are from the future, by %s", ahead.Round(time.Minute)), fix)
	}
	return good("the clock is not behind the files of Postern")
}

// checkProxy names the variables alone, since their values may hold a password.
func checkProxy(context.Context) check {
	var set []string
	for _, name := range []string{"http_proxy", "https_proxy", "all_proxy"} {
		for _, name := range []string{name, strings.ToUpper(name)} {
			if os.Getenv(name) != "" {
				set = append(set, name)
			}
		}
	}
	if len(set) == 0 {
		return good("no proxy is set")
	}
	return warning(strings.Join(set, ", ")+" is set, and the agent sends requests without a proxy",
		"requests fail where only the proxy leads out; browsers must reach 127.0.0.1 without it")
}

// policyFolders are where administrators tell browsers what to do on Linux.
var policyFolders = []string{
	"etc/chromium/policies/managed", "etc/opt/chrome/policies/managed", "etc/opt/edge/policies/managed",
	"etc/brave/policies/managed", "etc/firefox/policies",
}

// checkBrowserPolicy looks for policies about pages that reach this computer. It
// names them without the origins in them.
func (d *doctor) checkBrowserPolicy(context.Context) check {
	if runtime.GOOS != "linux" {
		return skipped("browsers keep their policies elsewhere on this system; see chrome://policy")
	}
	var found []string
	for _, dir := range policyFolders {
		// A pattern without special signs cannot be malformed.
		files, _ := filepath.Glob(filepath.Join(d.root, dir, "*.json"))
		for _, file := range files {
			for _, name := range networkPolicies(file) {
				found = append(found, "/"+dir+": "+name)
			}
		}
	}
	if len(found) == 0 {
		return good("no policy keeps pages from asking to reach this computer")
	}
	slices.Sort(found)
	return warning("policies decide which pages may reach this computer: "+strings.Join(slices.Compact(found), ", "),
		"if a page is blocked by the browser, ask the administrator to allow its origin there")
}

func networkPolicies(file string) (names []string) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil
	}
	var policies map[string]json.RawMessage
	if json.Unmarshal(text, &policies) != nil {
		return nil
	}
	// Firefox has one object around them.
	var inner map[string]json.RawMessage
	if json.Unmarshal(policies["policies"], &inner) == nil {
		policies = inner
	}
	for name := range policies {
		if strings.HasPrefix(name, "LocalNetwork") || strings.HasPrefix(name, "LoopbackNetwork") || strings.HasPrefix(name, "PrivateNetwork") {
			names = append(names, name)
		}
	}
	return names
}
