# make serve   the web page and the API with a real model, on this machine only (MODEL=minilm: vectors)
# make test    every fast test, by WORKERS=2 processes        make slow   the long ones
# make fuzz    100,000 damaged files for each parser (hours; CASES=1000 is soon done)
# make check   format, lint, types, layers, budgets, unit tests
# make clean   remove what the others made here (pulled models stay in $UNMASK_HOME)

PYTHON ?= python3
PORT ?= 8000
MODEL ?= smollm2:135m
CASES ?= 100000
# Processes that share the tests, a file at a time.
WORKERS ?= 2

VENV := .venv
BIN := $(VENV)/bin
# Other people's clients, some of which want an older openai than our own tests.
CLIENTS := $(VENV)/clients
TEST_MODELS := smollm2:135m minilm
# Twice quiet: errors show, the warnings of a machine's own pip settings do not.
INSTALL := $(BIN)/python -m pip install -qq --disable-pip-version-check --constraint constraints.txt

# What an installation is made of: when one of these changes, it is made anew.
SOURCES := pyproject.toml constraints.txt $(wildcard unmask/native/*.[ch])

.PHONY: serve test slow fuzz check setup clean

serve: $(VENV)/serve.stamp
	@$(BIN)/unmask pull $(MODEL)
	@$(BIN)/unmask serve $(MODEL) --port $(PORT)

test: setup
	@$(BIN)/python -m pytest -p tools.shared -m "not slow" -n $(WORKERS) --dist loadfile --durations=10

slow: setup $(CLIENTS)/ready.stamp
	@UNMASK_CLIENTS=$(CLIENTS)/bin/python $(BIN)/python -m pytest -m slow --timeout 0

fuzz: setup
	@$(BIN)/python tools/fuzz.py --cases $(CASES) --jobs 2

check: setup
	@$(BIN)/python tools/check.py

setup: $(VENV)/dev.stamp

$(VENV)/serve.stamp: $(SOURCES) | $(BIN)/python
	@echo "Installing unmask and PyTorch into $(VENV): 1 to 4 minutes, once."
	@$(INSTALL) --editable '.[serve]'
	@touch $@

# The tests need all that serving needs, so this set-up is also that one.
$(VENV)/dev.stamp: $(SOURCES) | $(BIN)/python
	@echo "Installing unmask, PyTorch and the test tools into $(VENV): 1 to 4 minutes, once."
	@$(INSTALL) --editable '.[serve,dev]'
	@for model in $(TEST_MODELS); do $(BIN)/unmask pull $$model || exit 1; done
	@touch $(VENV)/serve.stamp $@

$(CLIENTS)/ready.stamp: tests/clients/requirements.txt | $(BIN)/python
	@echo "Installing other people's clients into $(CLIENTS): 1 to 4 minutes, 1.1 GB, once."
	@$(BIN)/python -m venv $(CLIENTS)
	@$(CLIENTS)/bin/python -m pip install -qq --disable-pip-version-check --requirement $<
	@touch $@

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "unmask needs Python 3.11 or newer, but '$(PYTHON)' is: $$($(PYTHON) --version 2>&1)." \
		     "Name another, such as: make $(MAKECMDGOALS) PYTHON=python3.12" >&2; exit 1; }
	@echo "Making $(VENV) with $$($(PYTHON) --version)."
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
		echo "'$(PYTHON) -m venv' failed; on Debian and Ubuntu install the package python3-venv." >&2; exit 1; }

clean:
	rm -rf $(VENV) build dist *.egg-info unmask/native/compiled.* .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
