# Needs Python 3.11 and make, nothing else. `make run` makes the environment when it is missing, then does the main job.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := run

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
SPARK_VENV := .venv-spark
SPARK_STAMP := $(SPARK_VENV)/.installed
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# The machine's own certificates, as pip uses them: behind a company's proxy uv's built-in ones do not do.
export UV_SYSTEM_CERTS := 1

.PHONY: run test test-platform test-spark bench audit lint docs lock clean

run: $(STAMP)
	$(BIN)/npl run

test: lint
	$(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder -m "not platform and not spark"

test-platform: $(STAMP)
	$(BIN)/pytest -m platform

# 630 MB of its own, and Java 17 (Debian's package is installed where it is missing, as root).
test-spark: $(STAMP) $(SPARK_STAMP)
	$(BIN)/pytest -m spark

# Needs a quiet machine; ROWS=10000000 for the big one.
bench: $(STAMP)
	$(BIN)/npl bench --case check --rows $(or $(ROWS),1000000)

# Known vulnerabilities of what is locked; asks a public service, and says so when it cannot.
audit: $(STAMP)
	$(BIN)/python deploy/audit.py

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check --quiet .
	$(BIN)/mypy
	$(BIN)/npl standard build --check

# Everything that is generated from the standard.
docs: $(STAMP)
	$(BIN)/npl standard build

# Both locks from the dependencies in pyproject.toml; what they share has one version. What is pinned stays;
# `make lock UPGRADE=1` moves it.
LOCK := uv pip compile --python-version 3.11 --quiet $(if $(UPGRADE),--upgrade) --generate-hashes --no-annotate --no-header
lock: $(STAMP)
	$(BIN)/$(LOCK) pyproject.toml --extra dev --extra server --output-file requirements.lock
	$(BIN)/$(LOCK) --group spark --constraint requirements.lock --output-file requirements-spark.lock

# Environment and caches; never the data in var/.
clean:
	rm -rf $(VENV) $(SPARK_VENV) build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis dbt_project/target dbt_project/logs
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# uv installs the lock in a quarter of pip's time, and comes from the lock itself, checked by its hash.
# Compiled now: else each of the many Airflow and dbt processes may have to do it.
$(STAMP): requirements.lock pyproject.toml
	for python in python3.11 python3 none; do \
	  if [ $$python = none ]; then echo "需要 Python 3.11 / Python 3.11 is needed" >&2; exit 2; fi; \
	  if $$python -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null; then break; fi; \
	done; \
	$$python -m venv $(VENV)
	awk '/^[^ #]/ {keep = /^uv==/} keep' requirements.lock > $(VENV)/uv.lock
	$(BIN)/python -m pip install --quiet --require-hashes -r $(VENV)/uv.lock
	$(BIN)/uv pip install --python $(BIN)/python --require-hashes --compile-bytecode -r requirements.lock
	$(BIN)/uv pip install --python $(BIN)/python --no-deps --no-build-isolation -e .
	touch $@

$(SPARK_STAMP): requirements-spark.lock | $(STAMP)
	$(BIN)/uv venv --quiet --clear --python $(BIN)/python $(SPARK_VENV)
	$(BIN)/uv pip install --python $(SPARK_VENV)/bin/python --require-hashes --compile-bytecode -r requirements-spark.lock
	touch $@
