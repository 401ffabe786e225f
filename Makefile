# make test is the one test command: everything, on any machine, saying what it leaves out and why.
# The other targets are its parts.

SHELL := /bin/bash
.DEFAULT_GOAL := build
MAKEFLAGS += --no-print-directory

# What the lab, the browser and the race detector need, as Debian calls it, and the programs to know
# it by. Node comes with npm from some sources and without it from Debian, so setup asks for it apart.
PACKAGES := miniupnpd-nftables nftables iproute2 miniupnpc gupnp-tools python3-gi gir1.2-gupnp-1.6 \
	minidlna gmediarender gstreamer1.0-plugins-base chromium gcc libc6-dev
PROGRAMS := miniupnpd nft ip upnpc gssdp-discover minidlnad gmediarender chromium node npm gcc

PLATFORMS := linux/amd64 linux/arm64 darwin/amd64 windows/amd64 freebsd/amd64
LAB := ./testdata ./testdata/lab/...
E2E := cmd/internal/web/e2e

.PHONY: build test setup format vet layers cross race lab browser bench fuzz record

build:
	CGO_ENABLED=0 go build -trimpath -ldflags=-s -o bin/upnp ./cmd/upnp

# In this order also with -j: the comparisons of speed want the machine for themselves.
test:
	@for part in setup format vet layers cross race lab browser bench; do $(MAKE) $$part || exit 1; done
	@echo 'make test: all done'

# setup installs what is missing when it can. Debian starts daemons as it installs them; policy-rc.d
# forbids that, so nothing of ours runs on the machine's own network.
setup:
	@set -e; missing=; \
	for p in $(PROGRAMS); do command -v $$p >/dev/null || missing+=" $$p"; done; \
	/usr/bin/python3 -c 'import gi; gi.require_version("GUPnP", "1.6")' 2>/dev/null || missing+=' python3-gi gupnp'; \
	if [ -z "$$missing" ]; then echo 'setup: nothing missing'; exit 0; fi; \
	if [ "$$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then \
		echo "setup: not here:$$missing; installing needs root on Debian"; \
		[ -z "$$CI" ]; exit; \
	fi; \
	packages='$(PACKAGES)'; \
	command -v npm >/dev/null || packages+=' nodejs npm'; \
	echo "setup: not here:$$missing; installing $$packages"; \
	if [ ! -e /usr/sbin/policy-rc.d ]; then \
		trap 'rm -f /usr/sbin/policy-rc.d' EXIT; \
		printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d; \
		chmod 755 /usr/sbin/policy-rc.d; \
	fi; \
	export DEBIAN_FRONTEND=noninteractive; log=$$(mktemp); \
	{ apt-get -q update && apt-get -qy install --no-install-recommends $$packages; } >"$$log" 2>&1 \
		|| { cat "$$log"; exit 1; }; \
	rm -f "$$log"

format:
	@files=$$(gofmt -l .); \
	if [ -n "$$files" ]; then echo "not in gofmt's form:"; echo "$$files"; exit 1; fi; \
	echo 'format: ok'

vet:
	go vet ./... $(LAB)
	cd testdata/peers && go vet ./...

layers:
	go test -count=1 -run '^TestLayers' ./igd

cross:
	@for p in $(PLATFORMS); do \
		echo "cross: $$p"; \
		export GOOS=$${p%/*} GOARCH=$${p#*/} CGO_ENABLED=0; \
		go build ./... && go vet ./... $(LAB) || exit 1; \
	done

# The race detector needs a C compiler; without one the tests run all the same.
race:
	@if [ "$$(go env CGO_ENABLED)" = 1 ]; then \
		echo 'go test -race ./...'; go test -race ./...; \
	elif [ -n "$$CI" ]; then \
		echo 'race: no C compiler'; exit 1; \
	else \
		echo 'race: skipped, no C compiler; go test ./...'; go test ./...; \
	fi

# lab and bench: in CI, and where setup could install what they need, a test that cannot run is a
# failure. The comparisons of speed run apart from the rest, one at a time.
define lab-test
	@if [ "$$(id -u)" != 0 ] && [ -z "$$CI" ]; then echo '$@: skipped, needs root on Linux'; exit 0; fi; \
	if [ -n "$$CI" ] || command -v apt-get >/dev/null; then export UPNP_LAB=require; fi; \
	echo 'go test $(1) ./testdata/lab'; \
	go test -count=1 -timeout 20m $(1) ./testdata/lab
endef

lab: modules
	$(call lab-test,-parallel 6 -skip '^TestSpeed')

# modules is what drives a browser, from npm at the versions of the lock file; no part of upnp.
modules: $(if $(shell command -v npm),$(E2E)/node_modules)
	@if ! command -v npm >/dev/null; then echo 'modules: skipped, no npm'; [ -z "$$CI" ]; fi

$(E2E)/node_modules: $(E2E)/package-lock.json
	@cd $(E2E) && npm ci --silent --no-audit --no-fund && touch node_modules

# browser: the page in Debian's Chromium, against upnp ui --emulated on loopback. Pictures of all
# that was looked at stay in output/.
browser: build modules
	@if ! command -v chromium >/dev/null || ! command -v npm >/dev/null; then \
		echo 'browser: skipped, needs chromium and npm'; [ -z "$$CI" ]; exit; \
	fi; \
	cd $(E2E); for f in *.test.js; do \
		out=$$(node --test $$f 2>&1) || { echo "$$out"; exit 1; }; \
		echo "browser: $$f: $$(grep -c '^ok' <<<"$$out") passed"; \
	done

bench:
	$(call lab-test,-v -run '^TestSpeed')

# fuzz runs every fuzz target for FUZZTIME; a crash is left as a file next to the test.
FUZZTIME ?= 1m
fuzz:
	@for pkg in $$(go list ./...); do \
		for target in $$(go test -list '^Fuzz' "$$pkg" | grep '^Fuzz'); do \
			echo "$$pkg $$target"; \
			go test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) "$$pkg" || exit 1; \
		done; \
	done

# record makes the sessions in testdata/routers anew, from real programs; see testdata/README.md.
record:
	UPNP_LAB=require go test -count=1 -timeout 20m ./testdata/lab -run '^TestRecord$$' -record
