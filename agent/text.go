package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/term"
)

// The command line's voice: no capital at the start, no full stop at the end,
// and after every refusal a hint that says what to do next. Results go to
// standard output, everything said to a person goes to standard error.

// cliError is an error with a hint and an exit code.
type cliError struct {
	kind    string
	message string
	hint    string
	code    int
}

func (e *cliError) Error() string { return e.message }

// Exit codes, as the README lists them.
const (
	exitFailed     = 1
	exitUsage      = 2
	exitLocked     = 3
	exitNotFound   = 4
	exitRefused    = 5
	exitNotRunning = 6
)

// exitCodes gives the exit code of each error kind; others are exitFailed.
var exitCodes = map[string]int{
	"invalid":         exitUsage,
	"locked":          exitLocked,
	"not_found":       exitNotFound,
	"no_vault":        exitNotFound,
	"unresolved":      exitNotFound,
	"not_allowed":     exitRefused,
	"denied":          exitRefused,
	"needs_grant":     exitRefused,
	"domain":          exitRefused,
	"redirect":        exitRefused,
	"blocked_address": exitRefused,
}

func hinted(message, hint string) error {
	return &cliError{kind: "invalid", message: message, hint: hint, code: exitFailed}
}

func usage(message, hint string) error {
	return &cliError{kind: "invalid", message: message, hint: hint, code: exitUsage}
}

// report prints the error and returns the exit code.
func report(w io.Writer, err error, asJSON bool) int {
	e, ok := errors.AsType[*cliError](err)
	if !ok {
		// What cobra refuses, and what the system says.
		e = &cliError{kind: "invalid", message: err.Error(), hint: "postern --help lists the commands", code: exitUsage}
	}
	if asJSON {
		var body struct {
			Error struct {
				Kind    string `json:"kind"`
				Message string `json:"message"`
				Fix     string `json:"fix"`
			} `json:"error"`
		}
		body.Error.Kind, body.Error.Message, body.Error.Fix = e.kind, e.message, e.hint
		_ = json.NewEncoder(w).Encode(body)
		return e.code
	}
	fmt.Fprintf(w, "postern: %s\n", inVoice(e.message))
	if e.hint != "" {
		fmt.Fprintf(w, "  %s\n", inVoice(e.hint))
	}
	return e.code
}

// inVoice turns a sentence of the agent into the command line's voice.
func inVoice(sentence string) string {
	first, size := utf8.DecodeRuneInString(sentence)
	second, _ := utf8.DecodeRuneInString(sentence[size:])
	if !unicode.IsUpper(second) {
		sentence = string(unicode.ToLower(first)) + sentence[size:]
	}
	return strings.TrimSuffix(sentence, ".")
}

// printJSON prints one value on one line.
func printJSON(w io.Writer, value any) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	return encoder.Encode(value)
}

func isTerminal(f *os.File) bool { return term.IsTerminal(int(f.Fd())) }

// maxInput is more than any value or key may have, so that too much is refused
// by its limit and not cut off.
const maxInput = 1 << 20

// readSecret reads a value or a key from standard input, without the line break
// that echo and editors leave at the end.
func readSecret(in io.Reader) (string, error) {
	text, err := io.ReadAll(io.LimitReader(in, maxInput))
	if err != nil {
		return "", err
	}
	return strings.TrimSuffix(strings.TrimSuffix(string(text), "\n"), "\r"), nil
}

// promptSecret asks on the terminal without showing what is typed.
func promptSecret(prompt string) (string, error) {
	fmt.Fprint(os.Stderr, prompt)
	text, err := term.ReadPassword(int(os.Stdin.Fd()))
	fmt.Fprintln(os.Stderr)
	return string(text), err
}

// confirm asks a question whose default is no.
func confirm(question string) bool {
	fmt.Fprint(os.Stderr, question+" [y/N] ")
	answer, _ := bufio.NewReader(os.Stdin).ReadString('\n')
	answer = strings.ToLower(strings.TrimSpace(answer))
	return answer == "y" || answer == "yes"
}
