# Two commands: `make demo` runs the main job in the sandbox, `make test` passes the tests.
# Each sets itself up on a machine with Python 3.11 to 3.13. Paths are relative, so that a
# checkout in a folder with a space works.

# A distribution's Python was compiled with what it had been seen to do; one that was compiled by hand, as
# pyenv does, runs everything here an eighth longer.
DISTRIBUTED = /usr/bin/python3
USABLE = import ensurepip, sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))
PYTHON ?= $(if $(shell $(DISTRIBUTED) -c '$(USABLE)' 2>&1 || echo not),python3,$(DISTRIBUTED))
BIN = .venv/bin
MLFLOW3 = 3.15.0
UV = $(BIN)/python -m uv --quiet pip

# Without compiled bytecode every process would compile all that it imports. What is imported once is
# compiled then; compiling everything at once takes longer than demo and tests need together.
unexport PYTHONDONTWRITEBYTECODE

# Types are checked by one process: meanwhile another compiles what every worker of the tests imports,
# which each would otherwise compile for itself.
LINTED_AND_COMPILED = $(MAKE) --no-print-directory --jobs 2 --output-sync lint compiled

.PHONY: chaos fuzz demo test test-breadth check lint audit dist bench compiled fleet spark test-spark test-mlflow3 coverage pictures golden schema catalogues lock clean

demo: .venv/ready
	$(BIN)/python -m amlwizard replay recipes/quickstart.yaml --target sandbox

test: .venv/ready
	@$(LINTED_AND_COMPILED)
	$(BIN)/python -m pytest -n 5

# Everything, every variant of every claim and more examples of each property included.
test-breadth: .venv/ready
	$(BIN)/python -m pytest -n 5 -m "" --hypothesis-profile breadth

# What needs no cloud, not even the sandbox.
check: .venv/ready
	@$(LINTED_AND_COMPILED)
	$(BIN)/python -m pytest -n 3 tests/unit

compiled: .venv/ready
	@cd tests && ../$(BIN)/python -m support.compiling

lint: .venv/ready
	$(BIN)/ruff check src tests benchmarks
	$(BIN)/ruff format --check src tests benchmarks
	$(BIN)/mypy

# Known vulnerabilities of what requirements.txt installs, as PyPA's auditor finds them in OSV. They come
# by network: where that does not answer, nothing was audited, and this says so. A tool of its own
# environment, so that what it needs is not among what it audits.
AUDITOR = pip-audit==2.10.1
OSV = import httpx; httpx.get("https://api.osv.dev/v1/vulns/PYSEC-2021-66").raise_for_status()
audit: .venv/ready
	@if $(BIN)/python -c '$(OSV)' 2>/dev/null; then \
		$(BIN)/python -m uv --quiet tool run $(AUDITOR) --vulnerability-service osv --strict \
			--disable-pip --require-hashes --progress-spinner off --requirement requirements.txt; \
	else echo "audit: SKIPPED, nothing was audited: api.osv.dev does not answer"; fi

# The wheel, and beside it what it installs with the sandbox, at the locked versions, as a CycloneDX SBOM:
# by the generator that CycloneDX keeps for Python.
SBOM = cyclonedx-bom==7.5.0
dist: .venv/ready
	rm -rf dist build/dist
	mkdir -p build/dist
	$(BIN)/hatchling build --directory dist
	cp requirements.txt build/dist/requirements.txt
	$(UV) compile --universal --generate-hashes --no-annotate --python-version 3.11 --extra sandbox \
		--output-file build/dist/requirements.txt pyproject.toml
	$(BIN)/python -m uv --quiet tool run --from $(SBOM) cyclonedx-py requirements --output-reproducible \
		--mc-type application --pyproject pyproject.toml --spec-version 1.6 --output-format JSON \
		--output-file "$$(ls dist/*.whl).cdx.json" build/dist/requirements.txt

# Which lines the tests in COVERED run, in every process that they start; takes twice their time.
COVERED ?= tests/unit tests/tui
coverage: .venv/ready
	rm -rf build/coverage
	-$(BIN)/coverage run -m pytest -n 2 $(COVERED)
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

# How long commands take beside each other; on a machine with nothing else to do.
bench: .venv/ready
	$(BIN)/python benchmarks/ratios.py

# Many recipes in one process beside one: `make fleet RECIPES=50 JOBS=4`.
fleet: .venv/ready
	$(BIN)/python benchmarks/fleet.py --recipes $(or $(RECIPES),50) --jobs $(or $(JOBS),4)

# The journey of recipes/spark.yaml, which make test skips: it installs Spark, 400 MB.
test-spark: .venv/spark
	$(BIN)/python -m pytest tests/journeys/test_spark.py

# Notebooks that log as MLflow 3 has it, in an environment that has it in place of the locked version.
test-mlflow3: .venv/ready
	$(BIN)/python -m venv --clear build/mlflow3
	$(UV) install --python build/mlflow3 --no-deps -r requirements.txt --editable ".[sandbox]"
	$(UV) install --python build/mlflow3 "mlflow==$(MLFLOW3)" "azureml-mlflow==1.62.0.post6"
	build/mlflow3/bin/python -m pytest -n 0 tests/journeys/test_mlflow_3.py

# The driver's memory while Spark trains on few rows and on many: `make spark ROWS="50000 5000000"`.
spark: .venv/spark
	$(BIN)/python benchmarks/spark.py $(if $(ROWS),--rows $(ROWS))

# Runs that are broken at random and repeated: `make chaos RUNS=200 SEED=7`; in one way only, evenly over
# the whole journey: `WAY=kill`.
chaos: .venv/ready
	cd tests && ../$(BIN)/python -m chaos --runs $(or $(RUNS),60) $(if $(SEED),--seed $(SEED)) \
		$(if $(WAY),--way "$(WAY)")

# Odd recipes, settings, files and answers, in search of one that ends in a bug: `make fuzz RUNS=1000 SEED=7`.
fuzz: .venv/ready
	cd tests && ../$(BIN)/python -m fuzz $(or $(RUNS),200) $(SEED)

pictures: .venv/ready
	cd tests && for language in en ja; do AMLWIZARD_LANG=$$language ../$(BIN)/python -m pictures || exit; done

# The run that tests and pictures show, recorded anew; the pictures follow from it.
golden: .venv/ready
	rm -rf build/golden
	AMLWIZARD_HOME="$(CURDIR)/build/golden" $(BIN)/python -m amlwizard replay recipes/quickstart.yaml --target sandbox
	cp build/golden/runs/*/journal.jsonl tests/golden/quickstart.jsonl

# The schema as the sections declare it, and the recipes as saving writes them.
schema: .venv/ready
	AMLWIZARD_LANG=en $(BIN)/python -m amlwizard schema > recipes/recipe.schema.json
	$(BIN)/python -c 'from pathlib import Path; from amlwizard.recipe import load, save; \
		[save(load(path), path) for path in Path("recipes").glob("*.yaml")]'

# Every package as requirements.txt has it, by hash, wheels alone; ours as the checkout stands.
.venv/ready: pyproject.toml requirements.txt
	"$(PYTHON)" -m venv --clear .venv
	awk '/^[^ #]/ { uv = /^uv==/ } uv' requirements.txt > .venv/uv.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r .venv/uv.txt
	$(UV) install --no-build --require-hashes -r requirements.txt
	$(UV) install --no-deps --no-build-isolation --editable ".[sandbox]"
	touch .venv/ready

# Spark for the test that trains by it, and its Java: 400 MB, half a minute. Apart, so that a demo does not
# wait for them; pyspark comes as source alone.
.venv/spark: .venv/ready requirements-spark.txt
	$(UV) install --require-hashes -r requirements-spark.txt
	touch .venv/spark

# Every text of the source, into each catalogue, and those as gettext reads them: what has no translation
# yet is empty in the .po files, and the tests say so.
catalogues: .venv/ready
	mkdir -p build
	$(BIN)/pybabel --quiet extract --mapping-file=pyproject.toml --keywords="_ _n:1,2" --no-default-keywords --add-location=file \
		--sort-by-file --omit-header --output-file build/amlwizard.pot src/amlwizard
	$(BIN)/pybabel --quiet update --domain amlwizard --input-file build/amlwizard.pot --no-fuzzy-matching \
		--ignore-obsolete --ignore-pot-creation-date --width 100 --output-dir src/amlwizard/languages
	$(BIN)/pybabel --quiet compile --domain amlwizard --directory src/amlwizard/languages

# The newest versions that pyproject.toml allows: `make lock UPGRADE=--upgrade`; else what it asks anew.
SPARK = import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"]["spark"], sep="\n")
lock: .venv/ready
	$(UV) compile --universal --generate-hashes --no-annotate --python-version 3.11 $(UPGRADE) \
		--custom-compile-command "make lock" --extra sandbox --group test \
		--output-file requirements.txt pyproject.toml
	$(BIN)/python -c '$(SPARK)' | $(UV) compile --universal --generate-hashes --no-annotate \
		--python-version 3.11 $(UPGRADE) --custom-compile-command "make lock" \
		--output-file requirements-spark.txt -

clean:
	rm -rf .venv .pytest_cache build dist
