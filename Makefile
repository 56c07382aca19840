# make book | serve | test | notebooks | bench | clean
#
# Needs Python 3.11 or newer and nothing else. Another interpreter: make book PYTHON=python3.12

PYTHON ?= python3
PORT ?= 8000
VENV := .venv
PY := $(VENV)/bin/python
READY := $(VENV)/.ready

# PyTorch's CPU wheels lie on PyTorch's own index: `torch==2.13.0` then means 2.13.0+cpu, which sorts
# above the plain 2.13.0 of the ordinary index (on Linux gigabytes of CUDA). Where that host does not
# answer, pip passes over it after one short try and takes the plain version.
TORCH := torch==2.13.0
TORCH_CPU_INDEX := https://download.pytorch.org/whl/cpu

.PHONY: book serve test notebooks bench clean
.DEFAULT_GOAL := book

book: $(READY)
	@$(PY) -m book.notebooks
	@$(PY) -m book.build

serve: book
	@echo "http://127.0.0.1:$(PORT)/  (stop with Ctrl-C)"
	@$(PY) -m http.server $(PORT) --bind 127.0.0.1 --directory _build/html

# Every check. The order is from quick to slow; the book is built before the tests that read its pages.
test: $(READY)
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	$(PY) -m book.notebooks --check
	$(PY) -m book.build --strict
	OMP_NUM_THREADS=1 $(PY) -m pytest

notebooks: $(READY)
	@$(PY) -m book.notebooks

bench: $(READY)
	@$(PY) -m pip install --quiet --editable ".[bench]"
	@$(PY) -m benchmarks

clean:
	rm -rf _build $(VENV) *.egg-info

$(READY): pyproject.toml requirements.txt Makefile
	@command -v $(PYTHON) >/dev/null || { \
	  echo "No $(PYTHON) found. Install Python 3.11 or newer, or name it: make PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "The book needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) -V 2>&1)." >&2; \
	  echo "Name another one: make PYTHON=python3.12" >&2; exit 1; }
	@test -x $(PY) || $(PYTHON) -m venv $(VENV) || { \
	  echo "Could not make a virtual environment (on Debian: apt-get install python3-venv)." >&2; exit 1; }
	@echo "Installing what the book needs into $(VENV) ..."
ifeq ($(shell uname -s),Linux)
	@$(PY) -m pip install --quiet --disable-pip-version-check --retries 0 --timeout 15 \
	  --extra-index-url $(TORCH_CPU_INDEX) "$(TORCH)" \
	  || $(PY) -m pip install --quiet --disable-pip-version-check "$(TORCH)"
	@$(PY) -m pip freeze | grep -q '^torch==.*+cpu' || \
	  echo "The index with PyTorch's CPU builds did not answer: this is the ordinary, larger build."
else
	@$(PY) -m pip install --quiet --disable-pip-version-check "$(TORCH)"
endif
	@$(PY) -m pip install --quiet --disable-pip-version-check -r requirements.txt --editable ".[test]"
	@touch $@
