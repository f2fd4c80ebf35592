# Every target makes the virtual environment it needs and says so.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
# With CUDA, apart: an environment has ONNX Runtime for it or for the CPU.
GPU_VENV  ?= .venv-gpu
GPU_STAMP := $(GPU_VENV)/.installed

# Generated code: message classes, service stubs, and the types of both.
define stubs
PATH="$(abspath $(BIN)):$$PATH" $(BIN)/python -m grpc_tools.protoc --proto_path=proto \
	--python_out=$(1) --grpc_python_out=$(1) --mypy_out=quiet:$(1) --mypy_grpc_out=quiet:$(1) \
	$(shell cd proto && find * -name '*.proto')
endef

# The messages of the last release, as a compiled image.
RELEASED := proto/released.binpb

.PHONY: help demo serve test test-gpu check bench bench-cuda torture models proto released clean
help:
	@echo "make demo     train nothing, install, serve and watch a pendulum balance"
	@echo "make serve    serve model_repository/ on 127.0.0.1:50051, with a live page on http://127.0.0.1:8080/"
	@echo "make test     run every test"
	@echo "make test-gpu run the tests that need a CUDA device"
	@echo "make check    ruff, mypy, import rules, the .proto files and their stubs"
	@echo "make bench    print the ratios against the floors"
	@echo "make bench-cuda  the same for states on a CUDA device"
	@echo "make torture  crash, cut, flood and part servers under load"
	@echo "make models   train and export the bundled models again"
	@echo "make proto    generate the stubs from proto/"
	@echo "make released take proto/ for what later changes may not break"

$(STAMP): pyproject.toml constraints.txt
	@echo "Installing Stepwire with all extras into $(VENV) (several minutes the first time)"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Stepwire needs Python 3.11 or newer; set PYTHON=")'
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[all]'
	@touch $@

$(GPU_STAMP): pyproject.toml constraints.txt
	@echo "Installing Stepwire with CUDA and torch into $(GPU_VENV) (several GB the first time)"
	@$(PYTHON) -m venv $(GPU_VENV)
	@$(GPU_VENV)/bin/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[gpu,test]' onnx torch
	@touch $@

demo: $(STAMP)
	@$(BIN)/stepwire demo pendulum $(ARGS)

serve: $(STAMP)
	@$(BIN)/stepwire serve --repository model_repository --http-listen 127.0.0.1:8080 $(ARGS)

test: $(STAMP)
	$(BIN)/pytest --numprocesses auto --dist loadfile $(ARGS)

test-gpu: $(GPU_STAMP)
	$(GPU_VENV)/bin/pytest tests/gpu -m gpu -rP $(ARGS)

check: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/buf lint
	$(BIN)/buf breaking --against $(RELEASED)
	@rm -rf build/stubs && mkdir -p build/stubs
	@$(call stubs,build/stubs)
	diff -r -x __init__.py -x __pycache__ build/stubs/stepwire/v1 stepwire/v1
	diff -r -x __init__.py -x __pycache__ build/stubs/stepwire/inference stepwire/inference
	diff -r -x __init__.py -x __pycache__ build/stubs/stepwire/recording stepwire/recording

bench: $(STAMP)
	@$(BIN)/python -m bench $(ARGS)

bench-cuda: $(GPU_STAMP)
	@$(GPU_VENV)/bin/python -m bench.cuda $(ARGS)

torture: $(STAMP)
	@$(BIN)/python -m torture $(ARGS)

models: $(STAMP)
	@PATH="$(abspath $(BIN)):$$PATH" sh models/bundled.sh

proto: $(STAMP)
	@$(call stubs,.)

released: $(STAMP)
	$(BIN)/buf build --exclude-source-info --output $(RELEASED)

clean:
	rm -rf $(VENV) $(GPU_VENV) build
