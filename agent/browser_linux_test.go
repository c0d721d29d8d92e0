package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"postern/vault/vaulttest"
)

var update = flag.Bool("update", false, "renew the pictures in docs")

// patience is how long a test waits for what should come at once.
const patience = 60 * time.Second

// process is a program that a test started, ended with the test.
type process struct {
	*exec.Cmd
	line string
}

// startProgram starts a program and waits for the first line that it prints.
func startProgram(t *testing.T, env []string, program string, args ...string) *process {
	t.Helper()
	cmd := exec.Command(program, args...)
	cmd.Env = append(os.Environ(), env...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("%s ended at once: %v", program, err)
	}
	return &process{Cmd: cmd, line: strings.TrimSpace(line)}
}

// rig is an agent and the playground on another origin, both as users run them.
type rig struct {
	home       string
	port       int
	playground string
}

func startRig(t *testing.T) *rig {
	t.Helper()
	// Built before the key store moves HOME, and with it the build cache, away.
	program := filepath.Join(t.TempDir(), "playground")
	if out, err := exec.Command("go", "build", "-buildvcs=false", "-o", program, "../bridge/playground").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	vaulttest.Keyring(t)
	r := &rig{home: t.TempDir()}
	postern, err := exec.LookPath("postern")
	if err != nil {
		t.Fatal(err)
	}
	agent := startProgram(t, []string{"POSTERN_HOME=" + r.home}, postern, "start", "--headless", "--port", "0")
	if _, err := fmt.Sscanf(agent.line, "listening on 127.0.0.1:%d", &r.port); err != nil {
		t.Fatal(agent.line)
	}
	playground := startProgram(t, nil, program, "-port", "0", "-agent-port", fmt.Sprint(r.port))
	_, r.playground, _ = strings.Cut(playground.line, "is at ")
	return r
}

// postern runs a command of the command line and returns what it prints.
func (r *rig) postern(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.Command("postern", args...)
	cmd.Env = append(os.Environ(), "POSTERN_HOME="+r.home)
	var errors bytes.Buffer
	cmd.Stderr = &errors
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("postern %s: %v: %s", strings.Join(args, " "), err, errors.String())
	}
	return strings.TrimSpace(string(out))
}

// tab is one browser tab with the steps of a person.
type tab struct {
	t   *testing.T
	ctx context.Context
}

// openBrowserForTest starts a real Chromium with a new profile.
func openBrowserForTest(t *testing.T, options ...chromedp.ExecAllocatorOption) *tab {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatal("chromium is missing: install the package chromium")
	}
	options = append([]chromedp.ExecAllocatorOption{
		chromedp.ExecPath(path), chromedp.Headless, chromedp.DisableGPU, chromedp.NoFirstRun, chromedp.UserDataDir(t.TempDir()),
		chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true),
		chromedp.Flag("disable-quic", true), chromedp.Flag("password-store", "basic"),
		// On the test's bus are none of the services that Chromium would wait for.
		chromedp.Env("DBUS_SESSION_BUS_ADDRESS=disabled:"), chromedp.WindowSize(1100, 820), chromedp.WSURLReadTimeout(patience),
	}, options...)
	if os.Getuid() == 0 {
		// Chromium's sandbox does not start for root, which test machines often are.
		options = append(options, chromedp.NoSandbox)
	}
	ctx, cancel := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	ctx, cancel = context.WithTimeout(ctx, 3*patience)
	t.Cleanup(cancel)
	return &tab{t: t, ctx: ctx}
}

func (p *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	if err := chromedp.Do(p.ctx, steps...); err != nil {
		p.t.Fatalf("%v\nthe page shows:\n%s", err, p.text("body"))
	}
}

func (p *tab) goTo(address string) { p.t.Helper(); p.do(chromedp.Navigate(address)) }

func (p *tab) click(selector string) {
	p.t.Helper()
	p.until(selector+" can be clicked", fmt.Sprintf("(e => e && !e.disabled && e.checkVisibility())(document.querySelector(%q))", selector))
	p.do(chromedp.Click(chromedp.CSS(selector)))
}

func (p *tab) typeInto(selector, text string) {
	p.t.Helper()
	p.do(chromedp.WaitVisible(chromedp.CSS(selector)), chromedp.Clear(chromedp.CSS(selector)), chromedp.SendKeys(chromedp.CSS(selector), text))
}

func (p *tab) text(selector string) string {
	ctx, cancel := context.WithTimeout(p.ctx, 5*time.Second)
	defer cancel()
	text, err := chromedp.Run(ctx, chromedp.Evaluate[string](fmt.Sprintf("document.querySelector(%q)?.innerText ?? ''", selector)))
	if err != nil {
		return err.Error()
	}
	return text
}

// until waits for a condition in the page. That the page cannot be asked for a
// moment, as while it is replaced by the next, is no answer.
func (p *tab) until(what, condition string) {
	p.t.Helper()
	deadline, tick := time.After(patience), time.NewTicker(20*time.Millisecond)
	defer tick.Stop()
	for {
		holds, err := chromedp.Run(p.ctx, chromedp.Evaluate[bool]("Boolean("+condition+")"))
		if holds && err == nil {
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			p.t.Fatalf("waited for: %s: %v\nthe page shows:\n%s", what, err, p.text("body"))
		}
	}
}

func (p *tab) shows(selector, text string) {
	p.t.Helper()
	p.until(fmt.Sprintf("%s shows %q", selector, text), fmt.Sprintf("(document.querySelector(%q)?.innerText ?? '').includes(%q)", selector, text))
}

// picture keeps a screenshot: in docs with -update, else beside the test's files.
func (p *tab) picture(name string) {
	p.t.Helper()
	p.until("nothing moves any more", `document.getAnimations().every(a => a.playState !== "running")`)
	png, err := chromedp.Run(p.ctx, chromedp.CaptureScreenshot())
	if err != nil {
		p.t.Fatal(err)
	}
	if len(png) < 5_000 {
		p.t.Errorf("the picture %s has %d bytes: the page is blank", name, len(png))
	}
	if *update {
		if err := os.WriteFile(filepath.Join("..", "docs", name+".png"), png, 0o644); err != nil {
			p.t.Fatal(err)
		}
	}
}

const canaryValue = "canary-value-7d1f09"

// TestPageUsesASecretThroughTheAgent is the main job in a real browser: a page of
// another origin is allowed by the owner, makes its vault, adds a secret, and
// sends it where it may go, without being able to read it back.
func TestPageUsesASecretThroughTheAgent(t *testing.T) {
	r := startRig(t)
	page := openBrowserForTest(t)
	page.goTo(r.playground)
	page.click("#connect")
	page.shows("#state", "not-paired")
	page.click("#pair")
	page.until("a code", `/^\d{6}$/.test(document.querySelector("#code").innerText)`)
	r.postern(t, "app", "allow", r.playground, "--code", page.text("#code"))
	page.shows("#paired", "You allowed this app.")

	page.click("#create")
	page.shows("#state", "ready")
	page.shows("#vault-key", "PVK1-")
	page.typeInto("#secret-value", canaryValue)
	page.click("#add-secret")
	page.shows("#added", "weather-key is in the vault")
	page.shows("#check", "The reference resolves.")
	page.click("#send")
	page.shows("#answer", "[masked]")
	hash := sha256.Sum256([]byte(canaryValue))
	page.shows("#seen-hash", hex.EncodeToString(hash[:]))
	whole, err := chromedp.Run(page.ctx, chromedp.Evaluate[string]("document.documentElement.outerHTML"))
	if err != nil || strings.Contains(whole, canaryValue) {
		t.Errorf("the page holds the value: %v", err)
	}
	page.do(chromedp.ScrollIntoView(chromedp.CSS("#seen-hash")))
	page.picture("playground")

	// The owner locks: the page is told, and cannot go on by itself.
	r.postern(t, "lock")
	page.shows("#state", "locked")
	page.click("#send")
	page.shows("#error", "The vault is locked.")
	r.postern(t, "--account", r.playground+"#default", "unlock")
	page.shows("#state", "ready")
	page.click("#send")
	page.shows("#seen-count", "2")
	var status struct{ Connections, Secrets int }
	if err := json.Unmarshal([]byte(r.postern(t, "status", "--json", "--account", r.playground+"#default")), &status); err != nil || status.Connections != 1 || status.Secrets != 1 {
		t.Errorf("status %+v, %v", status, err)
	}

	// The page's key outlives the page: no question after a reload.
	page.do(chromedp.Reload())
	page.click("#connect")
	page.shows("#state", "ready")

	// The owner blocks the app: its page is refused at once and for good.
	r.postern(t, "app", "block", r.playground)
	page.until("the page is refused", `["not-allowed", "not-reachable"].includes(document.querySelector("#state").innerText)`)
}

// TestConsole is the owner's first use, in a real browser.
func TestConsole(t *testing.T) {
	r := startRig(t)
	page := openBrowserForTest(t)
	page.goTo(fmt.Sprintf("http://127.0.0.1:%d/", r.port))
	page.shows("body", "postern open")
	link := r.postern(t, "open", "--print")
	page.goTo("about:blank")
	page.goTo(link)
	page.click("#create-vault")
	page.shows(`[data-testid="key-text"]`, "PVK1-")
	if here, err := chromedp.Run(page.ctx, chromedp.Location()); err != nil || strings.Contains(here, "token") {
		t.Errorf("the address bar shows %q, %v", here, err)
	}
	page.click("#key-continue")
	for _, secret := range [][3]string{
		{"weather", canaryValue, "api.weather.example"},
		{"stripe-test", "another-value-5512", "api.stripe.example, *.stripe.example"},
		{"local-service", "third-value-8821", "http://localhost:3000"},
	} {
		page.typeInto("#add-name", secret[0])
		page.typeInto("#add-value", secret[1])
		page.typeInto("#add-domains", secret[2])
		page.click("#add")
		page.until("the secret is in the table", fmt.Sprintf(`[...document.querySelectorAll('[data-testid="secret-row"]')].some(r => r.innerText.includes(%q))`, secret[0]))
	}
	if text := page.text("body"); strings.Contains(text, canaryValue) {
		t.Error("the console shows a value that nobody asked for")
	}
	page.picture("console")
	if err := chromedp.Do(page.ctx, chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: "dark"}}})
		return err
	})); err != nil {
		t.Fatal(err)
	}
	page.picture("console-dark")

	r.postern(t, "lock")
	page.shows("body", "The vault is locked")
	page.click("#unlock")
	page.shows("body", "weather")

	page.keysAndFiles(t)

	// A link is good once: whoever finds it in a history gets nothing.
	second := openBrowserForTest(t)
	second.goTo(link)
	second.shows("body", "postern open")
}

// keysAndFiles replaces the key, exports, and imports a file, as an owner does.
func (p *tab) keysAndFiles(t *testing.T) {
	t.Helper()
	p.click("#key-button")
	p.click(`[data-testid="key-rotate"]`)
	p.shows(`[data-testid="key-text"]`, "PVK1-")
	p.click(`[data-testid="open-export"]`)
	p.typeInto(`[data-testid="export-passphrase"]`, "correct horse battery")
	p.typeInto(`[data-testid="export-again"]`, "correct horse battery")
	p.click(`[data-testid="export-go"]`)
	p.until("the export is done", `!document.querySelector("dialog")`)

	file := filepath.Join(t.TempDir(), "app.env")
	if err := os.WriteFile(file, []byte("IMPORTED=from-a-file\nweather=is-here-already\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	p.click("#key-button")
	p.click(`[data-testid="open-import"]`)
	p.do(chromedp.SetUploadFiles(chromedp.CSS(`[data-testid="import-file"]`), []string{file}))
	p.click(`[data-testid="import-look"]`)
	p.shows(`[data-testid="import-plan"]`, "1 added, 1 skipped")
	p.click(`[data-testid="import-go"]`)
	p.shows("#vault-table", "IMPORTED")
}

// TestRebindingPageReachesNothing gives a foreign name the agent's address, as
// DNS rebinding does.
func TestRebindingPageReachesNothing(t *testing.T) {
	r := startRig(t)
	page := openBrowserForTest(t, chromedp.Flag("host-resolver-rules", "MAP evil.test 127.0.0.1"))
	response, err := chromedp.Run(page.ctx, chromedp.NavigateResponse(fmt.Sprintf("http://evil.test:%d/", r.port)))
	if err == nil && response.Status != 403 {
		t.Errorf("the rebinding name got %d", response.Status)
	}
	page.goTo(strings.Replace(r.playground, "localhost", "evil.test", 1))
	opened, err := chromedp.Run(page.ctx, chromedp.Evaluate[[]bool](fmt.Sprintf(`Promise.all(["bridge", "pair"].map(path => new Promise(done => {
		const socket = new WebSocket("ws://127.0.0.1:%d/" + path, ["postern.v1"]);
		socket.onopen = () => done(true);
		socket.onerror = () => done(false);
	})))`, r.port), chromedp.EvalAwaitPromise))
	if err != nil || len(opened) != 2 || opened[0] || opened[1] {
		t.Errorf("a page of a foreign name got in: %v, %v", opened, err)
	}
}
