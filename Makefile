# The two commands of the README are `make demo` and `make test`; the others are for operators and developers.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: demo ui up down status test check fix bench clean

$(READY): requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Python 3.11 or newer is needed")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
	touch $@

demo: $(READY)
	$(BIN)/backfill demo $(if $(FEEDS),--feeds "$(FEEDS)")

ui: $(READY)
	$(BIN)/backfill ui

up down status: $(READY)
	$(BIN)/backfill $@

# Files stay whole: tests of one file share what they have loaded.
test: $(READY)
	$(BIN)/python -m pytest -n 2 --dist loadfile

check: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/pyright
	$(BIN)/python -m pytest -n 2 --dist loadfile

fix: $(READY)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(READY)
	$(BIN)/python -m benchmarks.nba_season $(if $(FEEDS),--feeds "$(FEEDS)")
	$(BIN)/python -m benchmarks.nba_peers $(if $(FEEDS),--feeds "$(FEEDS)")
	$(BIN)/python -m benchmarks.receipts_migration
	$(BIN)/python -m benchmarks.coffee_replay

clean:
	rm -rf $(VENV) .state
