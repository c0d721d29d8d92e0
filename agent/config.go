package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/pelletier/go-toml/v2"
)

const defaultPort = 7678

// config is what the owner may set in config.toml; a key that is not here is an
// error, so that a mistyped one cannot pass unnoticed.
type config struct {
	// Port is the loopback port for pages.
	Port int `toml:"port"`
	// IdleMinutes locks a vault that nobody used for so long.
	IdleMinutes int `toml:"idle_minutes"`
	// LockAfterHours locks a vault so long after it was opened, used or not.
	LockAfterHours int `toml:"lock_after_hours"`
	// NewApps is "ask", or "refuse" to answer unknown origins with 403 everywhere.
	NewApps string `toml:"new_apps"`
}

func loadConfig(path string) (config, error) {
	c := config{Port: defaultPort, IdleMinutes: 10, LockAfterHours: 12, NewApps: "ask"}
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return c, nil
	}
	if err != nil {
		return c, err
	}
	err = toml.NewDecoder(bytes.NewReader(text)).DisallowUnknownFields().Decode(&c)
	if strict, ok := errors.AsType[*toml.StrictMissingError](err); ok {
		return c, hinted("config.toml has a key that is not known", strict.String())
	}
	if decode, ok := errors.AsType[*toml.DecodeError](err); ok {
		return c, hinted("config.toml cannot be read", decode.String())
	}
	if err != nil {
		return c, err
	}
	return c, c.check()
}

func (c config) check() error {
	switch {
	case c.Port < 1 || c.Port > 65535:
		return hinted(fmt.Sprintf("%d is not a port", c.Port), "choose one from 1 to 65535")
	case c.IdleMinutes < 1 || c.LockAfterHours < 1:
		return hinted("idle_minutes and lock_after_hours must be 1 or more", "mend them in config.toml")
	case c.NewApps != "ask" && c.NewApps != "refuse":
		return hinted(fmt.Sprintf("new_apps cannot be %q", c.NewApps), "write ask or refuse in config.toml")
	}
	return nil
}

func (c config) idleLimit() time.Duration { return time.Duration(c.IdleMinutes) * time.Minute }
func (c config) hardLimit() time.Duration { return time.Duration(c.LockAfterHours) * time.Hour }
