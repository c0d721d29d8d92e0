package main

import (
	"bufio"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/chromedp"
)

// publicName is the name of a page that the browser takes for one of the
// Internet's: Local Network Access applies to it.
const publicName = "app.example.test"

// public serves the playground by https, and returns its origin with the flags
// that make Chromium find it and take its address for a public one.
func (r *rig) public(t *testing.T) (origin string, flags []chromedp.ExecAllocatorOption) {
	t.Helper()
	playground, err := url.Parse(r.playground)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewTLSServer(httputil.NewSingleHostReverseProxy(playground))
	t.Cleanup(server.Close)
	port := server.URL[strings.LastIndexByte(server.URL, ':')+1:]
	return "https://" + publicName + ":" + port, []chromedp.ExecAllocatorOption{
		chromedp.Flag("host-resolver-rules", "MAP "+publicName+" 127.0.0.1"),
		chromedp.Flag("ip-address-space-overrides", "127.0.0.1:"+port+"=public"),
		chromedp.IgnoreCertErrors,
	}
}

// permit sets what the browser's user has decided about the page.
func (p *tab) permit(origin string, setting browser.PermissionSetting) {
	p.t.Helper()
	p.do(chromedp.Navigate("about:blank"))
	_, err := chromedp.CallBrowser(p.ctx, browser.SetPermission, browser.SetPermissionParams{
		Permission: &browser.PermissionDescriptor{Name: "loopback-network"}, Setting: setting, Origin: origin,
	})
	if err != nil {
		p.t.Fatal(err)
	}
}

// TestPublicPage is a page of the Internet: the browser's permission comes first,
// the owner's yes second, and each refusal has a state of its own.
func TestPublicPage(t *testing.T) {
	r := startRig(t)
	origin, flags := r.public(t)
	page := openBrowserForTest(t, flags...)

	page.permit(origin, browser.PermissionSettingDenied)
	page.goTo(origin)
	page.click("#connect")
	page.shows("#state", "blocked-by-browser")
	page.shows("#help", "site settings")

	page.permit(origin, browser.PermissionSettingGranted)
	page.goTo(origin)
	page.click("#connect")
	page.shows("#state", "not-paired")
	page.click("#pair")
	page.until("a code", `/^\d{6}$/.test(document.querySelector("#code").innerText)`)
	if asked := r.postern(t, "app", "pending"); !strings.Contains(asked, origin) || !strings.Contains(asked, page.text("#code")) {
		t.Errorf("the owner is asked %s", asked)
	}
	r.postern(t, "app", "allow", origin, "--code", page.text("#code"))
	page.shows("#paired", "You allowed this app.")
	page.click("#create")
	page.shows("#state", "ready")

	// Taken back by the browser's user: the open page keeps its connection, the
	// next one is told.
	page.permit(origin, browser.PermissionSettingDenied)
	page.goTo(origin)
	page.click("#connect")
	page.shows("#state", "blocked-by-browser")
}

// display starts an X server without a screen, for a browser that shows prompts.
func display(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("Xvfb")
	if err != nil {
		t.Fatal("Xvfb is missing: install the package xvfb")
	}
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	server := exec.Command(path, "-displayfd", "3", "-screen", "0", "1200x900x24", "-nolisten", "tcp")
	server.ExtraFiles = []*os.File{write}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	write.Close()
	t.Cleanup(func() {
		_ = server.Process.Kill()
		_ = server.Wait()
	})
	number, err := bufio.NewReader(read).ReadString('\n')
	if err != nil {
		t.Fatal("Xvfb ended at once:", err)
	}
	return ":" + strings.TrimSpace(number)
}

// TestPublicPageWaitsForTheBrowsersQuestion: while the browser asks its user, the
// page says so, and nothing has reached the agent's owner.
func TestPublicPageWaitsForTheBrowsersQuestion(t *testing.T) {
	t.Setenv("DISPLAY", display(t))
	r := startRig(t)
	origin, flags := r.public(t)
	page := openBrowserForTest(t, append(flags, chromedp.VisibleWindow)...)
	page.goTo(origin)
	page.click("#connect")
	page.shows("#state", "permission-needed")
	page.shows("#help", "Choose Allow")
	if asked := r.postern(t, "app", "pending", "--json"); !strings.Contains(asked, `"questions":[]`) {
		t.Errorf("the owner was asked before the browser's user: %s", asked)
	}
}
