# Everything a person types. `make run` needs Python 3.11 or newer, git and make; nothing else.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Most tests wait for processes; more of them than cores keep the cores busy.
PARALLEL := -n 5 --dist worksteal --durations 30 --durations-min 1
# Hundreds of processes that tests start would each compile anew all that they import.
PYTEST := env -u PYTHONDONTWRITEBYTECODE $(BIN)/python -m pytest
# What the embedded default answers for: its database under syncs and edits. Its processes are
# looked at with all else.
SMOKE := $(addprefix tests/acceptance/test_,contract.py polling.py) tests/configurations tests/gateways \
	$(addprefix tests/gitrepos/,api/test_git_credentials.py links/test_rotation.py snapshot/test_layouts.py \
	snapshot/test_signatures.py sync/test_fence.py sync/test_main_path.py sync/test_outcomes.py)

# What a virtual environment is made of; Debian and Ubuntu have it in a package of its own.
NEEDS := import ensurepip, sys; sys.exit(sys.version_info < (3, 11))

.PHONY: run install test test-browser check soak screenshots lock sbom bundle advisories clean venv

run: $(VENV)/run
	@exec $(BIN)/python manage.py up

# What `run` installs, and no more.
install: $(VENV)/run

test: $(VENV)/dev
	$(PYTEST) $(PARALLEL) tests
	KEEPTRUSTS_TEST_EMBEDDED=1 $(PYTEST) $(PARALLEL) -m smoke $(SMOKE)

# In Debian's Chromium: `apt install chromium`.
test-browser: $(VENV)/dev
	$(PYTEST) -m browser tests/browser

# Of every page of the console, to look at; git ignores the folder. DOCS=docs/images renews those
# of the documentation.
screenshots: $(VENV)/dev
	$(BIN)/python -m tests.browser.screenshots build/screenshots $(DOCS)

check: $(VENV)/dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python manage.py makemigrations --check --dry-run
	$(BIN)/python manage.py openapi --check

soak: $(VENV)/dev
	$(PYTEST) -m soak tests

# What is pinned stays; UPGRADE='--upgrade' or '--upgrade-package NAME' lets pins move.
LOCK := $(BIN)/uv pip compile --quiet --no-config --universal --python-version 3.11 \
	--generate-hashes --no-annotate --custom-compile-command 'make lock'
lock: $(VENV)/dev
	$(LOCK) $(UPGRADE) requirements.in --output-file requirements.txt
	$(LOCK) $(UPGRADE) requirements-dev.in --output-file requirements-dev.txt
	$(LOCK) pyproject.toml --extra gateway --constraint requirements.txt --output-file requirements-kt.txt
	@$(MAKE) --no-print-directory $(VENV)/dev
	$(BIN)/python -m supply.licences > docs/licences.md

sbom: $(VENV)/run
	@$(BIN)/python -m supply.sbom

# A release of the commit that is checked out, to be served at URL or carried elsewhere; KEY, a file,
# signs it.
BUNDLE ?= build/bundle
URL ?= https://get.keeptrusts.dev
KEY ?=
bundle: $(VENV)/run
	@$(BIN)/python -m supply.bundle $(BUNDLE) $(URL) $(KEY)

advisories: $(VENV)/run
	@$(BIN)/python -m supply.advisories

clean:
	rm -rf $(VENV)

# What an interrupted or failed attempt left is made anew.
venv:
	@if ! $(BIN)/python -m pip --version >/dev/null 2>&1; then \
		if ! $(PYTHON) -c '$(NEEDS)' >/dev/null 2>&1; then \
			echo "make: $(PYTHON) is missing, older than 3.11 or without venv. On Debian and Ubuntu:" >&2; \
			echo "make:   apt install python3-venv" >&2; \
			echo "make: Then run make again; PYTHON=/path/to/python names another." >&2; \
			exit 1; \
		fi; \
		$(PYTHON) -m venv --clear $(VENV); \
	fi

# A stamp is newer than its requirements when the virtual environment holds them. pip takes only
# files whose hashes these name, and builds `kt` with the pinned backend among them.
$(VENV)/run: requirements.txt pyproject.toml
	@echo "installing what the control plane needs into $(VENV) (the first time, about half a minute)…"
	@$(MAKE) --no-print-directory venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/dev: $(VENV)/run requirements-dev.txt
	@echo "installing what the tests need into $(VENV)…"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@
