# Two commands matter: make run, make test. make help lists the rest.

SHELL := /bin/bash
.DEFAULT_GOAL := help

# What the tests use beside Go: a C compiler for the race detector, a real
# password manager, browser, bus and panel. Names are Debian's.
PACKAGES := ca-certificates gcc libc6-dev git chromium dbus gnome-keyring desktop-file-utils dex libglib2.0-bin age e2fsprogs xvfb
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
CROSS := windows/amd64 windows/arm64 darwin/amd64 darwin/arm64 linux/arm64

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: go ## Start the agent and open its console
	go run ./agent

playground: go ## Serve the sample web app on another origin
	go run ./bridge/playground

build: go ## Build bin/postern
	go build -trimpath -o bin/postern ./agent

test: go packages lint web cross ## Run every check and test
	go test -race -timeout 20m ./...
	go test -timeout 20m ./vault

powercut: go ## Cut the power under the vault: needs root and loop mounts
	go test -tags powercut -run PowerCut -timeout 30m -v ./vault

bench: go ## Measure the speeds that the goals name, as ratios in one run
	go test -run '^$$' -bench . -benchtime 200ms ./vault ./bridge

lint: go ## Formatting, vet and staticcheck
	@unformatted=$$(gofmt -l $$(git ls-files '*.go')); test -z "$$unformatted" || { echo "run gofmt -w on: $$unformatted"; exit 1; }
	go vet ./...
	go mod verify
	go run $(STATICCHECK) ./...

web: go packages ## Check and test the TypeScript client
	cd bridge/client && npm ci --no-audit --no-fund && npm test

generate: go packages ## Print protocol types and docs, bundle the pages
	cd bridge/client && npm ci --no-audit --no-fund
	go test ./bridge -run 'Generated' -update
	cd bridge/client && npm run types

cross: go ## Vet and build for the other systems
	@set -e; for target in $(CROSS); do \
		echo "$$target"; \
		export CGO_ENABLED=0 GOOS=$${target%/*} GOARCH=$${target#*/}; \
		go vet ./...; go build -o /dev/null ./agent; \
	done

# Go is not installed by this file: distributions have old ones.
go:
	@command -v go >/dev/null || { echo "Go is missing: install Go 1.26 or newer from https://go.dev/dl/ and run this again"; exit 1; }

packages:
	@missing=; for p in $(PACKAGES); do dpkg-query -W -f='$${Status}' $$p 2>/dev/null | grep -q 'ok installed' || missing="$$missing $$p"; done; \
	command -v npm >/dev/null || missing="$$missing nodejs npm"; \
	test -z "$$missing" && exit 0; \
	if ! command -v apt-get >/dev/null; then echo "the tests need what Debian calls:$$missing"; echo "install these with your system's package manager"; exit 1; fi; \
	echo "installing:$$missing"; sudo=; test "$$(id -u)" = 0 || sudo=sudo; \
	export DEBIAN_FRONTEND=noninteractive; \
	$$sudo apt-get -o DPkg::Lock::Timeout=300 update -qq && $$sudo apt-get -o DPkg::Lock::Timeout=300 install -y -qq --no-install-recommends $$missing >/dev/null

.PHONY: powercut bench help run playground build test lint web generate cross go packages
