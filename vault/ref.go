package vault

import "strings"

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
	// maxNames and maxURL keep the decision about one request short.
	maxNames = 1000
	maxURL   = 1 << 20
)

// piece is a run of an expanded text: literal text, or one reference whose value
// comes later. A value is never searched for references again, so nothing that a
// server or a collection's author puts into a value can name another secret.
type piece struct {
	text        string
	name        string
	isReference bool
}

// nextToken finds the first {{name}}, whose name holds no braces and is not
// empty: text[start:end] is all of it.
func nextToken(text string) (start, end int, name string, found bool) {
	for at := 0; ; {
		open := strings.Index(text[at:], "{{")
		if open < 0 {
			return 0, 0, "", false
		}
		start = at + open
		run := strings.IndexAny(text[start+2:], "{}")
		if run < 0 {
			return 0, 0, "", false
		}
		end = start + 2 + run
		if run > 0 && strings.HasPrefix(text[end:], "}}") {
			return start, end + 2, text[start+2 : end], true
		}
		if at = end; run == 0 && text[end] == '{' {
			// In "{{{name}}" the token begins one brace later.
			at = start + 1
		}
	}
}

// expandVariables replaces variables until nothing changes, at most 19 rounds,
// and parts the result at the references that are left.
func expandVariables(text string, scopes []Scope) ([]piece, error) {
	for range maxRounds {
		next, changed, err := expandOnce(text, scopes)
		if err != nil {
			return nil, err
		}
		if !changed {
			break
		}
		text = next
	}
	return splitReferences(text), nil
}

func expandOnce(text string, scopes []Scope) (expanded string, changed bool, err error) {
	var b strings.Builder
	for {
		start, end, name, found := nextToken(text)
		if !found {
			break
		}
		value, known := lookUpVariable(name, scopes)
		if known {
			changed = true
		} else {
			value = text[start:end]
		}
		if b.Len()+start+len(value) > maxExpanded {
			return "", false, &InvalidError{Reason: "the variables grow without end; look for one that holds itself", TooLarge: true}
		}
		b.WriteString(text[:start])
		b.WriteString(value)
		text = text[end:]
	}
	b.WriteString(text)
	return b.String(), changed, nil
}

func lookUpVariable(name string, scopes []Scope) (string, bool) {
	if strings.HasPrefix(name, referencePrefix) {
		return "", false
	}
	for _, scope := range scopes {
		if value, found := scope[name]; found {
			return value, true
		}
	}
	return "", false
}

func splitReferences(text string) []piece {
	var pieces []piece
	literal := 0
	for at := 0; ; {
		start, end, token, found := nextToken(text[at:])
		if !found {
			break
		}
		start, end, at = start+at, end+at, end+at
		name, isReference := strings.CutPrefix(token, referencePrefix)
		if !isReference {
			continue
		}
		if start > literal {
			pieces = append(pieces, piece{text: text[literal:start]})
		}
		pieces = append(pieces, piece{text: text[start:end], name: strings.TrimSpace(name), isReference: true})
		literal = end
	}
	if literal < len(text) {
		pieces = append(pieces, piece{text: text[literal:]})
	}
	return pieces
}
