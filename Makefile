# Two commands matter: `make score` runs the job, `make test` runs the tests. Both install what they need, once.
SHELL := bash
PYTHON ?= python3.11
PYTHON_3_12 ?= python3.12
VENV := .venv
BIN := $(VENV)/bin

# Photographs of your own never go into the table of the samples.
SAMPLES := out/samples
IMAGES ?= $(SAMPLES)
BUNDLE ?= ham10000-lite0-taught
OUTPUT ?= $(if $(filter-out $(SAMPLES),$(IMAGES)),out/my-scores,out/scores)
# For `make fuzz`.
SECONDS ?= 60
QUERY := SELECT top_label, count(*) AS photographs, round(avg(top_probability), 2) AS mean_probability \
         FROM current GROUP BY top_label ORDER BY photographs DESC
FAILURES := SELECT error_kind, count(*) AS photographs FROM failures GROUP BY error_kind ORDER BY photographs DESC

# What needs neither a training nor a server.
QUICK := tests/melanoma tests/pipelines --ignore=tests/melanoma/training --ignore=tests/pipelines/test_crashes.py \
         --ignore=tests/pipelines/test_races.py

.PHONY: score test quick test-3.12 test-stores slow fuzz lint types lock sbom audit clean \
        flink-up flink-down test-flink spark-up spark-down test-spark

# The recipe reads these from its environment, whatever characters they have. No other recipe gets them: a `make score`
# within the tests would take them for its own.
score: export IMAGES := $(IMAGES)
score: export BUNDLE := $(BUNDLE)
score: export OUTPUT := $(OUTPUT)
score: export QUERY := $(QUERY)
score: export FAILURES := $(FAILURES)
score: $(VENV)/.scoring
ifeq ($(IMAGES),$(SAMPLES))
	@echo "== drawing sample photographs (they show no patient and no disease)"
	@$(BIN)/melanoma samples $(SAMPLES)
endif
	@echo "== scoring $$IMAGES with $$BUNDLE"
	@$(BIN)/melanoma score --images "$$IMAGES" --bundle "$$BUNDLE" --output "$$OUTPUT" || code=$$?; \
	if [[ $${code:-0} -gt 1 ]]; then exit $$code; fi; \
	echo "== querying the table: $(BIN)/melanoma query $${OUTPUT@Q} \"$$QUERY\""; \
	$(BIN)/melanoma query "$$OUTPUT" "$$QUERY" || exit; \
	if [[ $${code:-0} -eq 1 ]]; then \
	  echo "== the run is done and its table complete, but somebody has to look at it: the reason stands above"; \
	  echo "== what failed: $(BIN)/melanoma query $${OUTPUT@Q} \"$$FAILURES\""; \
	  $(BIN)/melanoma query "$$OUTPUT" "$$FAILURES"; \
	  exit 1; \
	fi; \
	echo "== for the command melanoma in this terminal: source $(VENV)/bin/activate"

# After a crash of one of its processes, pytest-xdist may wait for ever for the tests that it had: end with the crash instead.
PYTEST := $(BIN)/python -m pytest -q -n 2 --dist loadscope --max-worker-restart=0

test: $(VENV)/.developing
	@echo "== running the tests"
	@$(PYTEST)

quick: $(VENV)/.developing
	@echo "== running the quick tests with $$($(BIN)/python --version)"
	@$(PYTEST) -m "not slow and not service" $(QUICK)

# The quick tests under the newer Python, in an environment of its own, installed from the same lock file.
test-3.12:
	@$(MAKE) --no-print-directory quick VENV=.venv-3.12 PYTHON="$(PYTHON_3_12)"

# What users do in every store, against real servers: a disk, S3 (two servers), Google Cloud Storage and Azure Blob Storage.
test-stores: export MELANOMA_STORES := required
test-stores: $(VENV)/.developing .cache/stores/.installed
	@echo "== running the tests of stores"
	@$(BIN)/python -m pytest -q -n 2 --dist loadgroup tests/services

.cache/stores/.installed: tools/stores/install tools/stores/go.sum tools/stores/package-lock.json
	@tools/stores/install .cache/stores
	@touch $@

# A hundred simulated nights, twice (docs/understand/reliability.md): three minutes on two idle cores, ten on busy ones.
slow: $(VENV)/.developing
	@$(BIN)/python -m pytest -q -m slow -n 2

# Mutated pictures must become pictures or errors, and nothing else; what fails is kept in out/fuzz.
fuzz: $(VENV)/.developing
	@$(BIN)/python benchmarks/fuzz_decoders.py --seconds $(SECONDS)

lint: $(VENV)/.developing
	@$(BIN)/ruff format --check . && $(BIN)/ruff check .

types: $(VENV)/.developing
	@$(BIN)/mypy

$(VENV)/bin/python:
	@echo "== creating $(VENV)"
	@"$(PYTHON)" -m venv $(VENV)

$(VENV)/.scoring: requirements.lock pyproject.toml | $(VENV)/bin/python
	@echo "== installing what scoring needs, by hash (a few minutes, once)"
	@test -e $(VENV)/.developing || $(BIN)/python -m pip install -q --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install -q --no-deps --editable .
	@touch $@

# Without dependencies, for the lock names every package: pip would want another hash for `pydantic[email]` than for `pydantic`.
$(VENV)/.developing: requirements-dev.lock pyproject.toml | $(VENV)/bin/python
	@echo "== installing what tests and training need, by hash (a few minutes, once)"
	@$(BIN)/python -m pip install -q --no-deps --require-hashes -r requirements-dev.lock
	@$(BIN)/python -m pip check -q
	@$(BIN)/python -m pip install -q --no-deps --editable .
	@touch $@ $(VENV)/.scoring

# Renews the lock files from pyproject.toml.
COMPILE = $(BIN)/uv pip compile -q --upgrade --universal --python-version 3.11 --generate-hashes --no-header pyproject.toml
lock: | $(VENV)/bin/python
	@$(BIN)/python -m pip install -q 'uv>=0.9,<1'
	$(COMPILE) --output-file requirements.lock
	$(COMPILE) --extra s3 --extra gcs --extra azure --output-file requirements-stores.lock
	$(COMPILE) --all-extras --output-file requirements-dev.lock

# Tools that read the lock file, in an environment of their own: what they bring is not among what they list.
.venv-tools:
	@"$(PYTHON)" -m venv $@
	@$@/bin/python -m pip install -q 'cyclonedx-bom>=7,<8' 'pip-audit>=2.10,<3'

# The bill of materials of what scoring needs, and docs/licences.md.
sbom: $(VENV)/.scoring | .venv-tools
	@.venv-tools/bin/python tools/sbom.py $(BIN)/python requirements.lock out/sbom.cdx.json docs/licences.md

# Known vulnerabilities of everything that is locked; fails where no database of them can be reached.
audit: | .venv-tools
	@.venv-tools/bin/python tools/audit.py requirements-dev.lock

# Clusters on the loopback (docs/use/runners.md): a master, two workers, and Beam's job server. The first call downloads them.
flink-up spark-up: %-up: $(VENV)/.developing
	@$(BIN)/python -m tools.clusters $* up

flink-down spark-down: %-down: $(VENV)/.developing
	@$(BIN)/python -m tools.clusters $* down

# One cluster for the whole suite; it is ended however the tests end. On Spark, where a run takes longer, only the essential
# tests are run: two models, a killed worker, a stop. `.ci/run` does so on Flink, too (ONLY=essential); `ONLY=` runs all tests.
test-spark: ONLY ?= essential
test-flink test-spark: test-%: $(VENV)/.developing
	@echo "== running the $(if $(ONLY),$(ONLY) )tests of a cluster of $*"
	@trap '$(BIN)/python -m tools.clusters $* down >/dev/null' EXIT; \
	$(BIN)/python -m tools.clusters $* up && \
	MELANOMA_CLUSTER_ENGINE=$* $(BIN)/python -m pytest -q $(if $(ONLY),-m $(ONLY)) tests/clusters

clean:
	rm -rf out build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache
