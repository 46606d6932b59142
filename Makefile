# The environment, the built-in study and the tests; each target needs nothing but Python 3.11 or newer.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: install quickstart test test-slow test-night test-clusters test-mutants benchmark gpu audit check docs

install: $(VENV)/installed

$(VENV)/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[test]"
	touch $@

quickstart: install
	$(BIN)/uncollapse run cafes
	@echo
	@echo "open runs/cafes/report/index.html"

test: install
	$(BIN)/python -m pytest -n auto --maxprocesses 8 --dist loadfile -m "not slow"

test-slow: install
	$(BIN)/python -m pytest -m "slow and not cluster"

test-night: install
	$(BIN)/python -m pytest -s tests/clusters/test_night.py tests/clusters/test_two_studies_at_once.py

test-clusters: install
	$(BIN)/python -m pytest -s -m cluster

# Small faults in a copy of the product, of which its tests should notice each; hours.
test-mutants: install
	$(BIN)/python -m tests.mutation

# Each prints a table, one after another; `make benchmark QUICK=--quick` takes minutes and says little.
benchmark: install
	$(BIN)/python -m tests.benchmarks.startup $(QUICK)
	$(BIN)/python -m tests.benchmarks.scheduling $(QUICK)
	$(BIN)/python -W ignore -m tests.benchmarks.training_step $(QUICK)
	$(BIN)/python -W ignore -m tests.benchmarks.step_profile
	$(BIN)/python -W ignore -m tests.benchmarks.evaluation $(QUICK)
	$(BIN)/python -m tests.benchmarks.corpora $(QUICK)
	$(BIN)/python -m tests.benchmarks.searches.trials_needed
	$(BIN)/python -m tests.benchmarks.searches.racing
	$(BIN)/python -m tests.benchmarks.gpu $(QUICK)

# What is asked of one GPU, in minutes; in small where there is none.
gpu: install
	$(BIN)/python -m tests.benchmarks.gpu $(QUICK)

audit:
	$(PYTHON) -m venv .audit
	.audit/bin/python -m pip install --quiet pip-audit==2.10.1
	.audit/bin/pip-audit --strict --no-deps --disable-pip -r constraints.txt

check: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

docs: install
	$(BIN)/mkdocs build --strict --quiet --site-dir .site
