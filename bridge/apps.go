package bridge

import (
	"bytes"
	"cmp"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// App is a web app that asked, or was decided about: known by its origin alone.
type App struct {
	Origin string `json:"origin"`
	// Name is what the app calls itself, shown and never trusted.
	Name    string    `json:"name,omitzero"`
	Allowed bool      `json:"allowed"`
	Decided time.Time `json:"decided"`
	// Keys are the public keys of the app's allowed pages, one per browser
	// profile, newest last.
	Keys []PageKey `json:"keys,omitzero"`
}

// PageKey is a page's key that the owner has allowed: ECDSA on P-256, an
// uncompressed point of 65 bytes.
type PageKey struct {
	Key   []byte    `json:"key"`
	Added time.Time `json:"added"`
}

// Applicant is who asks to be allowed.
type Applicant struct {
	Origin string
	Name   string
	Key    []byte
}

// maxPageKeys bounds the browsers of one app; the oldest is forgotten first.
const maxPageKeys = 16

// Apps remembers the yes and the no of the owner in one small file. It holds no
// secret; what it protects is that nobody else writes it, so it is the owner's alone.
type Apps struct {
	path string
	mu   sync.RWMutex
	apps map[string]App
}

// OpenApps reads the file at path, which need not exist. A file that cannot be
// understood is an error: going on without it would forget every no.
func OpenApps(path string) (*Apps, error) {
	a := &Apps{path: path, apps: map[string]App{}}
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return a, nil
	}
	if err != nil {
		return nil, err
	}
	var list []App
	if err := json.Unmarshal(text, &list, json.RejectUnknownMembers(true)); err != nil {
		return nil, errors.New("the list of allowed apps is damaged")
	}
	for _, app := range list {
		if origin, ok := CanonicalOrigin(app.Origin); !ok || origin != app.Origin {
			return nil, errors.New("the list of allowed apps is damaged")
		}
		a.apps[app.Origin] = app
	}
	return a, nil
}

// List returns all apps by origin.
func (a *Apps) List() []App {
	a.mu.RLock()
	defer a.mu.RUnlock()
	return slices.SortedFunc(maps.Values(a.apps), func(x, y App) int { return cmp.Compare(x.Origin, y.Origin) })
}

// Find returns the app with exactly this origin.
func (a *Apps) Find(origin string) (App, bool) {
	a.mu.RLock()
	defer a.mu.RUnlock()
	app, found := a.apps[origin]
	return app, found
}

// HasKey says whether the origin is allowed with this page key.
func (a *Apps) HasKey(origin string, key []byte) bool {
	app, _ := a.Find(origin)
	return app.Allowed && slices.ContainsFunc(app.Keys, func(k PageKey) bool { return bytes.Equal(k.Key, key) })
}

// Allow remembers a yes to a page of a canonical origin, by its key.
func (a *Apps) Allow(p Applicant) error {
	return a.change(func(apps map[string]App) {
		app, now := apps[p.Origin], time.Now().UTC().Truncate(time.Second)
		keys := slices.DeleteFunc(slices.Clone(app.Keys), func(k PageKey) bool { return bytes.Equal(k.Key, p.Key) })
		keys = append(keys, PageKey{Key: p.Key, Added: now})
		keys = keys[max(0, len(keys)-maxPageKeys):]
		apps[p.Origin] = App{Origin: p.Origin, Name: cmp.Or(p.Name, app.Name), Allowed: true, Decided: now, Keys: keys}
	})
}

// Block remembers a no to a canonical origin, and forgets the keys of its pages.
func (a *Apps) Block(origin, name string) error {
	return a.change(func(apps map[string]App) {
		apps[origin] = App{Origin: origin, Name: cmp.Or(name, apps[origin].Name), Decided: time.Now().UTC().Truncate(time.Second)}
	})
}

// Forget removes the app, so that it may ask again.
func (a *Apps) Forget(origin string) error {
	return a.change(func(apps map[string]App) { delete(apps, origin) })
}

// change applies a change once it is on the disk.
func (a *Apps) change(edit func(map[string]App)) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	next := maps.Clone(a.apps)
	edit(next)
	list := slices.SortedFunc(maps.Values(next), func(x, y App) int { return cmp.Compare(x.Origin, y.Origin) })
	text, err := json.Marshal(list, jsontext.WithIndent("  "))
	if err != nil {
		return err
	}
	if err := replaceFile(a.path, append(text, '\n')); err != nil {
		return err
	}
	a.apps = next
	return nil
}

// replaceFile puts the text in the place of the file whole or not at all.
func replaceFile(path string, text []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	draft, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(draft.Name())
	_, err = draft.Write(text)
	if err := errors.Join(err, draft.Sync(), draft.Close()); err != nil {
		return err
	}
	return os.Rename(draft.Name(), path)
}
