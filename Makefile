# Two commands do everything on a machine that has only Python 3.11+ and make:
#   make demo    the main job on simulated hosts
#   make test    all checks and tests
.PHONY: demo test test-faults test-engines lint bench docs wheel clean

demo:
	@sh dev/environment demo
	@.venv/bin/magnusctl demo

test:
	@sh dev/environment test
	@sh dev/programs
	@$(MAKE) --no-print-directory lint
	.venv/bin/python -m pytest -n 2 --dist loadfile

# The fault cases, all of them: links cut at every line, reboots, races. Needs root on Linux. They wait
# more than they work, so four go on at a time.
test-faults:
	@sh dev/environment test
	@sh dev/programs
	.venv/bin/python -m pytest -n 4 --dist worksteal -m "slow_faults or not slow_faults" tests/faults

# The engines, with vLLM too. Needs root on Linux, some 6 GB of disk and 5 GB of memory, and a folder with
# PyTorch's wheel for CPUs (see tests/engines/test_vllm_lab.py).
test-engines:
	@sh dev/environment test
	@sh dev/programs
	.venv/bin/python -m pytest -n 1 -m "heavy_engines or not heavy_engines" tests/engines

lint:
	@sh dev/environment test
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy

# Needs root on Linux: the hosts are those of the lab.
bench:
	@sh dev/environment bench
	@sh dev/programs
	.venv/bin/python -m benchmarks.provision
	.venv/bin/python -m benchmarks.verify
	.venv/bin/python -m benchmarks.fit

# What is generated from the code: the schema, the inventory reference, the table of the roles.
docs:
	@sh dev/environment test
	.venv/bin/python -m dev.reference
	.venv/bin/python -m dev.coverage

wheel:
	@sh dev/environment test
	.venv/bin/uv build --wheel

clean:
	rm -rf .venv dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
