# The commands for people and workflows. `make help` lists them.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
MAKEFLAGS += --no-print-directory

# By default uv trusts only its own certificates, which fails behind a company proxy.
export UV_SYSTEM_CERTS := 1
export HOME ?= $(CURDIR)/.cache/home
# Most commands start many Pythons: what one has compiled, the next one need not compile again.
unexport PYTHONDONTWRITEBYTECODE
# In an empty environment bash uses a default PATH, but does not export it to the programs it starts.
export PATH ?= /usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

PYTHON ?= python3
UV := .venv/bin/uv
PY := .venv/bin/python
ARGS ?=

.PHONY: help
help: ## List the commands.
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

# One environment for all commands. It is synchronised again when a lock file changes.
.venv/ready: requirements/bootstrap.txt requirements/dev.txt
	@echo "setup: .venv from requirements/dev.txt"
	@$(PYTHON) -m venv .venv || { echo "setup: this Python cannot make environments: apt-get install python3-venv" >&2; exit 2; }
	@.venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/bootstrap.txt
	@$(UV) pip sync --quiet --python .venv requirements/bootstrap.txt requirements/dev.txt
	@touch $@

# A release needs only a third of these packages: those for the verbs of `scripts`. If the whole
# environment exists already, this target uses it.
.venv/tools: requirements/bootstrap.txt requirements/release.txt
	@if [[ -e .venv/ready ]]; then $(MAKE) .venv/ready; else \
	  echo "setup: .venv from requirements/release.txt"; \
	  $(PYTHON) -m venv .venv && \
	  .venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/bootstrap.txt && \
	  $(UV) pip sync --quiet --python .venv requirements/release.txt; fi
	@touch $@

.PHONY: setup
setup: .venv/ready ## Make .venv with all packages that requirements/ pins.

.PHONY: lock
lock: ## Compile requirements/*.in into hash-pinned requirements/*.txt (ARGS="--upgrade-package=NAME").
	@for file in requirements/*.in; do \
	  echo "lock: $$file"; \
	  $${UV:-$(UV)} pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header --no-emit-index-url $(ARGS) \
	    --output-file "$${file%.in}.txt" "$$file"; done

# Tests that share a service run in one process, and the longest begin first: tests/conftest.py.
GROUPS_OF_TESTS := --dist loadscope --no-loadscope-reorder

.PHONY: test
test: .venv/ready ## Run all tests: the fast ones, then those that start services, worlds and whole releases.
	@$(PY) -m pytest -q --numprocesses auto --dist worksteal -m "not world and not rehearsal and not service"
	@$(PY) -m pytest -q --numprocesses 3 $(GROUPS_OF_TESTS) -m "(world or rehearsal or service) and not long"

.PHONY: test-releases
test-releases: .venv/ready ## Rehearse whole releases, rollbacks, audits and changelog drafts (half an hour).
	@$(PY) -m pytest -q -m rehearsal tests/rehearsal/test_release.py tests/rehearsal/test_kept.py

.PHONY: lint
lint: .venv/ready ## Run all linters in parallel: Python, types, workflows, Dockerfiles, shell, language.
	@$(MAKE) --jobs=4 --keep-going --output-sync=target lint-python lint-types lint-workflows lint-dockerfiles lint-shell lint-language

.PHONY: lint-python lint-types lint-workflows lint-dockerfiles lint-shell lint-language
lint-python: .venv/ready ## Run ruff: rules and layout.
	@.venv/bin/ruff check --quiet .
	@.venv/bin/ruff format --quiet --check . || { .venv/bin/ruff format --check . >&2; exit 1; }

lint-types: .venv/ready ## Run mypy.
	@.venv/bin/mypy --no-error-summary

# rehearsal/tools/actionlint pins the version of actionlint. It comes from PATH, or is built once for
# all checkouts.
ACTIONLINT = $(shell sed -n 's|.*github.com/rhysd/actionlint \(v[0-9.]*\).*|\1|p' rehearsal/tools/actionlint/go.mod)

lint-workflows: .venv/ready ## Run actionlint, zizmor and our own rules of the workflows.
	@program=$$(command -v actionlint || true); \
	  [[ -n $$program && $$("$$program" -version) == "$(ACTIONLINT)"* ]] || program=$$($(PY) -c 'import sys; \
	  from rehearsal.world.provision import ensure; \
	  print(ensure(["actionlint"], lambda line: print(line, file=sys.stderr)).path("actionlint"))'); \
	  "$$program" -shellcheck .venv/bin/shellcheck -pyflakes= .github/workflows/*.yml
	@.venv/bin/zizmor --quiet --no-progress --offline --persona pedantic --collect=all --strict-collection .github
	@$(PY) -m tests.workflows.rules

lint-dockerfiles: .venv/ready ## Run hadolint.
	@.venv/bin/hadolint Dockerfile.*

lint-shell: .venv/ready ## Run shellcheck on every file with a shell's first line.
	@git grep -lzE '^#! ?/(usr/)?bin/(env )?(ba|da)?sh' -- ':!*.py' ':!*.md' | xargs -0 .venv/bin/shellcheck

lint-language: .venv/ready ## Check spelling (codespell) and this project's banned phrases.
	@git ls-files -z -- '*.md' '*.py' '*.yml' '*.toml' Makefile bin | xargs -0 .venv/bin/codespell
	@$(PY) -m tests.docs.language

.PHONY: check
check: lint ## Run everything that needs no engine and no service: linters, types, the fast tests.
	@$(PY) -m pytest -q --numprocesses auto --dist worksteal -m "not world and not rehearsal and not service" $(ARGS)

.PHONY: check-services
check-services: .venv/ready ## Run the tests that start services: the API, MLflow, nginx, a browser, small releases.
	@$(PY) -m pytest -q --numprocesses auto $(GROUPS_OF_TESTS) -m service $(ARGS)

.PHONY: fuzz
fuzz: .venv/ready ## Run every verb in thousands of odd environments: no traceback, no secret shown (five minutes; ARGS="--hypothesis-seed 1").
	@$(PY) -m pytest -q --hypothesis-profile fuzz tests/test_fuzz.py tests/tools/test_redaction.py $(ARGS)

.PHONY: mutants
mutants: .venv/ready ## Plant faults in copies of the code, and see how many the fast tests notice (ARGS="--sample 200 --seed 7").
	@$(PY) -m tests.mutation $(ARGS)

.PHONY: mutate-workflows
mutate-workflows: .venv/ready ## Plant each small fault into the workflows, and see that a rule refuses it (ARGS="--quick", "--only if").
	@$(PY) -m tests.workflows $(ARGS)

.PHONY: changelog-check
changelog-check: .venv/tools ## Check the changelog for a release (ARGS="--base origin/main": require an entry for the change).
	@$(PY) -m scripts changelog check $(ARGS)

.PHONY: dists
dists: .venv/tools ## Build the wheel and the sdist of HEAD, and check them as a release does.
	@$(PY) -m scripts ci-dists

.PHONY: images
images: ## Build every image for both platforms, and discard them (ARGS="api" for one).
	@docker buildx bake --set '*.output=type=cacheonly' $(ARGS)

.PHONY: reference
reference: .venv/ready ## Write docs/reference.md and the lists of jobs in other documents from the code.
	@$(PY) -m scripts.cli.reference

.PHONY: screenshots
screenshots: .venv/ready ## Write the pictures of the documents, docs/images, with this machine's Chromium.
	@$(PY) -m tests.screenshots

.PHONY: rehearse
rehearse: .venv/ready ## Perform a whole release on this machine (ARGS="--keep", "--dry-run", "--version 0.3.0rc1").
	@$(PY) -m rehearsal run $(ARGS)

# The benchmarks compare with these programs. A release does not need them.
.venv-bench/ready: .venv/ready requirements/bench.txt
	@$(UV) venv --quiet --clear --python $(PY) .venv-bench
	@$(UV) pip sync --quiet --python .venv-bench requirements/bench.txt
	@touch $@

.PHONY: bench
bench: .venv-bench/ready ## Measure against other tools, side by side (ARGS="startup changelog local_release").
	@$(PY) -m benchmarks $(ARGS)

.PHONY: bench-emulation
bench-emulation: .venv/ready ## Compare the build of the images with an install under emulation (root; ten minutes; ARGS="--sample": without a verdict).
	@$(PY) -m benchmarks.emulation $(ARGS)

.PHONY: faults
faults: .venv/ready ## Interrupt every write of a release and run it again: the end state must be the same (an hour; ARGS="--quick", "--only TEXT", "--act 12").
	@$(PY) -m rehearsal faults $(ARGS)
