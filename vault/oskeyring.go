package vault

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"

	"github.com/zalando/go-keyring"
)

// OSKeyring keeps keys in the password manager of the operating system: the
// Secret Service on Linux, the Keychain on macOS, the Credential Manager on
// Windows.
//
// go-keyring knows no deadline, waits for ever on an unlock prompt, and shares a
// D-Bus connection with whatever else runs in the process. So each call is made
// by a child process: the running program with Command and KeyringCommand as its
// arguments. The key goes through pipes, the child is killed at the deadline,
// and the copies that it made of the key die with it.
type OSKeyring struct {
	// Command is the program whose main calls KeyringMain for KeyringCommand.
	Command string
	// PromptTime is how long the owner may take to answer a prompt of the
	// password manager; zero means a minute.
	PromptTime time.Duration
}

// KeyringCommand is the argument that makes the program the child of an OSKeyring.
const KeyringCommand = "__keyring"

// keyringService is how the entries are titled in the password manager.
const keyringService = "Postern vault key"

type keyringRequest struct {
	Do   string `json:"do"`
	Name string `json:"name"`
	Text string `json:"text,omitempty"`
}

type keyringAnswer struct {
	Text  string `json:"text,omitempty"`
	Error string `json:"error,omitempty"`
}

var keyringErrors = map[string]error{
	"not stored": ErrKeyNotStored,
	"none":       ErrNoPasswordManager,
	"locked":     ErrPasswordManagerLocked,
}

// Get implements KeyStore.
func (k OSKeyring) Get(ctx context.Context, name string) (string, error) {
	return k.ask(ctx, keyringRequest{Do: "get", Name: name})
}

// Set implements KeyStore. A prompt that was dismissed can look like success to
// go-keyring, so the child reads back what it stored.
func (k OSKeyring) Set(ctx context.Context, name, text string) error {
	_, err := k.ask(ctx, keyringRequest{Do: "set", Name: name, Text: text})
	return err
}

// Delete implements KeyStore.
func (k OSKeyring) Delete(ctx context.Context, name string) error {
	_, err := k.ask(ctx, keyringRequest{Do: "delete", Name: name})
	if errors.Is(err, ErrKeyNotStored) {
		return nil
	}
	return err
}

func (k OSKeyring) ask(ctx context.Context, r keyringRequest) (string, error) {
	if !hasSessionBus() {
		return "", ErrNoPasswordManager
	}
	limit := k.PromptTime
	if limit == 0 {
		limit = time.Minute
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	input, err := json.Marshal(r)
	if err != nil {
		return "", err
	}
	defer clear(input)
	child := exec.CommandContext(ctx, k.Command, KeyringCommand)
	child.Stdin = bytes.NewReader(input)
	child.WaitDelay = time.Second
	output, err := child.Output()
	defer clear(output)
	switch ctx.Err() {
	case context.Canceled:
		return "", context.Canceled
	case context.DeadlineExceeded:
		return "", ErrPasswordManagerLocked
	}
	if err != nil {
		return "", ErrNoPasswordManager
	}
	var answer keyringAnswer
	if err := json.Unmarshal(output, &answer); err != nil {
		return "", ErrNoPasswordManager
	}
	if answer.Error != "" {
		return "", keyringErrors[answer.Error]
	}
	return answer.Text, nil
}

// hasSessionBus is asked first because without a bus godbus may start one, and
// with it a new and locked keyring.
func hasSessionBus() bool {
	if runtime.GOOS == "windows" || runtime.GOOS == "darwin" {
		return true
	}
	if os.Getenv("DBUS_SESSION_BUS_ADDRESS") != "" {
		return true
	}
	_, err := os.Stat(os.Getenv("XDG_RUNTIME_DIR") + "/bus")
	return os.Getenv("XDG_RUNTIME_DIR") != "" && err == nil
}

// KeyringMain is the child's whole life: one request in, one answer out.
func KeyringMain(in io.Reader, out io.Writer) error {
	var r keyringRequest
	if err := json.NewDecoder(in).Decode(&r); err != nil {
		return err
	}
	text, err := callKeyring(r)
	answer := keyringAnswer{Text: text}
	if err != nil {
		answer = keyringAnswer{Error: keyringError(err)}
	}
	return json.NewEncoder(out).Encode(answer)
}

func callKeyring(r keyringRequest) (string, error) {
	switch r.Do {
	case "get":
		return keyring.Get(keyringService, r.Name)
	case "set":
		if err := keyring.Set(keyringService, r.Name, r.Text); err != nil {
			return "", err
		}
		back, err := keyring.Get(keyringService, r.Name)
		if err == nil && back != r.Text {
			err = keyring.ErrNotFound
		}
		return "", err
	case "delete":
		return "", keyring.Delete(keyringService, r.Name)
	}
	return "", keyring.ErrUnsupportedPlatform
}

// keyringError sorts go-keyring's errors, most of which are text alone.
func keyringError(err error) string {
	switch {
	case errors.Is(err, keyring.ErrNotFound):
		return "not stored"
	case strings.Contains(err.Error(), "unlock"), strings.Contains(err.Error(), "locked"), strings.Contains(err.Error(), "prompt"):
		return "locked"
	}
	return "none"
}
