PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: help serve test check format docs requirements audit fuzz image clean

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

$(VENV)/serve.stamp: requirements.txt pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --requirement requirements.txt
	$(BIN)/pip install --quiet --no-deps --editable .
	touch $@

$(VENV)/dev.stamp: requirements-dev.txt $(VENV)/serve.stamp
	$(BIN)/pip install --quiet --requirement requirements-dev.txt
	touch $@

$(VENV)/docs.stamp: requirements-docs.txt $(VENV)/serve.stamp
	$(BIN)/pip install --quiet --requirement requirements-docs.txt
	touch $@
