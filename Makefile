.DEFAULT_GOAL := help
.PHONY: help install spark nightly test test-quick test-nights test-spark test-faults test-slow rehearsal pictures coverage check docs serve up lock clean

# Without the bytecode of its imports, every process of the tests compiles hundreds of modules again.
unexport PYTHONDONTWRITEBYTECODE

PYTHON ?= python3
BIN := .venv/bin
HOME_DIR := .nightschool/learning
SOURCE := .nightschool/source
QUICK := data evaluation experiments inspection models ranking simulator testing
NOT_QUICK := inspection/test_real_data.py models/rating_stack models/reranker models/test_mlflow_model.py
# Three processes of tests, for two cores: one often waits. Threads that wait by spinning would keep the others from work.
PYTEST := OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder

help: ## What can be made
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/make \1\t\2/' | expand -t 20

install: .venv/installed ## The virtual environment, from requirements.lock

.venv/installed: requirements.lock pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip sync --quiet --compile-bytecode --python $(BIN)/python requirements.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .
	@touch $@

spark: install ## Spark, for nights that outgrow one machine; it needs Java 17 (Debian: openjdk-17-jre-headless)
	$(BIN)/uv pip install --quiet --require-hashes --python $(BIN)/python --requirement requirements-spark.lock
	$(BIN)/python -c "from nightschool.spark_session import require_spark; print(require_spark())"

nightly: install ## Simulate a learning platform and run a whole night on it
	$(BIN)/nightschool simulate --out $(SOURCE)
	$(BIN)/nightschool --home $(HOME_DIR) retrain --dataset learning --source-root $(SOURCE)

test: install ## Every test but the long ones (10 minutes on two cores)
	$(PYTEST)

test-nights: install ## Whole nights, servers and real files in many variants (9 minutes)
	$(PYTEST) -m "nights and not slow and not rehearsal and not faults"

test-quick: install ## Tests of pure functions, models and data, for the loop of a developer (a good minute)
	POLARS_MAX_THREADS=1 NUMBA_NUM_THREADS=1 $(PYTEST) -m "not slow and not server" $(addprefix tests/,$(QUICK)) $(addprefix --ignore=tests/,$(NOT_QUICK))

test-spark: spark ## Nights on a real master and two workers, some of which die (6 minutes)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist load -m "spark and not slow"

test-faults: install ## Killed nights, and every service of the containers from nothing (5 minutes)
	$(PYTEST) -m "faults and not slow"

test-slow: install ## The long tests (an hour)
	$(PYTEST) -m "slow and not spark"

pictures: install ## The pictures of page and dashboards in docs/screenshots/, taken anew
	SCREENSHOTS=1 $(BIN)/python -m pytest -q tests/serving/page/test_pictures.py tests/flows/test_dashboards.py

coverage: install ## `make test`, and the share of lines and branches that it runs
	$(PYTEST) --cov --cov-report=term:skip-covered --cov-report=html:.nightschool/coverage

rehearsal: install ## Two dozen nights through a real worker: late and damaged files, kills, a full disk
	$(BIN)/python -m pytest -m rehearsal -s

check: install ## Format, lint, types, import contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: install ## The documentation, in build/site/
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet

serve: install ## The page and API over the home of `make nightly`, until Ctrl-C
	$(BIN)/nightschool --home $(HOME_DIR) serve

up: install ## Prefect server, MLflow server and a worker, until Ctrl-C
	$(BIN)/nightschool --home $(HOME_DIR) up

LOCK := pip compile --universal --python-version 3.11 --generate-hashes --no-annotate --no-header --quiet

lock: ## Renew requirements.lock, and of it what the images of nights and of serving install, from pyproject.toml
	$(BIN)/uv $(LOCK) pyproject.toml --extra neural --group dev --output-file requirements.lock
	$(BIN)/uv $(LOCK) pyproject.toml --extra neural --constraint requirements.lock --output-file requirements-run.lock
	$(BIN)/uv $(LOCK) pyproject.toml --constraint requirements.lock --output-file requirements-serving.lock
	$(BIN)/uv $(LOCK) pyproject.toml --extra neural --extra spark --constraint requirements.lock --output-file requirements-spark.lock

clean: ## Remove what tools left; the environment and homes stay
	rm -rf .coverage .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache build dist *.egg-info
	find . -name __pycache__ -not -path "./.venv/*" -prune -exec rm -rf {} +
