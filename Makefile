# Needs python3 (3.11 or newer) and the package registry; everything goes into .venv.
# Another interpreter: make demo PYTHON=/path/to/python3.12

PYTHON ?= python3
VENV := .venv
PIP := $(VENV)/bin/python -m pip install -q --disable-pip-version-check

BENCHMARKS := continual-ep continual-ep-deep dual-propagation rhel dense-step stock-brian2 blas-limit scaling recording

.PHONY: demo test exhaustive lint bench clean

demo: $(VENV)/installed
	@mkdir -p runs
	@rm -f runs/demo.h5 runs/demo.png
	$(VENV)/bin/neuro-ep train digits --rule continual-ep --seed 0 --out runs/demo.h5 --figure runs/demo.png

# One thread of BLAS for each of the two workers: more would wait for each other.
test: $(VENV)/installed
	OPENBLAS_NUM_THREADS=1 $(VENV)/bin/python -m pytest -q -n 2 --dist worksteal --durations=10

exhaustive: $(VENV)/installed
	OPENBLAS_NUM_THREADS=1 $(VENV)/bin/python -m pytest -q -n 2 --dist worksteal -m ""

lint: $(VENV)/installed
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy

bench: $(VENV)/installed-bench
	@for name in $(BENCHMARKS); do \
	  echo; $(VENV)/bin/neuro-ep bench $$name || exit 1; \
	done

# The stamps are touched last, so an interrupted installation is taken up again.
$(VENV)/installed: setup.cfg pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "neuro_ep needs Python 3.11 or newer; $(PYTHON) is: $$($(PYTHON) --version 2>&1)" >&2; \
	  echo "Name another one: make $(or $(MAKECMDGOALS),demo) PYTHON=/path/to/python3.12" >&2; \
	  exit 1; }
	@echo "Installing into $(VENV) (once) ..."
	@$(PYTHON) -m venv $(VENV) || { \
	  echo "No virtual environment; on Debian and Ubuntu: apt install python3-venv" >&2; \
	  exit 1; }
	@$(PIP) -e '.[test,report]'
	@touch $@

$(VENV)/installed-bench: $(VENV)/installed
	@echo "Installing the peers of the benchmark (once) ..."
	@$(PIP) -e '.[bench]'
	@touch $@

clean:
	rm -rf $(VENV) runs build dist *.egg-info .pytest_cache .ruff_cache .mypy_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
