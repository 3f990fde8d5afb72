# The two commands of the README, and what a developer runs. Every recipe uses the environment in
# .venv, which is made when it is missing or when pyproject.toml or constraints.txt changed.
PYTHON ?= python3
VENV := .venv
STAMP := $(VENV)/.installed
RUN := PATH="$$PWD/$(VENV)/bin:$$PATH"

.PHONY: repro systems gallery test test-exhaustive test-short test-pythons test-cluster faults soak lint bench bench-gpu schema \
  env clean help

repro: $(STAMP)  ## run the main job: dvc repro
	@$(RUN) huescape repair > /dev/null
	$(RUN) dvc repro

# Two tests at a time, each with one thread: threads that share cores wait for each other.
PYTEST := $(RUN) HUESCAPE_THREADS=1 OMP_NUM_THREADS=1 python -m pytest -q -n 2 --dist worksteal

test: $(STAMP)  ## run the tests, short and long
	$(PYTEST) -m "not exhaustive and not cluster" --durations=15

test-exhaustive: $(STAMP)  ## run what takes both engines many times: the re-run table, sweeps
	$(PYTEST) -m exhaustive --durations=15

test-short: $(STAMP)  ## leave out the tests that take over ten seconds
	$(PYTEST) -m "not long and not exhaustive and not cluster"

# As root, where SLURM is installed: `python -m tests.cluster.slurm install` does it on Debian.
test-cluster: $(STAMP)  ## start a real SLURM on loopback and run jobs through it (docs/cluster.md)
	@$(VENV)/bin/python -m pip install -q --disable-pip-version-check -c constraints.txt -e ".[cluster]"
	$(RUN) HUESCAPE_THREADS=1 OMP_NUM_THREADS=1 python -m pytest -q -m cluster tests/cluster --durations=0

# Each in an environment of its own, .venv-3.12. PYTHONS="python3.13" for some of them.
PYTHONS ?= python3.11 python3.12 python3.13
test-pythons:  ## run the short tests with every Python that is here
	@.ci/pythons $(PYTHONS)

# SEED=1 for other kills. It can be interrupted: the same command goes on.
KILLS ?= 200
SEED ?= 0
faults: $(STAMP)  ## kill the pipeline 200 times and count the harm: benchmarks/results/faults.json
	$(RUN) python -m tests.faults.kills --kills $(KILLS) --seed $(SEED)

# SECONDS=300 for a trial.
SECONDS ?= 3600
soak: $(STAMP)  ## train for an hour and watch memory, files and tracking: docs/soak.png
	$(RUN) python -m benchmarks.soak --seconds $(SECONDS)

lint: $(STAMP)  ## linters and the type checker
	$(RUN) ruff check
	$(RUN) ruff format --check
	$(RUN) snakefmt --check workflow/Snakefile
	$(RUN) hadolint Dockerfile
	$(RUN) mypy
	$(RUN) snakemake --lint

# PHOTOS=folder for real photos.
systems: $(STAMP)  ## train every published system side by side, in comparison/
	$(RUN) huescape compare $(if $(PHOTOS),--photos "$(PHOTOS)")

# OPTIONS="--count 60 --tau 0.4" for what else the command takes. An older gallery there is replaced.
gallery: $(STAMP)  ## draw your photos gray, colored and true, in gallery/: PHOTOS=folder
	$(RUN) huescape gallery "$(or $(PHOTOS),$(error say which photos: make gallery PHOTOS=folder))" \
	  -o gallery --overwrite $(OPTIONS)

# ONLY="lab resize" for some of them. The peers are installed beside the environment, not into it;
# those that are missing are named in the tables.
BENCH := $(VENV)/bench
bench: $(BENCH)/.installed  ## measure against other tools: benchmarks/results, docs/performance.md
	PATH="$$PWD/$(BENCH)/bin:$$PWD/$(VENV)/bin:$$PATH" python -m benchmarks $(ONLY)
	$(RUN) python -m benchmarks.document

bench-gpu: $(STAMP)  ## the same on a GPU, in ten minutes
	$(RUN) python -m benchmarks.gpu

schema: $(STAMP)  ## write params.schema.json anew from the models
	$(RUN) huescape schema > params.schema.json

env: $(STAMP)  ## make the environment only

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' || \
	  { echo "huescape needs Python 3.11, 3.12 or 3.13; name one with: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@test -x $(VENV)/bin/python || $(PYTHON) -m venv $(VENV)
	@echo "installing into $(VENV): about 2 GB, a few minutes where the registry is slow"
	@$(VENV)/bin/python -m pip install --disable-pip-version-check -c constraints.txt -e ".[dev]"
	@touch $@

$(BENCH)/.installed: $(STAMP)
	@$(VENV)/bin/python -m venv $(BENCH)
	@$(VENV)/bin/python -c 'import site; print(site.getsitepackages()[0])' \
	  > "$$($(BENCH)/bin/python -c 'import site; print(site.getsitepackages()[0])')/project.pth"
	@$(BENCH)/bin/python -m pip install --disable-pip-version-check -c constraints.txt -e ".[bench]"
	@touch $@

help:  ## what can be made
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' Makefile | expand -t 18

clean:  ## remove the environment and every local run-time state, but no result
	rm -rf $(VENV) .huescape .snakemake logs
