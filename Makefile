# Everything runs in a .venv of the checkout; nothing has to be installed by hand.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test check format soak clean

# A real table, a network trained on it, the report, predictions.
demo: .venv/cli
	@mkdir -p demo
	$(BIN)/chainrule example breast_cancer -o demo/breast_cancer.csv
	$(BIN)/chainrule train demo/breast_cancer.csv --target target --seed 0 --model demo/breast_cancer.model
	$(BIN)/chainrule predict demo/breast_cancer.model demo/breast_cancer.csv -o demo/predictions.csv
	@head -n 6 demo/predictions.csv

test: .venv/test
	$(BIN)/pytest -n 2

check: .venv/check
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/pyright
	$(BIN)/lint-imports
	$(BIN)/pytest -n 2

format: .venv/check
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

# The long versions of what `make test` samples: full counts of fuzzing, kills, big tables.
soak: .venv/test
	$(BIN)/pytest -n 2 -m soak

clean:
	rm -rf .venv demo dist .pytest_cache .ruff_cache .hypothesis

# One stamp per extra, renewed when the dependencies change.
.venv/%: pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[$*]"
	@touch $@
