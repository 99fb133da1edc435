# Everything a checkout needs, from nothing: each target makes what it stands on.
#
#   make demo    a demo film is drawn and scored in demo_out/
#   make check   lint and the quick tests: before each commit
#   make test    the whole test suite
#   make protos  generate v2m/rpc from protos/, after a change of the wire contract
#   make blender the Python module of Blender, for the tests of the add-on: 374 MB, a minute
#
# PYTHON  the interpreter for .venv, 3.11 or later
# BLENDER_PYTHON  the interpreter for .venv-bpy, of the version that its Blender has
# TORCH   what pip installs as torch: TORCH="torch==2.13.0 --index-url https://download.pytorch.org/whl/cu130"

PYTHON ?= python3
BLENDER_PYTHON ?= python3.11
TORCH ?= torch==2.13.0
PROMPT ?= cinematic, hopeful, strings and drums

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/v2m-installed
# Each worker may take a gigabyte; each takes tests that lie together, so that what they share is made once.
PYTEST := $(BIN)/pytest -q -n logical --maxprocesses 4 --dist worksteal

# The tests start hundreds of processes, which would each compile the library anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: setup demo check test lint bench protos blender clean

setup: $(STAMP)

# torch comes first, so that the choice of its build is ours and not the resolver's. tinysoundfont comes
# without its dependency pyaudio, which needs a C compiler and portaudio and serves only live playback.
# What librosa compiles when it is first imported is compiled here, before tests import it in several processes.
$(STAMP): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "V2M needs Python 3.11 or later: make PYTHON=python3.12")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet $(TORCH)
	$(BIN)/python -m pip install --quiet --no-deps "tinysoundfont>=0.3.6"
	$(BIN)/python -m pip install --quiet --editable ".[dev]"
	$(BIN)/python -m v2m.metrics.librosa_library
	@touch $@

demo: $(STAMP)
	rm -rf demo_out
	$(BIN)/python examples/demo_film.py demo_out
	$(BIN)/v2m score demo_out/demo.otio --out demo_out/result --prompt "$(PROMPT)"
	@echo "The film's media and timeline are in demo_out/, the music and the scored timeline in demo_out/result/."

check: lint
	$(PYTEST) -m "not slow"

test: $(STAMP)
	$(PYTEST)

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(STAMP)
	@for file in $$(grep -l __main__ benchmarks/*.py | grep -v _reader); do echo "== $$file"; $(BIN)/python $$file || exit 1; done

protos: $(STAMP)
	$(BIN)/python -m grpc_tools.protoc -Iprotos --python_out=. --pyi_out=. --grpc_python_out=. \
	  protos/v2m/rpc/v1/scoring.proto

blender: .venv-bpy/v2m-installed

# In an environment of its own: it wants an older numpy. It is GPL and serves tests alone.
.venv-bpy/v2m-installed:
	$(BLENDER_PYTHON) -m venv .venv-bpy
	.venv-bpy/bin/python -m pip install --quiet "bpy==5.0.1"
	@touch $@

clean:
	rm -rf $(VENV) .venv-bpy demo_out build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
