# Two commands do everything on a fresh machine: `make demo` runs the main job, `make test` the tests.
PYTHON ?= $(firstword $(shell command -v python3.11 python3.12 python3))
TORCH ?= torch==2.13.0
PIP_ARGS ?=
OUT ?= out/demo
DEMO_ARGS ?=
BENCH_OUT ?= out/bench
READY = .venv/.ready

.PHONY: demo test soak bench look lint clean

demo: $(READY)  ## simulator -> plugin -> trainer, live; report in OUT
	.venv/bin/carla-harness demo --out $(OUT) $(DEMO_ARGS)

test: $(READY)  ## all tests that need nothing but pip
	.venv/bin/python -m pytest tests --ignore tests/system -n 2 --dist loadfile

soak: $(READY)  ## the same tests at full counts; what passed stands in out/soak and is left out when started again
	.venv/bin/python -m pytest tests --ignore tests/system --scale soak --timeout 0 -o faulthandler_timeout=0 -s

bench: $(READY)  ## ratios, measured side by side in one run
	.venv/bin/python tests/bench/run.py --out $(BENCH_OUT)

look: $(READY)  ## contact sheet of one street under every appearance, in out/look
	.venv/bin/python tests/bench/look.py --out out/look

lint: $(READY)
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	.venv/bin/pip install --disable-pip-version-check $(PIP_ARGS) -c constraints.txt '$(TORCH)'
	.venv/bin/pip install --disable-pip-version-check $(PIP_ARGS) -c constraints.txt -e '.[plugin,simulator,harness,dev]'
	touch $(READY)

clean:
	rm -rf .venv out build *.egg-info
