PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# The pip that is there installs into the environment, so that ensurepip is not needed.
INSTALL := $(PYTHON) -m pip --python $(BIN)/python install --quiet --disable-pip-version-check

.PHONY: help demo test lint bench bundle docs clean

help:
	@echo "make demo | test | lint | bench | bundle | docs | clean; each sets up $(VENV) by itself"

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.11")'
	$(PYTHON) -m venv --without-pip $(VENV)

$(VENV)/.demo: pyproject.toml | $(BIN)/python
	$(INSTALL) --editable '.[demo,fast]'
	@touch $@

$(VENV)/.dev: pyproject.toml | $(BIN)/python
	$(INSTALL) --editable '.[dev]'
	@touch $@ $(VENV)/.demo

demo: $(VENV)/.demo
	@$(BIN)/mcp-grok demo $(if $(PROVIDER),--provider $(PROVIDER))

test: $(VENV)/.dev
	$(BIN)/coverage erase
	# Most tests wait for other processes: two at a time take half as long. pytest's 5 says that none was chosen.
	$(BIN)/coverage run -m pytest --numprocesses 2 --dist loadfile -m "not alone" $(ARGS) || [ $$? -eq 5 ]
	$(BIN)/coverage run -m pytest -m alone $(ARGS) || [ $$? -eq 5 ]
	@$(BIN)/coverage combine --quiet
	@$(BIN)/coverage report

lint: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/vulture

bench: $(VENV)/.dev
	$(BIN)/python -m tests.bench
	$(BIN)/python -m tests.bench.http

bundle:
	@command -v npx >/dev/null || { echo "npx, which comes with Node, is needed to pack a bundle"; exit 1; }
	@mkdir -p dist
	npx --yes @anthropic-ai/mcpb validate manifest.json
	npx --yes @anthropic-ai/mcpb pack . dist/mcp-grok-chat.mcpb

docs: $(VENV)/.dev
	$(BIN)/python -m tests.documents

clean:
	rm -rf $(VENV) dist .coverage .coverage.* .mypy_cache .pytest_cache .ruff_cache .hypothesis
