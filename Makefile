# Two commands do everything on a fresh machine with Python >= 3.11: `make demo` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
PIP := -m pip install --quiet --disable-pip-version-check --use-pep517
COMPILE := $(BIN)/uv pip compile pyproject.toml --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --custom-compile-command 'make upgrade'

.PHONY: demo test test-machines test-channels test-latest lint run bench accept format upgrade clean
.DEFAULT_GOAL := help

help:            ## this list
	@grep -E '^[a-z-]+: .*##' Makefile | sed -E 's/: .*## /\t/' | expand -t 14

demo: $(READY)   ## the whole story offline, in under 20 seconds
	@$(BIN)/python -m bot demo

run: $(READY)    ## one real round: config.toml (made if missing), then collect, compose and deliver for everyone
	@test -f config.toml || $(BIN)/python -m bot init
	@$(BIN)/python -m bot once --force || { test $$? -eq 1 && echo "Done, but not everything went well: see above, or $(BIN)/paperlark status"; }

test: $(READY)   ## all tests
	@$(BIN)/python -m pytest -n auto

test-machines: $(READY) ## many machines killed, stopped and cut off, with the true waits: as root on Linux, an hour
	@PAPERLARK_MACHINES=whole $(BIN)/python -m pytest -n 0 -rs tests/cluster/test_machines.py

test-channels: $(READY) ## mail and channels killed at every step, twice, on both databases, and services that die: two minutes
	@PAPERLARK_CHANNELS=whole $(BIN)/python -m pytest -n 0 -rs tests/pipeline/deliver/test_kill_channels.py

lint: $(READY)   ## style, types, import law
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

bench: $(READY)  ## every promise of speed and memory, measured here, in one table: some 15 minutes
	@$(BIN)/python $(PIP) --require-hashes -r benchmarks/requirements.txt
	@$(BIN)/python benchmarks/run.py

accept: $(READY) ## rewrite the golden files from what the code does now, for review as a diff
	@PAPERLARK_ACCEPT=1 $(BIN)/python -m pytest -n auto tests/letters tests/sources

format: $(READY) ## put the style right
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

upgrade: $(READY) ## renew the lock: the newest of everything, with hashes
	@$(COMPILE) --upgrade --extra dev --extra bench --output-file benchmarks/requirements.txt
	@$(COMPILE) --extra dev --constraint benchmarks/requirements.txt --output-file requirements-dev.txt
	@$(COMPILE) --extra postgres --extra cluster --extra dkim --extra web --extra bounces --extra library --extra channels --constraint benchmarks/requirements.txt --output-file requirements.txt
	@$(MAKE) --no-print-directory $(READY)

test-latest:     ## all tests with the newest release of everything, in a folder of their own
	@$(PYTHON) -m venv --clear $(VENV)-latest
	@$(VENV)-latest/bin/python $(PIP) --upgrade --editable '.[dev]'
	@$(VENV)-latest/bin/python -m pytest -n auto

clean:           ## remove what the other targets made
	rm -rf $(VENV) $(VENV)-latest demo outbox build dist *.egg-info

# The lock names every package with its hashes, so that a clone in a year gets what was tested today.
$(READY): requirements-dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("Paperlark needs Python 3.11 or newer; this is " + sys.version.split()[0] + ". Try: make PYTHON=python3.12 ...") if sys.version_info < (3, 11) else None'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing into $(VENV) ..."
	@$(BIN)/python $(PIP) --require-hashes -r requirements-dev.txt
	@$(BIN)/python $(PIP) --no-deps --no-build-isolation --editable .
	@touch $@
