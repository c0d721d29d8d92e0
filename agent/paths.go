package main

import (
	"os"
	"path/filepath"

	"github.com/adrg/xdg"
)

// folders says where things are. POSTERN_HOME puts all of them under one folder;
// otherwise they are the XDG base directories or what each system has for them.
type folders struct {
	config  string
	data    string
	state   string
	runtime string
}

func foldersUnder(home string) (folders, error) {
	if home == "" {
		return folders{
			config:  filepath.Join(xdg.ConfigHome, "postern"),
			data:    filepath.Join(xdg.DataHome, "postern"),
			state:   filepath.Join(xdg.StateHome, "postern"),
			runtime: runtimeDir(),
		}, nil
	}
	home, err := filepath.Abs(home)
	if err != nil {
		return folders{}, err
	}
	return folders{config: home, data: home, state: home, runtime: filepath.Join(home, "run")}, nil
}

// runtimeDir falls back to the data folder where no session gives a runtime
// folder, as on a server: a shared /run is no place for the owner's socket.
func runtimeDir() string {
	if info, err := os.Stat(xdg.RuntimeDir); err == nil && info.IsDir() {
		return filepath.Join(xdg.RuntimeDir, "postern")
	}
	return filepath.Join(xdg.DataHome, "postern", "run")
}

func (f folders) configFile() string { return filepath.Join(f.config, "config.toml") }
func (f folders) vaults() string     { return filepath.Join(f.data, "vaults") }
func (f folders) apps() string       { return filepath.Join(f.data, "apps.json") }
func (f folders) identity() string   { return filepath.Join(f.data, "identity.pem") }
func (f folders) log() string        { return filepath.Join(f.state, "postern.log") }
func (f folders) socket() string     { return filepath.Join(f.runtime, "control.sock") }
