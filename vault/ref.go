package vault

import (
	"regexp"
	"strings"
)

// Scope is one set of variables; the first scope that has a name wins, and the
// caller orders them: local, iteration data, environment, collection, globals.
type Scope map[string]string

// Reference is one {{vault:NAME}} found in a text, and what becomes of it.
type Reference struct {
	// Name is what stands behind "vault:".
	Name  string `json:"name"`
	State string `json:"state"`
	// Cause is one of the Cause constants, empty when State is StateResolved.
	Cause string `json:"cause,omitempty"`
	// Fix is one short sentence that says what to do.
	Fix string `json:"fix,omitempty"`
}

// States of a reference.
const (
	StateResolved   = "resolved"
	StateEmpty      = "empty"
	StateUnresolved = "unresolved"
)

// Causes of a reference that does not resolve.
const (
	CauseNotFound   = "not_found"
	CauseLocked     = "locked"
	CauseDisabled   = "disabled"
	CauseDomain     = "domain"
	CauseNeedsGrant = "needs_grant"
)

const (
	referencePrefix = "vault:"
	maxRounds       = 19
	// maxExpanded keeps variables that hold each other from filling the memory.
	maxExpanded = 16 << 20
)

var token = regexp.MustCompile(`\{\{([^{}]+)\}\}`)

// piece is a run of an expanded text: literal text, or one reference whose value
// comes later. A value is never searched for references again, so nothing that a
// server or a collection's author puts into a value can name another secret.
type piece struct {
	text        string
	name        string
	isReference bool
}

// expandVariables replaces variables until nothing changes, at most 19 rounds,
// and parts the result at the references that are left.
func expandVariables(text string, scopes []Scope) ([]piece, error) {
	for range maxRounds {
		next := token.ReplaceAllStringFunc(text, func(match string) string {
			name := match[2 : len(match)-2]
			for _, scope := range scopes {
				if value, found := scope[name]; found && !strings.HasPrefix(name, referencePrefix) {
					return value
				}
			}
			return match
		})
		if len(next) > maxExpanded {
			return nil, &InvalidError{Reason: "the variables grow without end; look for one that holds itself", TooLarge: true}
		}
		if next == text {
			break
		}
		text = next
	}
	return splitReferences(text), nil
}

func splitReferences(text string) []piece {
	var pieces []piece
	end := 0
	for _, m := range token.FindAllStringSubmatchIndex(text, -1) {
		name, isReference := strings.CutPrefix(text[m[2]:m[3]], referencePrefix)
		if !isReference {
			continue
		}
		if m[0] > end {
			pieces = append(pieces, piece{text: text[end:m[0]]})
		}
		pieces = append(pieces, piece{text: text[m[0]:m[1]], name: strings.TrimSpace(name), isReference: true})
		end = m[1]
	}
	if end < len(text) {
		pieces = append(pieces, piece{text: text[end:]})
	}
	return pieces
}
