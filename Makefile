# Two commands do everything on a fresh machine with Python >= 3.11: `make demo` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: demo test lint run bench accept format clean
.DEFAULT_GOAL := help

help:            ## this list
	@grep -E '^[a-z]+: .*##' Makefile | sed -E 's/: .*## /\t/' | expand -t 12

demo: $(READY)   ## the whole story offline, in under 20 seconds
	@$(BIN)/python -m bot demo

run: $(READY)    ## one real round: config.toml (made if missing), then collect, compose and deliver for everyone
	@test -f config.toml || $(BIN)/python -m bot init
	@$(BIN)/python -m bot once --force

test: $(READY)   ## all tests
	@$(BIN)/python -m pytest -n auto

lint: $(READY)   ## style, types, import law
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

bench: $(READY)  ## all benchmarks, ratios measured in one run
	@$(BIN)/python -m pip install --quiet -r benchmarks/requirements.txt
	@$(BIN)/python benchmarks/run.py

accept: $(READY) ## rewrite the golden files from what the code does now, for review as a diff
	@PAPERLARK_ACCEPT=1 $(BIN)/python -m pytest -n auto tests/letters tests/sources

format: $(READY) ## put the style right
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

clean:           ## remove what the other targets made
	rm -rf $(VENV) demo outbox build dist *.egg-info

$(READY): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("Paperlark needs Python 3.11 or newer; this is " + sys.version.split()[0] + ". Try: make PYTHON=python3.12 ...") if sys.version_info < (3, 11) else None'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing into $(VENV) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@
