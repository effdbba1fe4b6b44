SHELL := /bin/sh
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.ready
NODE_MODULES := tests/node/node_modules/.package-lock.json

.DEFAULT_GOAL := help

help:  ## List what can be made
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP)  ## Make .venv with everything pinned by hash, and the triptych program in it

$(STAMP): requirements-dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed (make PYTHON=python3.12 ...)"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "Python's venv module is missing (on Debian and Ubuntu: apt install python3-venv)"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements-dev.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

run: setup  ## Start the gateway on 127.0.0.1:8080 with the three sandboxes behind it
	@exec $(BIN)/triptych serve

$(NODE_MODULES): tests/node/package-lock.json
	@command -v npm >/dev/null && node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)' || { echo "The tests need Node 20 or newer, and npm (on Debian and Ubuntu: apt install nodejs npm)"; exit 1; }
	@cd tests/node && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

test: setup $(NODE_MODULES)  ## Run all tests, the fast ones first (with Node 20 or newer)
	@$(BIN)/pytest --numprocesses=2 tests/unit tests/conformance tests/crash tests/e2e

check: setup format-check lint types imports lengths  ## What CI runs: format, lint, types, import rules, file lengths, tests
	@$(MAKE) --no-print-directory test

format: setup  ## Write the code as the formatter wants it
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix --quiet .

format-check: setup
	@$(BIN)/ruff format --check --quiet . || { echo "run: make format"; exit 1; }

lint: setup  ## Look for what the linter forbids
	@$(BIN)/ruff check --quiet .

types: setup  ## Check the types
	@$(BIN)/mypy

imports: setup  ## Check who imports whom
	@$(BIN)/lint-imports --no-cache | tail -n 4

lengths:  ## Check that no file is longer than 300 lines
	@git ls-files --cached --others --exclude-standard '*.py' | grep -v '^gateway/store/migrations/versions/' | xargs wc -l | awk '$$2 != "total" && $$1 > 300 {print $$2 ": " $$1 " lines, 300 are allowed"; bad = 1} END {exit bad}'

bench: setup  ## Measure beside LiteLLM, Portkey, openai-forward and nginx, 20 minutes; make bench ARGS=--quick: two
	@$(BIN)/python -m tests.bench.run $(ARGS)

docs: setup  ## Build the site of the documentation into build/site; nothing is fetched
	@$(BIN)/python -m docs.site

docs-serve: setup  ## Build that site, and show it on 127.0.0.1:8000
	@exec $(BIN)/python -m docs.site --serve 127.0.0.1:8000

generated: setup  ## Write the committed artefacts anew: the contract's documents
	@$(BIN)/triptych openapi > contracts/openapi.json
	@$(BIN)/triptych asyncapi > contracts/asyncapi.json
	@$(BIN)/triptych capability-schema > contracts/capabilities.schema.json
	@$(BIN)/triptych errors --json > contracts/errors.json

matrix: setup  ## Carry every operation through every outcome at every server, and write docs/matrix.md anew
	@$(BIN)/python -m tests.conformance.matrix

lock: setup  ## Pin the newest versions of all dependencies, with hashes
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --upgrade --generate-hashes --no-emit-index-url --custom-compile-command "make lock" pyproject.toml --output-file requirements.txt
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --upgrade --generate-hashes --no-emit-index-url --custom-compile-command "make lock" pyproject.toml --group dev --output-file requirements-dev.txt

.PHONY: help setup run test check format format-check lint types imports lengths bench docs docs-serve generated matrix lock
