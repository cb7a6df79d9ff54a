.DEFAULT_GOAL := help
.PHONY: help install nightly test test-faults test-slow rehearsal check up lock

PYTHON ?= python3
BIN := .venv/bin
HOME_DIR := .nightschool/learning
SOURCE := .nightschool/source

help: ## What can be made
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/make \1\t\2/' | expand -t 20

install: .venv/installed ## The virtual environment, from requirements.lock

.venv/installed: requirements.lock pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip sync --quiet --compile-bytecode --python $(BIN)/python requirements.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .
	@touch $@

nightly: install ## Simulate a learning platform and run a whole night on it
	$(BIN)/nightschool simulate --out $(SOURCE)
	$(BIN)/nightschool --home $(HOME_DIR) retrain --dataset learning --source-root $(SOURCE)

test: install ## Every test but the long ones
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

test-faults: install ## Killed nights, and every service of the containers from nothing
	$(BIN)/python -m pytest -m "faults and not slow" -n 2 --dist loadfile

test-slow: install ## The long tests
	$(BIN)/python -m pytest -m slow

rehearsal: install ## Two dozen nights through a real worker: late and damaged files, kills, a full disk
	$(BIN)/python -m pytest -m rehearsal -s

check: install ## Format, lint, types, import contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

up: install ## Prefect server, MLflow server and a worker, until Ctrl-C
	$(BIN)/nightschool --home $(HOME_DIR) up

LOCK := pip compile --universal --python-version 3.11 --generate-hashes --no-annotate --no-header --quiet

lock: ## Renew requirements.lock, and of it what images install, from pyproject.toml
	$(BIN)/uv $(LOCK) pyproject.toml --group dev --output-file requirements.lock
	$(BIN)/uv $(LOCK) pyproject.toml --constraint requirements.lock --output-file requirements-run.lock
