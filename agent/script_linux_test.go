package main

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"postern/vault/vaulttest"
)

// TestScripts runs the command line as its users do, against a real agent, a
// real password manager and a real server.
func TestScripts(t *testing.T) {
	vaulttest.Keyring(t)
	runScripts(t, "testdata/script")
}

// TestScriptsWithoutPasswordManager runs where no bus and no password manager is.
func TestScriptsWithoutPasswordManager(t *testing.T) {
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", "")
	runScripts(t, "testdata/noservice")
}

func runScripts(t *testing.T, dir string) {
	testscript.Run(t, testscript.Params{
		Dir: dir,
		Setup: func(env *testscript.Env) error {
			env.Setenv("POSTERN_HOME", filepath.Join(env.WorkDir, "home"))
			env.Setenv("GORACE", os.Getenv("GORACE"))
			env.Setenv("DBUS_SESSION_BUS_ADDRESS", os.Getenv("DBUS_SESSION_BUS_ADDRESS"))
			server := &recorder{}
			upstream := httptest.NewServer(server)
			env.Defer(upstream.Close)
			env.Values["recorder"] = server
			env.Setenv("SERVER", upstream.URL)
			env.Setenv("PORT_OF_SERVER", upstream.URL[strings.LastIndexByte(upstream.URL, ':')+1:])
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"agent":    cmdAgent,
			"exits":    cmdExits,
			"signal":   cmdSignal,
			"damage":   cmdDamage,
			"received": cmdReceived,
			"requests": cmdRequests,
			"nowhere":  cmdNowhere,
		},
	})
}

// recorder keeps what it is sent, and echoes it.
type recorder struct {
	mu       sync.Mutex
	requests []string
}

func (r *recorder) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	var all bytes.Buffer
	if err := request.Write(&all); err != nil {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	r.mu.Lock()
	r.requests = append(r.requests, all.String())
	r.mu.Unlock()
	if to := request.URL.Query().Get("redirect"); to != "" {
		http.Redirect(w, request, to, http.StatusFound)
		return
	}
	fmt.Fprintf(w, "you sent:\n%s", all.String())
}

func (r *recorder) all() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.requests
}

// cmdAgent starts an agent and waits until it listens: agent [flags]. The port
// is in $PORT, and the process ends with the script.
func cmdAgent(ts *testscript.TestScript, neg bool, args []string) {
	if neg {
		ts.Fatalf("agent cannot be negated: run postern start")
	}
	program, err := exec.LookPath("postern")
	ts.Check(err)
	agent := exec.Command(program, append([]string{"start", "--headless", "--port", "0"}, args...)...)
	agent.Dir = ts.MkAbs(".")
	agent.Env = append(os.Environ(), "POSTERN_HOME="+ts.Getenv("POSTERN_HOME"))
	agent.Stderr = os.Stderr
	out, err := agent.StdoutPipe()
	ts.Check(err)
	ts.Check(agent.Start())
	ended := make(chan struct{})
	running := &runningAgent{process: agent.Process, ended: ended}
	ts.Defer(func() {
		_ = agent.Process.Kill()
		<-ended
	})
	agents.Store(ts.Getenv("WORK"), running)
	line, err := bufio.NewReader(out).ReadString('\n')
	ts.Check(err)
	go func() {
		_ = agent.Wait()
		close(ended)
	}()
	var port int
	if _, err := fmt.Sscanf(line, "listening on 127.0.0.1:%d\n", &port); err != nil {
		ts.Fatalf("the agent printed %q", line)
	}
	ts.Setenv("PORT", fmt.Sprint(port))
}

type runningAgent struct {
	process *os.Process
	ended   chan struct{}
}

var agents sync.Map

// cmdSignal ends the agent by a signal and waits: signal KILL or signal TERM.
func cmdSignal(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: signal KILL|TERM")
	}
	found, ok := agents.Load(ts.Getenv("WORK"))
	if !ok {
		ts.Fatalf("no agent runs")
	}
	agent := found.(*runningAgent)
	ts.Check(agent.process.Signal(map[string]syscall.Signal{"KILL": syscall.SIGKILL, "TERM": syscall.SIGTERM}[args[0]]))
	select {
	case <-agent.ended:
	case <-time.After(20 * time.Second):
		ts.Fatalf("the agent did not end")
	}
}

// cmdReceived asserts that a request that reached the server has the text.
func cmdReceived(ts *testscript.TestScript, neg bool, args []string) {
	found := false
	for _, request := range ts.Value("recorder").(*recorder).all() {
		found = found || strings.Contains(request, args[0])
	}
	if found == neg {
		ts.Fatalf("received %v, want %v", found, !neg)
	}
}

// cmdRequests asserts how many requests reached the server.
func cmdRequests(ts *testscript.TestScript, _ bool, args []string) {
	if n := len(ts.Value("recorder").(*recorder).all()); fmt.Sprint(n) != args[0] {
		ts.Fatalf("%d requests reached the server, want %s", n, args[0])
	}
}

// cmdNowhere asserts that no file below the script's folder holds any of the
// texts, in any ordinary encoding; files that end in .txt are the script's own.
func cmdNowhere(ts *testscript.TestScript, _ bool, args []string) {
	files := 0
	ts.Check(filepath.WalkDir(ts.MkAbs("."), func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() || strings.HasSuffix(path, ".txt") {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		files++
		for _, text := range args {
			for _, form := range formsOf(text) {
				if bytes.Contains(content, form) {
					ts.Fatalf("%s holds %q", path, text)
				}
			}
		}
		return nil
	}))
	if files < 3 {
		ts.Fatalf("only %d files were looked at", files)
	}
}

func formsOf(text string) [][]byte {
	wide := make([]byte, 0, 2*len(text))
	for _, c := range []byte(text) {
		wide = append(wide, c, 0)
	}
	return [][]byte{[]byte(text), wide, []byte(hex.EncodeToString([]byte(text))), []byte(base64.RawStdEncoding.EncodeToString([]byte(text)))[:len(text)]}
}

// cmdExits asserts a command's exit code: exits CODE COMMAND ARGS.
func cmdExits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND [ARGS]")
	}
	err := ts.Exec(args[1], args[2:]...)
	code := 0
	if exit, ok := err.(*exec.ExitError); ok {
		code = exit.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if fmt.Sprint(code) != args[0] {
		ts.Fatalf("%s ended with %d, want %s", strings.Join(args[1:], " "), code, args[0])
	}
}

// cmdDamage changes one bit in the middle of each page of a file: damage FILE.
func cmdDamage(ts *testscript.TestScript, _ bool, args []string) {
	path := ts.MkAbs(args[0])
	content, err := os.ReadFile(path)
	ts.Check(err)
	for at := 64; at < len(content); at += 512 {
		content[at] ^= 4
	}
	ts.Check(os.WriteFile(path, content, 0o600))
}
