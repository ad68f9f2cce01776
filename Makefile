# Every target sets up what it needs; `make help` lists them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DATA ?= .data

.DEFAULT_GOAL := help
.PHONY: help install demo dev test browser lint explore bench messages lock clean

help: ## show this list
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

install: $(VENV)/dev.stamp ## only set up .venv, with all that examples and tests need

demo: $(VENV)/run.stamp ## 300 real orders through the saga, with failures injected; ends by itself
	@$(BIN)/musterwerk demo $(ARGS)

dev: $(VENV)/run.stamp ## everything on this machine until Ctrl-C; prints the addresses
	@$(BIN)/musterwerk dev --data $(DATA) $(ARGS)

# Hundreds of processes are started: none of them should have to compile the sources anew.
test: $(VENV)/dev.stamp lint browser ## linters, types, import rules and the whole test suite
	@PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -n 3 --dist worksteal $(ARGS)

# Debian's Chromium where it may be installed; without any, the tests of the screens are left out,
# and pytest's last lines say so.
browser:
	@command -v chromium >/dev/null || command -v google-chrome >/dev/null || \
		{ [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && \
		  { echo "Installing Debian's Chromium for the tests of the screens" >&2; \
		    (apt-get install -y -q chromium || { apt-get update -q && apt-get install -y -q chromium; }) >/dev/null; }; } || \
		echo "There is no Chromium, and none can be installed: the tests of the screens are left out." >&2

lint: $(VENV)/dev.stamp ## ruff, pyright in strict mode, import-linter
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/lint-imports
	@$(BIN)/basedpyright --level error

# Prints its seed: SEED=... does the same again.
explore: $(VENV)/dev.stamp ## our own processes under random sets of three faults, for the night
	@seed=$${SEED:-$$(date +%s)}; echo "SEED=$$seed" >&2; \
		$(BIN)/python -m pytest tests/explored -n 2 --timeout 3600 --explore-faults 3 \
		--explore-walks $${WALKS:-1000} --explore-seed $$seed --explore-write $(DATA)/found $(ARGS)

bench: $(VENV)/dev.stamp ## the measurements in benchmarks/, as JSON
	@for script in benchmarks/*.py; do $(BIN)/python $$script $(ARGS) || exit 1; done

messages: $(VENV)/dev.stamp ## bring the console's German up to date with its templates
	@$(BIN)/pybabel -q extract -F src/musterwerk/console/locale/babel.cfg --omit-header --no-location \
		-o $(VENV)/messages.pot src/musterwerk/console
	@$(BIN)/pybabel -q update -l de -i $(VENV)/messages.pot -o src/musterwerk/console/locale/de.po \
		--no-fuzzy-matching --ignore-obsolete --omit-header --width 100

lock: ## resolve the pins again (needs uv)
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --quiet --upgrade \
		--extra shop pyproject.toml requirements/build.in -o requirements/run.txt
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --quiet --upgrade \
		-c requirements/run.txt --extra dev pyproject.toml requirements/build.in -o requirements/dev.txt

clean: ## remove what the targets made here
	rm -rf $(VENV) $(DATA) .pytest_cache .ruff_cache .hypothesis .import_linter_cache

$(VENV)/python.stamp:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Musterwerk needs Python 3.11 or later; this is " + sys.version.split()[0] + ". Name another one: make PYTHON=/path/to/python3.11")'
	@echo "Setting up $(VENV) (once)" >&2
	@$(PYTHON) -m venv $(VENV)
	@touch $@

# pip refuses the project itself in hash mode, hence the second step.
$(VENV)/%.stamp: $(VENV)/python.stamp requirements/%.txt pyproject.toml
	@echo "Installing the pinned requirements of '$*'" >&2
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/$*.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@
