# make book | serve | without-solutions | print | handouts | assignments
#      test | test-all | mutants | notebooks | bench | lock | clean
#
# Needs Python 3.11 or newer and nothing else. Another interpreter: make book PYTHON=python3.12

PYTHON ?= python3
PORT ?= 8000
SEED ?= 0
VENV := .venv
PY := $(VENV)/bin/python
READY := $(VENV)/.ready

.PHONY: book serve without-solutions print handouts assignments test test-all mutants notebooks bench lock clean
.DEFAULT_GOAL := book

book: $(READY)
	@$(PY) -m book.notebooks
	@$(PY) -m book.build

serve: book
	@echo "http://127.0.0.1:$(PORT)/  (stop with Ctrl-C)"
	@$(PY) -m http.server $(PORT) --bind 127.0.0.1 --directory _build/html

# Other editions, each in a folder of its own in _build: for a class, for paper, and for handing out.
without-solutions: $(READY)
	@$(PY) -m book.notebooks
	@$(PY) -m book.build --without-solutions

print: $(READY)
	@$(PY) -m book.notebooks
	@$(PY) -m book.build --print

handouts: $(READY)
	@$(PY) -m book.notebooks
	@$(PY) -m book.build --print --without-solutions

# Every check. The order is from quick to slow; the book is built before the tests that read its pages.
test: $(READY)
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	$(PY) -m book.javascript --check
	$(PY) -m book.notebooks --check
	$(PY) -m book.build --strict
	SITE_BUILT=1 OMP_NUM_THREADS=1 $(PY) -m pytest -n auto --dist loadfile --durations 20

# Then what takes environments made from nothing: the notebooks on Binder and in Colab, the package as
# others install it. Minutes, most of them pip's.
test-all: test
	OMP_NUM_THREADS=1 $(PY) -m pytest -v -rP -n 2 --dist loadfile tests/places/binder.py tests/places/colab.py \
	  tests/places/package.py tests/places/marking.py

# Four assignments for a class: students' and teachers' versions, and what marks them.
assignments: $(READY)
	@$(VENV)/bin/dsf assignments _build/assignments

# Puts some 300 small faults into the core, one at a time, and counts those that a fast test notices.
# Half an hour on two cores; another sample: make mutants SEED=1
mutants: $(READY)
	@$(PY) tests/mutants.py --seed $(SEED)

notebooks: $(READY)
	@$(PY) -m book.notebooks

bench: $(READY)
	@$(PY) -m pip install --quiet --editable ".[bench]"
	@$(PY) -m benchmarks

# Writes requirements.txt, with the hashes of everything that requirements.in brings. Versions that
# it holds stay where they fit; to move them all: make lock UPGRADE=--upgrade
lock: $(READY)
	@$(PY) -m pip install --quiet --disable-pip-version-check uv
	@$(PY) -m uv pip compile --quiet --universal --python-version 3.11 --generate-hashes $(UPGRADE) \
	  --custom-compile-command "make lock" --output-file requirements.txt requirements.in

clean:
	rm -rf _build $(VENV) *.egg-info

$(READY): pyproject.toml requirements.txt binder/install-torch.sh Makefile
	@command -v $(PYTHON) >/dev/null || { \
	  echo "No $(PYTHON) found. Install Python 3.11 or newer, or name it: make PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "The book needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) -V 2>&1)." >&2; \
	  echo "Name another one: make PYTHON=python3.12" >&2; exit 1; }
	@test -x $(PY) || $(PYTHON) -m venv $(VENV) || { \
	  echo "Could not make a virtual environment (on Debian: apt-get install python3-venv)." >&2; exit 1; }
	@echo "Installing what the book needs into $(VENV) ..."
	@sh binder/install-torch.sh $(PY)
	@$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	@$(PY) -m pip install --quiet --disable-pip-version-check --editable ".[notebooks,test]"
	@touch $@
