# Every task of the house, one line of help each; `make` alone prints them. Needs Python 3.11+ and, for LiveKit's server,
# Go 1.26+ or a livekit-server on the PATH or Docker.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON_BIN := .venv/bin/python
CHECK := $(PYTHON_BIN) -m tools.check
# Files of one folder at a time: a recursive make would only reorder what tools/check prints.
.NOTPARALLEL:

##@ start
.PHONY: setup demo up
setup: ## Make .venv from requirements.lock (skipped while that is unchanged); PYTHON=... picks an interpreter
	@PYTHON="$(PYTHON)" tools/setup

demo: setup ## One spoken call, start to end; CALL=path.yaml plays another caller, CHANNEL=phone by telephone
	@$(PYTHON_BIN) -m local demo $(if $(CALL),--call "$(CALL)") $(if $(CHANNEL),--channel "$(CHANNEL)")

up: setup ## Run the mesh until Ctrl-C and print its addresses
	@$(PYTHON_BIN) -m local up

##@ check
.PHONY: test lint unit contract integration e2e fmt
test: setup ## Everything: lint, types, imports, sizes, proto, then all tests; the last lines count them
	@$(CHECK) all

lint: setup ## ruff, mypy --strict, import contracts, the 400-line cap, buf lint
	@$(CHECK) lint

unit: setup ## Unit tests: no network, no clock
	@$(CHECK) unit

contract: setup ## Do names, files and generated code still agree
	@$(CHECK) contract

integration: setup ## Tests on real Redis, real gRPC, real processes
	@$(CHECK) integration

e2e: setup ## Calls through the whole mesh on real LiveKit with real audio
	@$(CHECK) e2e

fmt: setup ## Format and sort imports
	@$(PYTHON_BIN) -m ruff check --quiet --fix . && $(PYTHON_BIN) -m ruff format .

##@ make
.PHONY: proto lock bench
proto: setup ## Regenerate libs/handoff/handoff/v1 from proto/
	@$(PYTHON_BIN) -m tools.proto

lock: ## Resolve requirements.in into requirements.lock (needs uv); UPGRADE=1 takes newer versions
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --custom-compile-command "make lock" $(if $(UPGRADE),--upgrade) requirements.in -o requirements.lock

bench: setup ## Measure handoffs at the caller's ear, with the in-process change of agent beside them; ARGS=...
	@$(PYTHON_BIN) -m bench.handoff $(ARGS)

##@ tidy
.PHONY: clean help
clean: ## Remove .venv, .run and every cache in this folder (built binaries stay in the user's cache)
	@rm -rf .venv .run .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} + ; find . -name '*.egg-info' -type d -prune -exec rm -rf {} +

help: ## Print this
	@awk 'BEGIN { FS = ":.*## " } /^##@/ { printf "\n%s\n", substr($$0, 5) } /^[a-z0-9-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile
