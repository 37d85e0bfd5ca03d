PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

# What a Python says of itself: "usable", its version if that is too old, nothing if it does not run.
judged = $(shell $(1) -c 'import sys; v = sys.version; print("usable" if sys.version_info >= (3, 11) else "Python " + v.split()[0])' 2>/dev/null)
ENVIRONMENT := $(if $(wildcard $(BIN)/pip),$(call judged,$(BIN)/python))

.PHONY: help serve test check format requirements audit fuzz image clean

help:  ## list these targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

serve: $(VENV)/serve.stamp  ## install what serving needs and start convlens on http://127.0.0.1:8000
	$(BIN)/convlens serve

test: $(VENV)/dev.stamp  ## install what the tests need and run them
	$(BIN)/pytest

check: $(VENV)/dev.stamp  ## format, lint, types and tests: what CI runs
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(MAKE) --no-print-directory test

format: $(VENV)/dev.stamp  ## format the code and mend what the linter can
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

requirements: $(VENV)/dev.stamp  ## compile the pinned requirements from pyproject.toml
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --no-emit-index-url --no-annotate --no-header pyproject.toml -o requirements.txt
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --no-emit-index-url --no-annotate --no-header --extra dev -c requirements.txt pyproject.toml -o requirements-dev.txt

audit: $(VENV)/dev.stamp  ## ask the public advisories about every pinned requirement
	$(BIN)/pip-audit --progress-spinner off --no-deps --disable-pip --requirement requirements.txt

fuzz: $(VENV)/dev.stamp  ## look for bytes that a reader of uploads does not refuse, for minutes
	$(BIN)/pip install --quiet --editable ".[fuzz]"
	$(BIN)/python -m tests.fuzz

image:  ## build the container image
	docker build -t convlens .

clean:  ## remove the environment
	rm -rf $(VENV)

# An environment without pip, or whose Python is too old or gone, is made anew whatever its stamps say.
ifneq ($(ENVIRONMENT),usable)
.PHONY: $(VENV)/serve.stamp
endif

$(VENV)/serve.stamp: requirements.txt pyproject.toml
ifneq ($(ENVIRONMENT),usable)
	$(if $(filter usable,$(call judged,$(PYTHON))),,$(error convlens needs Python 3.11 or newer, but $(PYTHON) is $(or $(call judged,$(PYTHON)),not installed): name a newer one, such as make $(or $(firstword $(MAKECMDGOALS)),help) PYTHON=python3.12))
	rm -rf $(VENV)
	$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }
endif
	$(BIN)/pip install --quiet --requirement requirements.txt
	$(BIN)/pip install --quiet --no-deps --editable .
	touch $@

$(VENV)/dev.stamp: requirements-dev.txt $(VENV)/serve.stamp
	$(BIN)/pip install --quiet --requirement requirements-dev.txt
	touch $@
