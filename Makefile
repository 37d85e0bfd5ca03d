PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

# What a Python says of itself: "usable", its version if that is too old, nothing if it does not run.
judged = $(shell $(1) -c 'import sys; v = sys.version; print("usable" if sys.version_info >= (3, 11) else "Python " + v.split()[0])' 2>/dev/null)
ENVIRONMENT := $(if $(wildcard $(BIN)/pip),$(call judged,$(BIN)/python))

# A worker of pytest grows to 2 GB with TensorFlow.
WORKERS := --numprocesses logical --maxprocesses 4

.PHONY: help serve test ray coverage check format docs requirements audit fuzz image clean

help:  ## list these targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

serve: $(VENV)/serve.stamp  ## install what serving needs and start convlens on http://127.0.0.1:8000
	$(BIN)/convlens serve

test: $(VENV)/dev.stamp  ## install what the tests need and run them
	$(BIN)/pytest $(WORKERS) -m "not ray"

ray: $(VENV)/dev.stamp  ## run the tests of the service on a Ray cluster
	$(BIN)/pytest -m ray tests/convlens/test_ray.py

coverage: $(VENV)/dev.stamp  ## run the tests and fail if they cover less than before
	$(BIN)/pytest $(WORKERS) -m "not ray" --cov --cov-report=term:skip-covered

check: $(VENV)/dev.stamp  ## format, lint, types, tests and their coverage: what CI runs
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(MAKE) --no-print-directory coverage

format: $(VENV)/dev.stamp  ## format the code and mend what the linter can
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: $(VENV)/docs.stamp  ## build the documentation as a site in build/site; a broken link fails
	$(BIN)/sphinx-build -q -E -W --keep-going -c docs . build/site

requirements: $(VENV)/dev.stamp  ## compile the pinned requirements from pyproject.toml
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --no-emit-index-url --no-annotate --no-header pyproject.toml -o requirements.txt
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --no-emit-index-url --no-annotate --no-header --extra dev -c requirements.txt pyproject.toml -o requirements-dev.txt
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --no-emit-index-url --no-annotate --no-header --extra docs -c requirements-dev.txt pyproject.toml -o requirements-docs.txt

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

$(VENV)/docs.stamp: requirements-docs.txt $(VENV)/serve.stamp
	$(BIN)/pip install --quiet --requirement requirements-docs.txt
	touch $@
