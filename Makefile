# `make` alone lists the targets. Everything runs from a virtual environment that is made on demand from .lock/dev.txt.

PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || command -v python3)
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
READY := $(VENV)/.ready
PROTOS := $(wildcard proto/answerby/v1/*.proto)
API := service/answerby/api/v1/resources_pb2.py
NATIVE := service/answerby/_native/manifest.json
DECIDES := $(shell cd service/answerby && find domain rules sla engine workbench/backtest -name '*.py' | sed 's,^,service/answerby/,') service/answerby/native.py
PYTEST := $(BIN)/python -m pytest -q
# Tests run in so many processes, a file, or a class of it, in one of them: three, since they wait as much as they compute. JOBS=0: in one.
JOBS ?= 3
PARALLEL := -n $(JOBS) --dist loadscope

.DEFAULT_GOAL := help
.PHONY: help setup gen native lint format type test test-fast test-interpreted coverage test-deep test-platforms bench run demo check lock clean

help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  %-17s %s\n", $$1, $$2}'

setup: $(API) $(NATIVE) ## Create the virtual environment, generate the API, compile what decides

gen: $(READY) ## Generate answerby.api from proto/ again
	$(BIN)/python service/build_api.py

native: $(NATIVE) ## Compile what every decision runs through; without it all runs, at a little over half the speed

lint: $(API) ## buf on the protocol, ruff on the code, import-linter on how the rooms import
	cd proto && ../$(BIN)/buf lint
	BUF=$(BIN)/buf .ci/breaking
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-logo

format: $(READY) ## Format the code
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .

type: $(API) ## mypy, strict
	$(BIN)/mypy

test: $(API) ## All tests but the long ones and those that need a ticket platform; with ANSWERBY_TEST_EXAMPLES=ci ten times the examples, and redis-server beside Valkey
	ANSWERBY_TEST_EXAMPLES=$${ANSWERBY_TEST_EXAMPLES:-fast} $(PYTEST) $(PARALLEL) -m "not deep and not platform"

test-fast: $(API) ## The unit and golden tests that start no process, with fewer generated examples
	ANSWERBY_TEST_EXAMPLES=fast $(PYTEST) $(PARALLEL) -m "not deep and not platform and not process" tests/unit tests/golden

test-interpreted: $(API) ## The unit and golden tests without compiled code
	ANSWERBY_NATIVE=off $(PYTEST) $(PARALLEL) -m "not deep and not platform" tests/unit tests/golden

coverage: $(API) ## The tests without compiled code, measured: which lines and branches run. Fails below the gate
	rm -f .coverage .coverage.*
	ANSWERBY_NATIVE=off ANSWERBY_TEST_EXAMPLES=fast ANSWERBY_TEST_PATIENCE=3 $(BIN)/coverage run -m pytest -q $(PARALLEL) \
	  -m "not deep and not platform" -k "not (keeps_memory_flat or complete_match_sets)" --ignore tests/integration/packaging
	$(BIN)/coverage combine -q
	$(BIN)/coverage report

test-deep: $(API) ## The long runs and kill cycles, and many more generated examples, new ones each time
	ANSWERBY_TEST_EXAMPLES=deep $(PYTEST) -m "deep or generated"

test-platforms: $(API) ## The tests against real ticket platforms; one that does not run is skipped and named. See contributing.md
	ANSWERBY_TEST_PATIENCE=$${ANSWERBY_TEST_PATIENCE:-4} $(PYTEST) -n 0 -rs -m platform tests/integration/connectors

bench: $(API) $(NATIVE) ## Measure; prints ratios within one run
	$(BIN)/python -m tests.bench

run: $(API) $(NATIVE) ## Serve on 127.0.0.1:50051 and decide the sample requests; ONCE=1 ends after the table
	$(BIN)/answerby run $(if $(ONCE),--once)

demo: $(API) $(NATIVE) ## Check the rules, decide the samples once, say why the first was decided so
	$(BIN)/answerby check rules
	$(BIN)/answerby run --once --explain

check: lint type test ## What has to pass before a commit

lock: $(READY) ## Resolve the dependencies again and write .lock/
	$(PIP) install --quiet uv
	$(BIN)/uv pip compile pyproject.toml --universal --python-version 3.11 --no-emit-index-url --generate-hashes --quiet -o .lock/run.txt
	$(BIN)/uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --no-emit-index-url --generate-hashes --quiet -o .lock/dev.txt

clean: ## Remove everything that is made: environment, generated code, caches. Keeps the data folder .answerby
	rm -rf $(VENV) service/answerby/api service/answerby/api.new service/answerby/_native build dist
	rm -rf .coverage .coverage.* .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .grimp_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(READY): .lock/dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "answerby needs Python 3.11 or later; say make PYTHON=/path/to/python3.11" >&2; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) install --quiet --require-hashes -r .lock/dev.txt
	$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

# The editable install generates the API too; this is for a proto file that changed since.
$(API): $(PROTOS) service/build_api.py | $(READY)
	$(BIN)/python service/build_api.py

# Only what was compiled from the sources as they are is used, so a failure here costs speed and nothing else.
$(NATIVE): $(DECIDES) service/answerby/build_native.py | $(READY)
	@echo "compiling what decides: about 40 s, once"
	@$(BIN)/python -m answerby.build_native > $(VENV)/native.log 2>&1 || \
	  echo "answerby: not compiled, see $(VENV)/native.log; everything runs all the same, more slowly" >&2
