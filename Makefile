# `make demo` shows the product at work, `make test` proves it. Everything else is for those who change it.
SHELL := /bin/sh
VENV ?= .venv
PYTHON := $(VENV)/bin/python
REGION ?=
ARGS ?=
LOCK := requirements/dev.txt
LOCKED := --universal --python-version 3.11 --generate-hashes --custom-compile-command "make lock"
STAMP := $(VENV)/.installed

.PHONY: demo check test test-slow test-soak test-all test-newest test-package package lint audit lock format bench docs clean

demo: $(STAMP) ## a healthy and a faulty region judged by the unmodified command (REGION=us-east-1: this host, for real)
	@PYTHON=$(PYTHON) REGION="$(REGION)" sh tests/demo.sh $(ARGS)

check: $(STAMP) ## judge this host in the embedded region (REGION=us-east-1: against AWS)
	@if [ -n "$(REGION)" ]; then $(PYTHON) -m anywhere check --region "$(REGION)" $(ARGS); \
	else $(PYTHON) -m tests.region -- $(PYTHON) -m anywhere check --region us-east-1 $(ARGS); fi

PYTEST := $(PYTHON) -m pytest -n 4
FAST := not broad and not slow and not soak and not docker and not booted

test: $(STAMP) ## fast tier: under ten minutes
	sh tests/packages.sh test
	$(PYTEST) -m "$(FAST)" $(ARGS)

BROAD := broad and not slow and not soak and not docker and not booted
SLOW := (slow or docker or booted) and not soak
test-slow: $(STAMP) ## what `make test` leaves out
	sh tests/packages.sh slow
	@failed=0; \
	$(PYTEST) -m "$(BROAD)" $(ARGS) || failed=1; \
	$(PYTEST) -n 2 --dist loadfile -m "$(SLOW)" --durations=20 $(ARGS) || failed=1; \
	exit $$failed

test-soak: $(STAMP) ## every setback of a registration, hundreds of kills: hours, for a release
	sh tests/packages.sh slow
	$(PYTEST) -n 0 -m soak $(ARGS)

test-all: test test-slow ## everything: root, namespaces, booted hosts, docker

test-newest: ## the fast tier with the newest dependencies that pyproject.toml allows
	rm -f .venv-newest/.installed
	$(MAKE) test VENV=.venv-newest LOCK=

ARCHES := x86_64 aarch64
package: ## deb, rpm, wheel, sdist and the wheels for Windows in dist/ (CACHED_ONLY=1: compile nothing)
	sh tests/packages.sh package
	rm -rf dist
	set -e; for arch in $(ARCHES); do packaging/build.sh $$arch; done

test-package: $(STAMP) ## what `make package` made: booted hosts, rpm, the other architecture, repositories
	sh tests/packages.sh test-package
	ANYWHERE_PACKAGES=required $(PYTHON) -m pytest -n 0 tests/packaging/built $(ARGS)

lint: $(STAMP)
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(PYTHON) -m tests.tools.lock
	$(PYTHON) -m tests.tools.words
	git ls-files '*.sh' .ci/run | xargs shellcheck

audit: $(STAMP) ## known vulnerabilities of the locked packages, from PyPI's advisories
	python3 -m venv .venv-tools
	.venv-tools/bin/pip install -q pip-audit
	.venv-tools/bin/pip-audit --strict --disable-pip --require-hashes -r $(LOCK)

lock: ## write the lock files for the dependencies in pyproject.toml (ARGS=--upgrade: with the newest versions)
	python3 -m venv .venv-tools
	.venv-tools/bin/pip install -q uv
	.venv-tools/bin/uv pip compile -q $(LOCKED) --extra ssh --extra aws $(ARGS) pyproject.toml -o requirements/release.txt
	.venv-tools/bin/uv pip compile -q $(LOCKED) --all-extras -c requirements/release.txt $(ARGS) pyproject.toml -o $(LOCK)

format: $(STAMP)
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/ruff format .

bench: $(STAMP) ## ratios against named peers, in one run
	$(PYTHON) -m tests.bench $(ARGS)

docs: $(STAMP) ## write the generated pages anew
	$(PYTHON) -m tests.tools.pages

$(STAMP): pyproject.toml $(LOCK) tests/packages.sh
	sh tests/packages.sh demo
	python3 -m venv $(VENV)
	$(PYTHON) -m pip install -q $(if $(LOCK),--require-hashes -r $(LOCK),--upgrade -e '.[dev,ssh,aws]')
	$(if $(LOCK),$(PYTHON) -m pip install -q --no-deps --no-build-isolation -e .)
	touch $(STAMP)

clean:
	rm -rf .venv .venv-newest .venv-tools .pytest_cache .mypy_cache .ruff_cache build dist
