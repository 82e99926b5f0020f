# Two commands: `make demo` runs the main job in the sandbox, `make test` passes the tests.
# Each sets itself up on a machine with Python 3.11 or newer. Paths are relative, so that a
# checkout in a folder with a space works.

PYTHON ?= python3
BIN = .venv/bin

.PHONY: demo test lint pictures golden schema clean

demo: .venv/ready
	$(BIN)/python -m amlwizard replay recipes/quickstart.yaml --target sandbox

test: lint
	$(BIN)/python -m pytest -n 3

lint: .venv/ready
	$(BIN)/ruff check src tests
	$(BIN)/ruff format --check src tests
	$(BIN)/mypy

pictures: .venv/ready
	cd tests && ../$(BIN)/python -m pictures

# The run that tests and pictures show, recorded anew; the pictures follow from it.
golden: .venv/ready
	rm -rf build/golden
	AMLWIZARD_HOME="$(CURDIR)/build/golden" $(BIN)/python -m amlwizard replay recipes/quickstart.yaml --target sandbox
	cp build/golden/runs/*/journal.jsonl tests/golden/quickstart.jsonl

schema: .venv/ready
	$(BIN)/python -m amlwizard schema > recipes/recipe.schema.json

.venv/ready: pyproject.toml constraints.txt
	"$(PYTHON)" -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check "pip>=25.1"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check \
		--constraint constraints.txt --editable ".[sandbox]" --group test
	touch .venv/ready

clean:
	rm -rf .venv .pytest_cache build dist
