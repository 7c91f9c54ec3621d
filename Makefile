PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# The versions are those of constraints.txt, for what is installed and for what builds it. The pip that is there installs into the environment, so that ensurepip is not needed.
INSTALL := PIP_CONSTRAINT=constraints.txt PIP_BUILD_CONSTRAINT=constraints.txt $(PYTHON) -m pip --python $(BIN)/python install --quiet --disable-pip-version-check

PYTEST := $(BIN)/python -m pytest

MCPB := npx --yes @anthropic-ai/mcpb@2.1.2

.PHONY: help demo test coverage lint bench bundle docs picture constraints clean

help:
	@echo "make demo | test | coverage | lint | bench | bundle | docs | picture | constraints | clean; each sets up $(VENV) by itself"

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.11")'
	$(PYTHON) -m venv --without-pip $(VENV)

$(VENV)/.demo: pyproject.toml constraints.txt | $(BIN)/python
	$(INSTALL) --no-compile --editable '.[fast]'
	@touch $@

$(VENV)/.dev: pyproject.toml constraints.txt | $(BIN)/python
	$(INSTALL) --editable '.[dev]'
	@touch $@ $(VENV)/.demo

demo: $(VENV)/.demo
	@$(BIN)/mcp-grok demo $(if $(PROVIDER),--provider $(PROVIDER))

# The tests start more than a thousand processes: none of them compiles the package again, whatever the environment says.
test: export PYTHONDONTWRITEBYTECODE =
# pytest ends with 5 where ARGS select no test.
test: $(VENV)/.dev
	$(PYTEST) --numprocesses logical --dist worksteal -m "not alone" $(ARGS) || [ $$? -eq 5 ]
	$(PYTEST) -m alone $(ARGS) || [ $$? -eq 5 ]

# Apart from `test`, since measuring makes the start of each process more than twice as slow.
coverage: PYTEST = $(BIN)/coverage run -m pytest
coverage: $(VENV)/.dev
	@$(BIN)/coverage erase
	$(PYTEST) --numprocesses logical --dist worksteal -m "not alone" $(ARGS)
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
	$(MCPB) validate manifest.json
	$(MCPB) pack . dist/mcp-grok-chat.mcpb

docs: $(VENV)/.dev
	$(BIN)/python -m tests.documents

# The picture of README, from a run of the demo.
picture: $(VENV)/.dev
	$(BIN)/python -m tests.picture

# The newest versions that pyproject.toml allows; run the tests with them.
constraints: $(VENV)/.dev
	$(BIN)/python -m tests.constraints

clean:
	rm -rf $(VENV) dist .coverage .coverage.* .mypy_cache .pytest_cache .ruff_cache .hypothesis
