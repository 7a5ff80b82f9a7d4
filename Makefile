# Python 3.11 or newer and make are all that is needed; the rest goes into .venv.
PYTHON ?= python3
BIN := .venv/bin
ARGS ?=
PYTEST := $(BIN)/python -m pytest
# Written when an installation is complete; made again only when pyproject.toml has changed.
RUN := .venv/.installed
DEV := .venv/.installed-dev

.DEFAULT_GOAL := help
.PHONY: help run test chaos check protos bench clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-7s %s\n", $$1, $$2 }' Makefile

run: $(RUN) ## Start five servers on ports 50051 to 50055 (ARGS="--data-dir DIR" adds flags)
	@exec $(BIN)/chat-server --instances 5 $(ARGS)

test: $(DEV) ## Run every test (ARGS="-k name" chooses)
	$(BIN)/python -m tests $(ARGS)

chaos: $(DEV) ## Try every promise at full size, for an hour or two (ARGS="-k storm" chooses)
	CHAT_CHAOS=full $(PYTEST) tests/chaos $(ARGS)

check: $(DEV) protos ## Check style, types, the contract, its stubs and the layers
	git diff --exit-code -- chat_protos
	@test -z "$$(git ls-files --others --exclude-standard chat_protos)" || \
		{ echo "chat_protos/ has files that are not committed"; exit 1; }
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/buf lint protos
	$(PYTEST) tests/test_layers.py

protos: $(DEV) ## Make chat_protos/ from protos/
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python protos/generate.py

bench: $(DEV) ## Measure the server (ARGS="--help" shows what can be chosen)
	$(BIN)/python -m bench $(ARGS)

clean: ## Remove all that was installed or made
	rm -rf .venv build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis examples/*/node_modules
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/pip:
	@$(PYTHON) -c 'import sys; sys.exit(None if sys.version_info >= (3, 11) else \
		"Python 3.11 or newer is needed. Name one: make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv .venv

$(RUN): pyproject.toml | $(BIN)/pip
	$(BIN)/pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(DEV): $(RUN)
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@
