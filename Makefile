# Two commands do all the set-up: `make quickstart` and `make test`.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt
export HF_HUB_OFFLINE := 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: quickstart test test-seeds test-faults fuzz bench bench-quick bench-quality bench-page lint types layers plugins
.PHONY: docs-reference check clean help
.DEFAULT_GOAL := help

help:
	@echo "make quickstart   create .venv, install, run recipes/quickstart.toml"
	@echo "make test         create .venv if needed, install the test extras, run the tests"
	@echo "make test-seeds   slow: the conformance kit on every built-in plugin with fifty seeds"
	@echo "make test-faults  slow: exact resume under every policy and rate from every step, kills at random moments"
	@echo "make fuzz         slow: 10,000 recipes nobody would write, 2,000 with one mistake"
	@echo "make bench        slow: half an hour. mtlkit beside its peers, into docs/benchmarks.md; ONLY=full,frozen for parts"
	@echo "make bench-quick  the same with little work, in minutes, into build/"
	@echo "make bench-quality  slow: forty minutes. Do faster ways to train learn as well? Into docs/benchmarks.md"
	@echo "make bench-page   write docs/benchmarks.md again from docs/benchmarks.json"
	@echo "make lint         ruff: rules and format"
	@echo "make types        mypy --strict"
	@echo "make layers       import-linter: which room may import which; deptry: declared dependencies"
	@echo "make plugins      build the wheel, install it and plugins/ into .venv-wheel, run their tests there"
	@echo "make check        all of these but quickstart"
	@echo "make docs-reference   write the generated pages of docs/reference again"
	@echo "make clean        remove .venv, .venv-peers and caches (not runs/)"

quickstart: $(VENV)/.installed-demo
	$(BIN)/mtlkit run recipes/quickstart.toml

test: $(VENV)/.installed-test
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest $(ARGS)

# Slow: the kit's verdict on every built-in plugin for fifty seeds.
test-seeds: $(VENV)/.installed-test
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest tests/testing/seeds.py

# Slow: an hour. Exact resume from every step of 60 under every policy and rate; kills at random moments.
test-faults: $(VENV)/.installed-test
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest tests/faults/long.py

# Slow: 10,000 recipes nobody would write, and 2,000 with one mistake.
fuzz: $(VENV)/.installed-test
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest tests/faults/fuzz.py

# The peers have an environment of their own, with the same PyTorch: mtlkit needs none of them.
PEERS_VENV ?= .venv-peers
PEERS := torch transformers datasets accelerate sentence-transformers attrs
BENCH = $(BIN)/python -m tests.bench --peers $(abspath $(PEERS_VENV))/bin/python $(if $(ONLY),--only $(ONLY))

bench: $(VENV)/.installed-demo $(PEERS_VENV)/.installed
	$(BENCH) --page docs/benchmarks.md $(ARGS)

bench-quick: $(VENV)/.installed-demo $(PEERS_VENV)/.installed
	@mkdir -p build
	$(BENCH) --quick --results build/bench-quick.json --page build/bench-quick.md $(ARGS)

bench-quality: $(VENV)/.installed-demo
	$(BIN)/python -m tests.bench.quality $(if $(ONLY),--only $(ONLY)) --page docs/benchmarks.md $(ARGS)

bench-page: $(VENV)/.installed-demo
	$(BIN)/python -m tests.bench.page

lint: $(VENV)/.installed-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.installed-test
	$(BIN)/mypy

layers: $(VENV)/.installed-test
	$(BIN)/lint-imports
	$(BIN)/deptry .

# As a stranger has it: a wheel in an environment of its own, and plugins that know only its public names.
WHEEL_VENV ?= .venv-wheel
WHEEL_PYTHON := $(abspath $(WHEEL_VENV))/bin/python
PLUGINS := mtlkit-crf mtlkit-ulmfit mtlkit-vision

plugins:
	rm -rf dist $(WHEEL_VENV)
	$(PYTHON) -m venv $(WHEEL_VENV)
	$(WHEEL_PYTHON) -m pip wheel --quiet --no-deps --wheel-dir dist .
	$(WHEEL_PYTHON) -m pip install --quiet -c constraints.txt "$$(echo dist/mtlkit-*.whl)[demo]" \
		hypothesis pytest pytest-timeout pytest-xdist scikit-learn seqeval $(PLUGINS:%=./plugins/%)
	for plugin in $(PLUGINS); do \
		(cd plugins/$$plugin && OMP_NUM_THREADS=1 $(WHEEL_PYTHON) -m pytest --quiet -n 2) || exit 1; \
	done
	cd plugins && OMP_NUM_THREADS=1 $(WHEEL_PYTHON) -m pytest --quiet test_generated.py

# Pages that are made from code; tests compare them with what these commands make.
docs-reference: $(VENV)/.installed-test
	$(BIN)/python docs/generate.py
	$(BIN)/python -m mtlkit.testing.law_table docs/reference/conformance.md

$(PEERS_VENV)/.installed: constraints.txt
	$(PYTHON) -m venv $(PEERS_VENV)
	@echo "installing the peers of the benchmark into $(PEERS_VENV) (PyTorch and more: takes minutes)"
	@$(PEERS_VENV)/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt $(PEERS)
	@touch $@

check: test lint types layers plugins

clean:
	rm -rf $(VENV) $(WHEEL_VENV) $(PEERS_VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist

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
