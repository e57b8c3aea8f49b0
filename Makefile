# Two commands do all the set-up: `make quickstart` and `make test`.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt
export HF_HUB_OFFLINE := 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: quickstart test lint types layers check clean help
.DEFAULT_GOAL := help

help:
	@echo "make quickstart   create .venv, install, run recipes/quickstart.toml"
	@echo "make test         create .venv if needed, install the test extras, run the tests"
	@echo "make lint         ruff: rules and format"
	@echo "make types        mypy --strict"
	@echo "make layers       import-linter: which room may import which; deptry: declared dependencies"
	@echo "make check        all of these but quickstart"
	@echo "make clean        remove .venv and caches (not runs/)"

quickstart: $(VENV)/.installed-demo
	$(BIN)/mtlkit run recipes/quickstart.toml

test: $(VENV)/.installed-test
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest $(ARGS)

lint: $(VENV)/.installed-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.installed-test
	$(BIN)/mypy

layers: $(VENV)/.installed-test
	$(BIN)/lint-imports
	$(BIN)/deptry .

check: test lint types layers

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "mtlkit needs Python 3.11 or newer; choose one with: make PYTHON=python3.11" >&2; exit 1; }
	@echo "creating $(VENV)"
	@$(PYTHON) -m venv $(VENV)

# A stamp says that an extra is installed as pyproject.toml and constraints.txt have it.
$(VENV)/.installed-%: pyproject.toml constraints.txt | $(BIN)/python
	@echo "installing mtlkit[$*] into $(VENV) (PyTorch and more, up to a few GB: the first time takes minutes)"
	@$(INSTALL) --editable '.[$*]'
	@touch $@
