# Everything runs in .venv, which is made here with nothing but Python (>= 3.11, venv, pip) and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test check laws bench clean

demo: $(VENV)/ready
	$(BIN)/dayzero demo --out demo

test: check
	$(BIN)/python -m pytest -n 2 --cov --cov-report=term-missing:skip-covered --cov-fail-under=95

check: $(VENV)/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

laws: $(VENV)/ready
	HYPOTHESIS_PROFILE=laws $(BIN)/python -m pytest tests/properties

bench: $(VENV)/ready
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r benchmarks/requirements.txt
	$(BIN)/python -m benchmarks.run

clean:
	rm -rf $(VENV) demo

$(VENV)/ready: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	touch $@
