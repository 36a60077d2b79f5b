# Everything from a fresh checkout: needs make and Python 3.11 or newer with venv, and nothing else.
#
# .boot/ gets uv by pip; .venv/ gets the rest by uv. What is installed is pinned in constraints.txt, hashes and all.
# Variables:
#   PYTHON=python3.12    the Python that .venv is made with (default: the newest that works; after make clean)
#   ARGS="-k names"      more arguments for pytest
#   HOURS=2              how long "make soak" goes on
#   SECONDS=60           how long "make fuzz" goes on with each parser
#   UPGRADE=1            let "make constraints" take newer versions

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory
SHELL := /bin/sh

PYTHON ?=
ARGS ?=
HOURS ?= 2
SECONDS ?= 60
UV := .boot/bin/uv
RUN := .venv/bin/python -m
INSTALL := $(UV) pip install --quiet --python .venv/bin/python
PINNED := $(INSTALL) --require-hashes --constraints constraints.txt --requirements pyproject.toml
EDITABLE := $(INSTALL) --no-deps --build-constraints constraints.txt --editable .

# --- what to ask for -----------------------------------------------------------------------------------------------

.PHONY: help
help:  ## print this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' Makefile

.PHONY: mirror
mirror: .venv/.runtime  ## make a small mirror of PyPI in ./mirror, to have a look
	.venv/bin/bandersnatch mirror --directory ./mirror six idna iniconfig packaging certifi

.PHONY: test
test: lint types layers unit  ## everything that has to pass before a change goes in

.PHONY: lint
lint: .venv/.dev  ## style: ruff
	$(RUN) ruff format --check --quiet
	$(RUN) ruff check --quiet

.PHONY: types
types: .venv/.dev  ## types: mypy, strict
	$(RUN) mypy

.PHONY: layers
layers: .venv/.dev  ## who may import whom: import-linter
	@.venv/bin/lint-imports --no-cache >.venv/layers.log 2>&1 || { cat .venv/layers.log; exit 1; }
	@tail -n 1 .venv/layers.log

.PHONY: unit
unit: .venv/.dev  ## the tests that need nothing but this machine, the documentation's among them
	$(RUN) pytest -q -n auto $(ARGS)

.PHONY: coverage
coverage: .venv/.dev  ## the same, and what they do not reach
	$(RUN) pytest -q -n auto --cov --cov-report=term $(ARGS)

.PHONY: peers
peers: .venv/.dev  ## tests with real programs: nginx, pip, uv
	$(RUN) pytest -q -m peers -n auto $(ARGS)

.PHONY: tried-with
tried-with: .venv/.dev  ## every index server and client that we know of; writes docs/reference/tried-with.md
	@mkdir -p .tried && rm -f .tried/report.jsonl
	TRIED_REPORT="$(CURDIR)/.tried/report.jsonl" $(RUN) pytest -q -m peers -n auto tests/peers -k "test_index or test_install" $(ARGS)
	.venv/bin/python tools/tried_with.py .tried/report.jsonl

.PHONY: real
real: .venv/.dev  ## tests with the real PyPI: one after the other, a few requests
	$(RUN) pytest -q -m real -p no:randomly $(ARGS)

.PHONY: test-faults
test-faults: .venv/.dev  ## everything that can go wrong, once: up to 45 minutes; writes docs/explanation/proof.md
	$(PINNED) --extra dev --extra fuzz
	@mkdir -p .faults && rm -f .faults/report.jsonl
	FAULTS_REPORT="$(CURDIR)/.faults/report.jsonl" $(RUN) pytest -q -m faults -n auto --dist worksteal $(ARGS); \
		status=$$?; .venv/bin/python tools/faults_report.py .faults/report.jsonl && exit $$status

.PHONY: soak
soak: .venv/.dev  ## run a mirror of a small upstream for HOURS (2), with a fault every ten seconds
	$(RUN) tests.faults.soak --hours $(HOURS)

.PHONY: bench
bench: .venv/.dev  ## measure beside the peers, the short form: up to ten minutes; then python -m bench report
	$(RUN) bench $(ARGS)

.PHONY: fuzz
fuzz: .venv/.dev  ## fuzz the parsers with atheris: SECONDS=60 for each
	$(PINNED) --extra dev --extra fuzz
	$(RUN) tests.fuzz $(SECONDS)

.PHONY: mutants
mutants: .venv/.dev  ## break the guards on purpose, and see whether the tests notice: about half an hour
	$(RUN) tests.mutants broken made report $(ARGS)

.PHONY: pythons
pythons: .venv/.dev  ## the tests on every supported Python that is installed: nox
	$(RUN) nox

.PHONY: format
format: .venv/.dev  ## put the style right, as far as a program can
	$(RUN) ruff check --quiet --fix-only
	$(RUN) ruff format --quiet

.PHONY: docs
docs: .venv/.dev  ## write the pages anew that are made from the code
	$(RUN) bandersnatch.config >.venv/page.md
	@mkdir -p docs/reference
	mv .venv/page.md docs/reference/configuration.md
	.venv/bin/python tools/reference.py command-line >.venv/page.md
	mv .venv/page.md docs/reference/command-line.md
	.venv/bin/python tools/reference.py json-events >.venv/page.md
	mv .venv/page.md docs/reference/json-events.md
	.venv/bin/python tools/manual.py docs/man

.PHONY: constraints
constraints: $(UV)  ## pin every dependency anew: constraints.txt
	$(UV) pip compile --quiet --universal --python-version 3.11 --extra dev --extra fuzz --generate-hashes --no-annotate \
		--no-emit-index-url --custom-compile-command 'make constraints' $(if $(UPGRADE),--upgrade) \
		--output-file constraints.txt pyproject.toml

.PHONY: build
build: $(UV)  ## the sdist and the wheel, in dist/
	SOURCE_DATE_EPOCH="$${SOURCE_DATE_EPOCH:-$$(git log -1 --format=%ct 2>/dev/null || echo 1767225600)}" \
		$(UV) build --quiet --python "$$(tools/find-python '$(PYTHON)')" \
		--build-constraints constraints.txt --require-hashes --out-dir dist

.PHONY: clean
clean:  ## remove what was installed and cached; ./mirror stays
	rm -rf .boot .venv .nox dist .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis .coverage*

# --- how it gets there ---------------------------------------------------------------------------------------------

$(UV):
	@python="$$(tools/find-python '$(PYTHON)')" && "$$python" -m venv --clear .boot
	@sed -n '/^uv==/,/[^\\]$$/p' constraints.txt >.boot/uv.txt
	@.boot/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r .boot/uv.txt
	@touch $@

# An environment that works is kept, whoever made it.
.venv/.made: | $(UV)
	@.venv/bin/python -c '' 2>/dev/null || { python="$$(tools/find-python '$(PYTHON)')" && \
		UV_PYTHON_DOWNLOADS=never $(UV) venv --quiet --clear --python "$$python" .venv; }
	@touch $@

.venv/.runtime: .venv/.made pyproject.toml constraints.txt
	@$(PINNED) --extra closure --extra zstd
	@$(EDITABLE)
	@touch $@

.venv/.dev: .venv/.made pyproject.toml constraints.txt
	@$(PINNED) --extra dev
	@$(EDITABLE)
	@touch $@ .venv/.runtime
