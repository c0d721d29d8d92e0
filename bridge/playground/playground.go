// Playground is a small web app that uses Postern as any web app would, step by
// step: connect, ask to be allowed, open the vault, add a secret, send a request.
// It runs on an origin of its own, because that is what Postern decides by:
//
//	go run ./bridge/playground
//
// The request goes to the playground's own server, which says what it received.
// The page gets that answer through the agent with the secret masked; what the
// server really saw it proves with a hash, at /seen.
package main

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync"
	"time"
)

//go:embed dist
var dist embed.FS

func main() {
	port := flag.Int("port", 7680, "port to serve on")
	agentPort := flag.Int("agent-port", 7678, "port of the agent")
	flag.Parse()
	if err := serve(*port, *agentPort); err != nil {
		fmt.Fprintln(os.Stderr, "playground:", err)
		os.Exit(1)
	}
}

func serve(port, agentPort int) error {
	l, err := net.Listen("tcp4", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return fmt.Errorf("%w (choose another port with -port)", err)
	}
	fmt.Printf("the playground is at http://localhost:%d\n", l.Addr().(*net.TCPAddr).Port)
	server := http.Server{Handler: handler(agentPort), ReadHeaderTimeout: 5 * time.Second}
	return server.Serve(l)
}

// keyHeader is the header that the sample request sends its secret in.
const keyHeader = "X-Api-Key"

// maxBody bounds what is echoed.
const maxBody = 1 << 20

func handler(agentPort int) http.Handler {
	pages, err := fs.Sub(dist, "dist")
	if err != nil {
		// The name of the folder is a constant.
		panic(err)
	}
	var saw record
	mux := http.NewServeMux()
	mux.HandleFunc("/echo", saw.echo)
	mux.HandleFunc("GET /seen", saw.tell)
	mux.HandleFunc("GET /agent", func(w http.ResponseWriter, _ *http.Request) { reply(w, map[string]int{"port": agentPort}) })
	mux.Handle("/", http.FileServerFS(pages))
	agent := fmt.Sprintf("127.0.0.1:%d", agentPort)
	policy := "default-src 'self'; img-src 'self' data:; connect-src 'self' ws://" + agent + " http://" + agent
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", policy)
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Cache-Control", "no-store")
		mux.ServeHTTP(w, r)
	})
}

// record is what the echo endpoint saw: enough to prove that a value arrived,
// and not the value.
type record struct {
	mu    sync.Mutex
	count int
	hash  string
}

type seen struct {
	Count int `json:"count"`
	// SHA256 is the hash of the last key that arrived, in hex; empty before.
	SHA256 string `json:"sha256"`
}

type echoed struct {
	Method  string      `json:"method"`
	URL     string      `json:"url"`
	Headers http.Header `json:"headers"`
	Body    string      `json:"body"`
}

// echo answers with what it received.
func (saw *record) echo(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		http.Error(w, "the echo takes at most 1 MiB", http.StatusRequestEntityTooLarge)
		return
	}
	if err != nil {
		return
	}
	sum := sha256.Sum256([]byte(r.Header.Get(keyHeader)))
	saw.mu.Lock()
	saw.count++
	saw.hash = hex.EncodeToString(sum[:])
	saw.mu.Unlock()
	reply(w, echoed{Method: r.Method, URL: r.URL.String(), Headers: r.Header, Body: string(body)})
}

func (saw *record) tell(w http.ResponseWriter, _ *http.Request) {
	saw.mu.Lock()
	defer saw.mu.Unlock()
	reply(w, seen{Count: saw.count, SHA256: saw.hash})
}

func reply(w http.ResponseWriter, answer any) {
	w.Header().Set("Content-Type", "application/json")
	// A reader that has gone needs no answer.
	_ = json.NewEncoder(w).Encode(answer)
}
