# Everything runs in a .venv of the checkout; nothing has to be installed by hand.
PYTHON ?= python3
BIN := .venv/bin
core := $(wildcard cpp/*.cpp cpp/core/*/*.hpp cpp/tests/*.cpp)

.PHONY: demo test check format docs stubs soak sanitize bench clean

# A real table, a network trained on it, the report, predictions.
demo: .venv/all
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
	$(BIN)/clang-format --dry-run --Werror $(core)
	$(BIN)/pytest -n 2

format: .venv/check
	$(BIN)/ruff format
	$(BIN)/ruff check --fix
	$(BIN)/clang-format -i $(core)

# The documentation, into build/docs; its lessons are run. Warnings are errors: links that lead
# nowhere, names without a page.
docs: .venv/docs
	$(BIN)/sphinx-build -q -W --keep-going -n -j 2 -b html docs build/docs
	@echo "build/docs/index.html"

# The type stub of the compiled modules, which have all the same functions.
stubs: .venv/test
	$(BIN)/python -m nanobind.stubgen -q -m chainrule.engines._native_v3 -o src/chainrule/engines/_native.pyi
	sed -i "s/^isa: str = .*/isa: str/; s/^\(activations\|losses\|rules\): tuple.*/\1: tuple[str, ...]/; 1i # Made by \`make stubs\` from the compiled module; a test compares them." src/chainrule/engines/_native.pyi

# The long versions of what `make test` samples: full counts of fuzzing, kills, big tables.
soak: .venv/test
	$(BIN)/pytest -n 2 -m soak

# The core alone, without Python, under the sanitizers of addresses, undefined behavior, threads.
sanitize:
	cpp/tests/sanitize.sh

# Beside PyTorch, JAX, ONNX Runtime and scikit-learn, in an environment of its own: `make bench
# ARGS=--quick`. chainrule is built anew each time, as its users get it.
bench: .venv-bench/ready
	.venv-bench/bin/python -m pip install --quiet --disable-pip-version-check .
	.venv-bench/bin/python benchmarks/run.py $(ARGS)

.venv-bench/ready: benchmarks/requirements.txt
	test -x .venv-bench/bin/python || $(PYTHON) -m venv .venv-bench
	.venv-bench/bin/python -m pip install --quiet --disable-pip-version-check -r $<
	@touch $@

clean:
	rm -rf .venv .venv-bench build/docs docs/api docs/lessons demo dist .pytest_cache .ruff_cache .hypothesis

# One stamp per extra, renewed when the dependencies change.
.venv/%: pyproject.toml cmake/CMakeLists.txt $(core)
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[$*]"
	@touch $@
