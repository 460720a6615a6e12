# Every task of the house, one line of help each; `make` alone prints them. Needs Python 3.11+ and, for LiveKit's server,
# Go 1.26+ or a livekit-server on the PATH or Docker.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON_BIN := .venv/bin/python
CHECK := $(PYTHON_BIN) -m tools.check
# Files of one folder at a time: a recursive make would only reorder what tools/check prints.
.NOTPARALLEL:
# A mesh is twenty processes, and a test run some hundred: what they import is compiled once, whatever the surroundings say.
unexport PYTHONDONTWRITEBYTECODE

##@ start
.PHONY: setup demo calls up down status env logs call restart web livekit-sip ledger forget phone-config env-file otel-collector trace
setup: ## Make .venv from requirements.lock (skipped while that is unchanged); PYTHON=... picks an interpreter
	@PYTHON="$(PYTHON)" tools/setup

demo: setup ## One spoken call, start to end; CALL=name, CHANNEL=phone, LIST=1; CHAOS=billing (triage, redis, livekit, mcp, speech) kills that
	@$(PYTHON_BIN) -m local demo $(if $(LIST),--list) $(if $(CHAOS),--chaos "$(CHAOS)") $(if $(CALL),--call "$(CALL)") $(if $(CHANNEL),--channel "$(CHANNEL)")

calls: setup ## All shipped callers on one mesh, web and phone (half an hour); ONLY='name name', TIMES=3, ARGS='--channels phone'
	@$(PYTHON_BIN) -m local calls $(ONLY) $(if $(TIMES),--times "$(TIMES)") $(ARGS)

up: setup web ## Start the whole mesh and leave it up, with a page to call it from; PORTS='gateway=8088', PHONE=1
	@$(PYTHON_BIN) -m local up $(addprefix --port ,$(PORTS)) $(if $(PHONE),--phone)

down: setup ## Stop it
	@$(PYTHON_BIN) -m local down

status: setup ## Its processes: are they well, how many calls have they
	@$(PYTHON_BIN) -m local status

env: ## Its LiveKit's address, key and secret, and its Redis: eval "$$(make --silent env)"
	@PYTHON="$(PYTHON)" tools/setup >&2 && $(PYTHON_BIN) -m local env

logs: setup ## What a process of it printed: SERVICE=billing (redis, livekit, gateway ...), FOLLOW=1
	@$(PYTHON_BIN) -m local logs $(SERVICE) $(if $(FOLLOW),--follow)

call: setup ## A recorded caller calls it: CALL=name, CHANNEL=phone
	@$(PYTHON_BIN) -m local call $(CALL) $(if $(CHANNEL),--channel "$(CHANNEL)")

restart: setup ## Restart a process of it: SERVICE=billing; a worker's calls move to another one meanwhile
	@$(PYTHON_BIN) -m local restart $(SERVICE)

web: ## Install what the call page runs that is not ours (LiveKit's client for browsers; needs npm)
	@tools/web

livekit-sip: ## Build livekit/sip, for telephone calls on this machine (needs Go, gcc and three libraries, which it names)
	@tools/livekit-sip

otel-collector: ## Build a collector of spans for this machine, for the tests of traces and for make up (docs/telemetry.md; needs Go)
	@tools/otel-collector

trace: setup ## Calls out of a collector's file: FILE=.run/spans.jsonl lists them; CALL=id (last) draws one, HTML=file as a page
	@$(PYTHON_BIN) -m tools.trace $(or $(FILE),.run/spans.jsonl) $(if $(CALL),--call "$(CALL)") $(if $(HTML),--html "$(HTML)") $(ARGS)

# That of DATABASE_URL, else of the mesh that ran last here.
ledger: setup ## How calls ended; SINCE=1h, CALL=id, CALLBACKS=1, JSON=1
	@last=$$(ls -t .run/*/ledger.db 2>/dev/null | head -n 1); \
	  DATABASE_URL="$${DATABASE_URL:-sqlite:///$${last:-ledger.db}}" \
	  $(PYTHON_BIN) -m ledger show $(if $(SINCE),--since "$(SINCE)") $(if $(CALL),--call "$(CALL)") \
	  $(if $(CALLBACKS),--callbacks) $(if $(JSON),--json)

# Redis is that of REDIS_URL, else of the mesh that is up.
forget: setup ## Remove a call that has ended, by its id: CALL=id; or what is old: OLDER_THAN=90d (15d or more)
	@if [ -z "$(CALL)$(OLDER_THAN)" ]; then echo "give CALL=id or OLDER_THAN=90d" >&2; exit 2; fi; \
	  last=$$(ls -t .run/*/ledger.db 2>/dev/null | head -n 1); \
	  if [ -z "$$REDIS_URL" ]; then eval "$$($(PYTHON_BIN) -m local env)"; fi; \
	  REDIS_URL="$$REDIS_URL" DATABASE_URL="$${DATABASE_URL:-sqlite:///$${last:-ledger.db}}" \
	  $(PYTHON_BIN) -m ledger forget $(if $(CALL),--call "$(CALL)",--older-than "$(OLDER_THAN)")

# make has exit codes of its own; a script that needs these runs the module (docs/phone.md).
phone-config: setup ## Telephone numbers: LiveKit's trunks and rules become what CONFIG=phone.yaml says; DRY_RUN=1 only shows it, ARGS=...
	@$(PYTHON_BIN) -m gateway.phone $(if $(CONFIG),"$(CONFIG)") $(if $(DRY_RUN),--dry-run) $(ARGS)

env-file: ## Write .env with random secrets for docker-compose.yml; what stands there already stays as it is
	@tools/env-file

##@ check
.PHONY: doctor test lint unit services local contract test-charts test-rules test-cluster offices integration eval audit model chaos e2e fmt test-skill
# make has exit codes of its own; a script that needs these runs the module.
doctor: setup ## What is wrong with a mesh, where, how to mend it: make up's; ENV_FILE=.env, NAMESPACE=..., PROMETHEUS_URL=..., ONLY=redis, PLACE=1, ARGS=...
	@$(PYTHON_BIN) -m tools.doctor $(if $(NAMESPACE),--namespace "$(NAMESPACE)") $(if $(ENV_FILE),--env-file "$(ENV_FILE)") \
	  $(if $(PROMETHEUS_URL),--prometheus "$(PROMETHEUS_URL)") $(if $(ONLY),--only $(ONLY)) $(if $(PLACE),--call $(filter-out 1,$(PLACE))) $(ARGS)

test: setup web ## Lint, types, imports, sizes, proto, then the tests, with a few spoken calls; FULL=1 places all calls
	@$(CHECK) all $(if $(FULL),--full)

lint: setup ## ruff, mypy --strict, import contracts, the 400-line cap, buf lint
	@$(CHECK) lint

unit: setup ## Unit tests of what all services stand on (libs): no network, no clock
	@$(CHECK) unit

services: setup ## Each service's, back office's and the gateway's own tests: whole, over a store in memory
	@$(CHECK) services

local: setup ## Tests of the local mesh, its callers and its ear, and of the benchmarks
	@$(CHECK) local

contract: setup ## Do names, files and generated code still agree
	@$(CHECK) contract

test-charts: setup ## The Helm charts: golden renders, Kubernetes' own schemas, policies, refusals (fetches Helm when there is none)
	@$(CHECK) charts

test-rules: setup ## Alerts and dashboards: every alert fires when it should and not when it nearly should (fetches promtool when there is none)
	@$(CHECK) rules

test-skill: setup ## skills/livekit-agents: every snippet and command in it is run, every file, metric and figure looked up
	@$(CHECK) skill

test-cluster: setup ## The charts on the cluster of KUBECONFIG, with callers on the line (tests/cluster/README.md); TAG=dev BUILDER=... LOADER=...
	@$(PYTHON_BIN) -m pytest tests/cluster -q -rs --timeout=1800 $(if $(TAG),--tag "$(TAG)") \
	  $(if $(BUILDER),--builder "$(BUILDER)") $(if $(LOADER),--load "$(LOADER)") $(ARGS)

offices: setup ## The back offices' tests on real databases: SQLite, and a PostgreSQL of their own
	@$(CHECK) offices

integration: setup ## Tests on real Redis, real gRPC, real processes
	@$(CHECK) integration

eval: setup ## Whole conversations with the real agents, as text; ONLY=billing, SPOKEN=1 over real LiveKit, ARGS=...
	@$(PYTHON_BIN) -m local eval $(if $(ONLY),--only "$(ONLY)") $(if $(SPOKEN),--spoken) $(ARGS)

audit: setup ## What we depend on: locks, licences, known vulnerabilities; and no secret in a tracked file. REQUIRED=1 fails without an answer
	@$(PYTHON_BIN) -m tools.secret_scan && $(PYTHON_BIN) -m tools.audit $(if $(REQUIRED),--required) $(ARGS)

model: setup ## Check the protocol's model in docs/protocol, every state of it; ARGS=--mutants
	@$(PYTHON_BIN) -m tools.model $(ARGS)

chaos: setup ## Strike live calls for 13 minutes and see what the callers hear; SEED=n repeats a run, ARGS='--faults drain'
	@$(PYTHON_BIN) -m local chaos $(if $(SEED),--seed "$(SEED)") $(ARGS)

e2e: setup web ## Calls through the whole mesh on real LiveKit with real audio
	@$(CHECK) e2e

fmt: setup ## Format and sort imports
	@$(PYTHON_BIN) -m ruff check --quiet --fix . && $(PYTHON_BIN) -m ruff format .

##@ make
.PHONY: proto lock images release rollback bench load sbom dashboards chart-copy
proto: setup ## Regenerate libs/handoff/handoff/v1 from proto/
	@$(PYTHON_BIN) -m tools.proto

lock: ## Resolve requirements.in into requirements.lock, and the images' locks out of it (needs uv); UPGRADE=1 takes newer versions
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --custom-compile-command "make lock" $(if $(UPGRADE),--upgrade) requirements.in -o requirements.lock
	$(PYTHON_BIN) -m tools.image_locks
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --custom-compile-command "make lock" $(if $(UPGRADE),--upgrade) tools/sbom.in -o tools/sbom.lock

images: setup ## Build all images by docker or podman; VERSION=0.1.0 REGISTRY=host/path PUSH=1, ONLY='billing billing-mcp', BUILDER=... LOADER=...
	@$(PYTHON_BIN) -m tools.images build $(ONLY) $(if $(VERSION),--version "$(VERSION)") $(if $(REGISTRY),--registry "$(REGISTRY)") \
	  $(if $(PUSH),--push) $(if $(BUILDER),--builder "$(BUILDER)") $(if $(LOADER),--load "$(LOADER)")

release: setup ## Build and upgrade one service: SERVICE=billing VERSION=0.2.0; CANARY=10 (per cent of its calls) REGISTRY=host/path NAMESPACE=...
	@$(PYTHON_BIN) -m tools.release "$(SERVICE)" "$(VERSION)" $(if $(CANARY),--canary "$(CANARY)") $(if $(REGISTRY),--registry "$(REGISTRY)") \
	  $(if $(NAMESPACE),--namespace "$(NAMESPACE)") $(if $(NO_BUILD),--no-build) $(if $(BUILDER),--builder "$(BUILDER)") $(if $(LOADER),--load "$(LOADER)")

rollback: setup ## Take one service's last release back, or end its canary: SERVICE=billing NAMESPACE=...
	@$(PYTHON_BIN) -m tools.release "$(SERVICE)" --rollback $(if $(NAMESPACE),--namespace "$(NAMESPACE)")

sbom: setup ## What is in each image, as CycloneDX, from images/*.lock into .run/sbom
	@$(PYTHON_BIN) -m tools.sbom

# Helm looks for the umbrella's charts in charts/charts, and tells of each link that it meets there.
dashboards: setup ## Write charts/dashboards out of tools/dashboards; DRAW=http://127.0.0.1:9090 draws them from that Prometheus into .run/dashboards
	@$(PYTHON_BIN) -m tools.dashboards $(if $(DRAW),draw --prometheus "$(DRAW)" --out .run/dashboards $(ARGS),write)

chart-copy: ## Copy charts/specialist to where the umbrella chart has it
	@rm -rf charts/charts && mkdir charts/charts && cp -R charts/specialist charts/charts/specialist

bench: setup ## Measure handoffs at the caller's ear, with the in-process change of agent beside them; ARGS=...
	@$(PYTHON_BIN) -m bench.handoff $(ARGS)

load: setup ## Ever more callers until the knee: TIER=audio|soundless CALLS=1,2,4 MIX=billing=60,other=40 MINUTES=2; SOAK=60 (minutes): does anything grow; ARGS=...
	@$(PYTHON_BIN) -m bench.load $(if $(SOAK),soak --minutes "$(SOAK)",$(or $(TIER),audio) $(if $(MINUTES),--minutes "$(MINUTES)")) \
	  $(if $(CALLS),--calls "$(CALLS)") $(if $(MIX),--mix "$(MIX)") $(ARGS)

##@ tidy
.PHONY: clean help
clean: ## Remove .venv, .run and every cache in this folder (built binaries stay in the user's cache)
	@rm -rf .venv .run .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} + ; find . -name '*.egg-info' -type d -prune -exec rm -rf {} +

help: ## Print this
	@awk 'BEGIN { FS = ":.*## " } /^##@/ { printf "\n%s\n", substr($$0, 5) } /^[a-z0-9-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile
