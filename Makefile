# `make demo` shows the product at work, `make test` proves it. Everything else is for those who change it.
SHELL := /bin/sh
VENV ?= .venv
PYTHON := $(VENV)/bin/python
REGION ?=
ARGS ?=
STAMP := $(VENV)/.installed

.PHONY: demo check test test-slow test-all lint format bench docs clean

demo: $(STAMP) ## a healthy and a faulty region judged by the unmodified command (REGION=us-east-1: this host, for real)
	@PYTHON=$(PYTHON) REGION="$(REGION)" sh tests/demo.sh $(ARGS)

check: $(STAMP) ## judge this host in the embedded region (REGION=us-east-1: against AWS)
	@if [ -n "$(REGION)" ]; then $(PYTHON) -m anywhere check --region "$(REGION)" $(ARGS); \
	else $(PYTHON) -m tests.region -- $(PYTHON) -m anywhere check --region us-east-1 $(ARGS); fi

# A test that waits for the kernel or a daemon gets a second try on a busy machine; both tries are shown.
PYTEST := $(PYTHON) -m pytest --reruns 1
FAST := not slow and not docker and not booted

test: $(STAMP) ## fast tier: under ten minutes
	$(PYTEST) -n 4 -m "$(FAST)" --ignore tests/test_faults.py $(ARGS)
	$(PYTEST) -n 4 -m "$(FAST)" tests/test_faults.py $(ARGS)

test-slow: $(STAMP) ## what `make test` leaves out
	sh tests/packages.sh all
	$(PYTEST) -n 4 -m slow tests/test_faults.py tests/test_ssh_faults.py $(ARGS)
	$(PYTEST) -m "slow or docker or booted" --ignore tests/test_faults.py --ignore tests/test_ssh_faults.py $(ARGS)

test-all: test test-slow ## everything: root, namespaces, booted hosts, docker

lint: $(STAMP)
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	git ls-files '*.sh' .ci/run | xargs shellcheck

format: $(STAMP)
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/ruff format .

bench: $(STAMP) ## ratios against named peers, in one run
	$(PYTHON) -m tests.bench $(ARGS)

docs: $(STAMP) ## write the generated pages anew
	$(PYTHON) -m tests.tools.pages

$(STAMP): pyproject.toml tests/packages.sh
	sh tests/packages.sh
	python3 -m venv $(VENV)
	$(PYTHON) -m pip install -q -e '.[dev]'
	touch $(STAMP)

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache build dist
