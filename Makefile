# Commands for people. `make` alone lists them.
SHELL := /bin/bash
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
UV := $(BIN)/uv
UV_COMPILE := $(UV) pip compile --quiet --universal --generate-hashes --no-emit-index-url --python-version 3.11 pyproject.toml

.DEFAULT_GOAL := help
.PHONY: help docs demo test test-tryton check lint types floors bench fuzz load faults audit lock hooks

# List the commands
help:
	@awk '/^# / {text=substr($$0, 3)} /^[a-z][a-z-]*:/ {if (text) {split($$1, name, ":"); printf "  make %-11s %s\n", name[1], text}; text=""}' Makefile

$(VENV)/.run: requirements/run.txt pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@test -x $(UV) || $(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	@cmp --silent requirements/dev.txt $(VENV)/.dev || $(UV) pip sync --quiet --require-hashes --python $(BIN)/python requirements/run.txt
	@$(UV) pip install --quiet --no-deps --python $(BIN)/python --editable .
	@touch $@

$(VENV)/.dev: requirements/dev.txt pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@test -x $(UV) || $(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	@$(UV) pip sync --quiet --require-hashes --python $(BIN)/python requirements/dev.txt
	@$(UV) pip install --quiet --no-deps --python $(BIN)/python --editable .
	@cp requirements/dev.txt $@
	@touch $(VENV)/.run

# Run the whole product on this machine, with a plant that needs decisions
demo: $(VENV)/.run
	@$(BIN)/countersign demo $(DEMO)

# Run the tests, on SQLite and on PostgreSQL
test: $(VENV)/.dev
	@$(BIN)/python -m pytest $(TESTS)

.venv-tryton/.done: requirements/tryton.txt $(VENV)/.dev
	@test -x .venv-tryton/bin/python || $(PYTHON) -m venv .venv-tryton
	@$(UV) pip sync --quiet --require-hashes --python .venv-tryton/bin/python requirements/tryton.txt
	@touch $@

# Hold the Tryton connector to a real Tryton, in an environment and a process of its own
test-tryton: $(VENV)/.dev .venv-tryton/.done
	@TRYTON_REQUIRED=1 $(BIN)/python -m pytest --timeout 300 tests/erp/tryton

# Run everything that CI runs
check: lint types floors test

# Check format and style
lint: $(VENV)/.dev
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .

# Check the types, twice
types: $(VENV)/.dev
	@$(BIN)/mypy
	@$(BIN)/basedpyright

# Check that every import goes down the floors
floors: $(VENV)/.dev
	@$(BIN)/lint-imports

# Measure: click to answer against a stock bot, and intake
bench: $(VENV)/.dev
	@$(BIN)/python -m benchmarks

# Kill and freeze the program at every commit and request, and check the end of every life
faults: $(VENV)/.dev
	@$(BIN)/python -m tests.faults $(FAULTS)

# Load the program with clicks and recommendations for ten minutes; LOAD="--seconds 30"
load: $(VENV)/.dev
	@$(BIN)/python -m benchmarks.load $(LOAD)

# Attack both doors with a hundred thousand odd requests each
fuzz: $(VENV)/.dev
	@$(BIN)/python -m tests.hostile --cases $(or $(CASES),100000)

# Look for known weaknesses in what is installed at run time; asks the public OSV database
audit: $(VENV)/.dev
	@$(BIN)/pip-audit --requirement requirements/run.txt --require-hashes --disable-pip --vulnerability-service osv

# Renew the locks under requirements/
lock: $(VENV)/.run
	@$(UV_COMPILE) --output-file requirements/run.txt
	@$(UV_COMPILE) --group dev --output-file requirements/dev.txt
	@$(UV) pip compile --quiet --universal --generate-hashes --no-emit-index-url --python-version 3.11 requirements/tryton.in --output-file requirements/tryton.txt

# Let every commit run the checks first
hooks: $(VENV)/.dev
	@$(BIN)/pre-commit install

# Renew the parts of docs/ that are made from the code
docs: $(VENV)/.dev
	@$(BIN)/python -m docs.generate
