# Each target is complete on a fresh machine with Python 3.11 or later.

VENV ?= .venv
PYTHON ?= python3
BIN := $(VENV)/bin
# A store of the demo's own, so that it is the same on every run.
DEMO_STORE := vaehub-store/demo

# The processes that tests start would each compile our modules again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test slow longest lowest gpu check bench site tutorials clean

$(VENV)/demo.done: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet -c constraints.txt -e '.[plot]'
	touch $@

$(VENV)/dev.done: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet -c constraints.txt -e '.[all,dev,docs]'
	touch $@

$(VENV)/docs.done: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet -c constraints.txt -e '.[docs]'
	touch $@

demo: $(VENV)/demo.done
	$(BIN)/vaehub run --model ard --metric relevance --store $(DEMO_STORE)
	$(BIN)/vaehub sql "select name, index, value from results where name = 'relevance' order by isnan(value), value desc limit 5" \
		--store $(DEMO_STORE)

check: $(VENV)/dev.done
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: check
	$(BIN)/python -m pytest --numprocesses auto --dist worksteal

slow: $(VENV)/dev.done
	$(BIN)/python -m pytest -m 'slow and not longest' --numprocesses auto --dist worksteal

# By hand: what CI cannot afford.
longest: $(VENV)/dev.done
	$(BIN)/python -m pytest -m longest --numprocesses auto --dist worksteal

# Real commands in a temporary environment with the lowest versions that pyproject.toml allows, PyTorch apart.
lowest: $(VENV)/dev.done
	$(BIN)/python -m tests.lowest

# The device is that of VAEHUB_TEST_DEVICE, else the first accelerator that PyTorch finds.
gpu: $(VENV)/dev.done
	@device=$$($(BIN)/python -m tests.device_name) || exit 2; echo "device $$device"; \
	VAEHUB_TEST_DEVICE=$$device $(BIN)/python -m pytest -m gpu && $(BIN)/python -m benchmarks --device $$device

bench: $(VENV)/dev.done
	$(BIN)/python -m benchmarks

# A warning, such as of a link that leads nowhere, is an error.
site: $(VENV)/docs.done
	$(BIN)/python -m sphinx --fail-on-warning --keep-going --quiet -d build/doctrees docs build/site
	@echo "the site is build/site/index.html"

# Runs the notebooks of docs/tutorials and stores what they give; 'make tutorials NAMES=1_first_answer' runs one.
tutorials: $(VENV)/dev.done
	$(BIN)/python -m tests.tutorials $(NAMES)

clean:
	rm -rf $(VENV) build vaehub-store .mypy_cache .ruff_cache .pytest_cache .hypothesis
