# The two commands a fresh machine needs are `make run` and `make test`; each installs what it
# needs into .venv first. Only Python 3.11 or newer has to be there.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check --quiet

.DEFAULT_GOAL := help
.PHONY: help run test check unit sim real bench examples toolchains screenshots lock schema clean

help: ## this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 14

run: $(VENV)/.run ## open the console on a live example
	@$(BIN)/gaesup demo

test: $(VENV)/.dev check ## everything that is promised, proved (unit, simulation, real processes)
	@$(BIN)/python -m tests.run

check: $(VENV)/.dev ## lint, types, import contracts, module sizes
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/mypy tests benchmarks scripts
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/pytest -q tests/unit/test_house.py

unit: $(VENV)/.dev ## the fast tests only
	@$(BIN)/pytest -q tests/unit

sim: $(VENV)/.dev ## the simulation only
	@$(BIN)/pytest -q -m sim tests/sim

real: $(VENV)/.dev ## the tests with real processes only
	@$(BIN)/pytest -q -m real tests

bench: $(VENV)/.dev ## the benchmarks, as ratios to a control in the same run
	@for each in benchmarks/bench_*.py; do echo "== $$each"; $(BIN)/python $$each || exit 1; done

examples: $(VENV)/.dev ## rebuild the example units with the toolchains that are there
	@$(BIN)/python examples/shop/build.py

toolchains: $(VENV)/.dev ## what rebuilds the example units: C and Zig into .venv, AssemblyScript beside them
	@$(PIP) install --require-hashes -r requirements-toolchains.lock
	@npm install --silent --no-save --no-package-lock --prefix examples/shop assemblyscript@0.28.20

screenshots: $(VENV)/.dev ## pictures of the real program on the demo
	@$(BIN)/python scripts/screenshots.py

schema: $(VENV)/.dev ## write docs/gaesup.schema.json from the models
	@$(BIN)/gaesup validate --schema > docs/gaesup.schema.json

lock: $(VENV)/.dev ## compute the locked requirements anew (needs uv)
	@uv pip compile -q --universal --python-version 3.11 --generate-hashes --upgrade pyproject.toml -o requirements.lock
	@uv pip compile -q --universal --python-version 3.11 --generate-hashes --upgrade --group dev pyproject.toml -o requirements-dev.lock
	@uv pip compile -q --universal --python-version 3.11 --generate-hashes --upgrade --group build -o requirements-build.lock

clean: ## take away what was installed and cached here
	rm -rf $(VENV) dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "gaesup needs Python 3.11 or newer; '$(PYTHON)' is $$($(PYTHON) --version 2>&1 || echo missing)." >&2; \
	  echo "Install one and say which: make $(MAKECMDGOALS) PYTHON=python3.11" >&2; exit 1; }
	@echo "making $(VENV)"
	@$(PYTHON) -m venv $(VENV) || { \
	  echo "Python's venv module is missing; on Debian: apt install python3-venv" >&2; exit 1; }

$(VENV)/.run: requirements.lock requirements-build.lock pyproject.toml | $(BIN)/python
	@echo "installing what is needed to run (about 20 s)"
	@$(PIP) install --require-hashes -r requirements.lock
	@$(PIP) install --require-hashes -r requirements-build.lock
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: requirements-dev.lock requirements-build.lock pyproject.toml | $(BIN)/python
	@echo "installing what is needed to develop and test (about 30 s)"
	@$(PIP) install --require-hashes -r requirements-dev.lock
	@$(PIP) install --require-hashes -r requirements-build.lock
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@ $(VENV)/.run
