# `make demo` and `make test` are all that a fresh machine needs: Python 3.11+, git and make.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin
PYTEST_ARGS ?= --numprocesses=auto --maxprocesses=4 --dist=worksteal
READY := $(VENV)/.ready

.PHONY: help setup demo test lint fmt types bench lock clean
help:
	@echo 'make demo   the whole job on a local emulator: no account, no Postgres, no Docker'
	@echo 'make test   all tests'
	@echo 'make lint   ruff and mypy;  make fmt   let ruff rewrite'
	@echo 'make bench  the benchmarks; make lock  renew the locked requirements (needs uv)'

setup: $(READY)
$(READY): requirements/dev.txt pyproject.toml
	@test -n "$(PYTHON)" || { echo 'make: no Python 3.11 or newer found; install one or run: make PYTHON=/path/to/python3' >&2; exit 2; }
	@echo 'Installing into $(VENV) (once) ...'
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $(READY)

demo: $(READY)
	@$(BIN)/branchwarden demo

test: $(READY)
	@$(BIN)/python -m pytest $(PYTEST_ARGS)

lint: $(READY)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

fmt: $(READY)
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

bench: $(READY)
	@for b in benchmarks/*.py; do $(BIN)/python $$b; done

lock:
	uv pip compile --universal --python-version 3.11 --generate-hashes --quiet --custom-compile-command 'make lock' \
		pyproject.toml -o requirements/runtime.txt
	uv pip compile --universal --python-version 3.11 --generate-hashes --quiet --custom-compile-command 'make lock' \
		pyproject.toml --extra demo --group dev -o requirements/dev.txt
	echo 'hatchling>=1.27' | uv pip compile --universal --python-version 3.11 --generate-hashes --quiet --no-annotate \
		--custom-compile-command 'make lock' - -o requirements/build.txt

clean:
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache
