# The commands of a checkout. `make demo` and `make test` need nothing but git, make and Python 3.11.

python := .venv/bin/python
windlass := .venv/bin/windlass
pytest := $(python) -m pytest
guestbook := examples/stacks/guestbook/compose.yaml

.PHONY: interop-archives help demo demo-down test check unit kernel stacks bench rolling soak faults killpoints fuzz schema attributes clean

help:
	@echo 'make demo       bring the guestbook example up and look at it'
	@echo 'make demo-down  take it down again, with its data'
	@echo 'make test       everything: linters, types, layers, unit, kernel and stack tests'
	@echo 'make check      what needs no root: linters, types, layers, unit tests'
	@echo 'make kernel     tests of namespaces, bridges, overlays and cgroups (root)'
	@echo 'make stacks     whole stacks, with the examples (root)'
	@echo 'make fuzz       the property tests with many more examples; what reads strangers'\'' words, SECONDS=60 each'
	@echo 'make schema     the published JSON schema, after a change of the tables of keys'
	@echo 'make attributes the page on every attribute, likewise'
	@echo 'make bench      disk; up, down and logs against Docker Compose, where shared/peers lies beside the checkout (root)'
	@echo 'make interop    images through registries between windlass, Docker, Podman and skopeo, where they are (root)'
	@echo 'make interop-archives  images as files, to and from skopeo, Docker and Podman, where they are (root)'
	@echo 'make rolling    rolling updates under load, REQUESTS=12000 a test: none may fail (root)'
	@echo 'make interop-builds  the same Dockerfiles built here and by Docker, images compared file by file (root, peers)'
	@echo 'make soak       kill -9 of everything at random moments; SEED=N repeats a run (root)'
	@echo 'make faults     single system calls fail, in every verb; then 1,000 crashes; SEED=N repeats a run (root)'
	@echo 'make powerloss  the power goes at random writes to the disk; SEED=N repeats a run (root, ext4, FUSE)'
	@echo 'make killpoints kill -9 at every system call that changes anything, of every verb: hours; EVERY=N takes each N-th (root)'
	@echo 'make clean      remove what these commands made in the checkout'

demo:
	@.ci/bootstrap run
	@examples/demo $(windlass) $(guestbook)

demo-down:
	@$(windlass) -f $(guestbook) down -v

test: lint
	@$(pytest) tests/unit tests/kernel tests/stacks

check: lint
	@$(pytest) -q tests/unit

.PHONY: lint
lint:
	@.ci/bootstrap test
	@.venv/bin/ruff check --quiet .
	@.venv/bin/mypy --no-error-summary
	@PYTHONPATH=. .venv/bin/lint-imports --no-logo >.venv/layers.log || { cat .venv/layers.log; false; }

unit kernel stacks:
	@.ci/bootstrap test
	@$(pytest) tests/$@

fuzz:
	@.ci/bootstrap test
	@HYPOTHESIS_PROFILE=fuzz $(pytest) $$(grep -rl --include='*.py' hypothesis tests/unit)
	@if $(python) -c 'import atheris' 2>/dev/null; then PYTHONPATH=. $(python) tests/fuzz/reading.py; fi
	@for reader in references manifests dockerfiles $$(test $$(id -u) -ne 0 || echo unpacking); do \
		echo "fuzzing $$reader"; PYTHONPATH=. $(python) tests/fuzz/$$reader.py || exit 1; done

# Images through registries, file by file.
.PHONY: interop
interop:
	@.ci/bootstrap test
	@$(python) tests/interop/registries.py

interop-archives:
	@.ci/bootstrap test
	@$(python) tests/interop_archives.py

schema:
	@.ci/bootstrap run
	@$(python) -c 'from compose.printing.jsontext import json_text; from compose.grammar.schema import schema; print(json_text(schema()), end="")' \
		> .schema && mv .schema compose/compose.schema.json

attributes:
	@.ci/bootstrap test
	@PYTHONPATH=. $(python) tests/attributes.py

bench:
	@.ci/bootstrap test
	@$(python) tests/benchmarks/updown.py
	@$(python) tests/benchmarks/logs.py
	@$(python) tests/benchmarks/disk.py
	@$(python) tests/benchmarks/images.py
	@$(python) tests/benchmarks/builds.py

.PHONY: interop-builds
interop-builds:
	@.ci/bootstrap test
	@PYTHONPATH=. $(python) tests/interop/builds.py

rolling:
	@.ci/bootstrap test
	@WINDLASS_TEST_REQUESTS=$(or $(REQUESTS),12000) PYTHONPATH=. $(python) -m pytest -q tests/stacks/test_rolling.py

soak:
	@.ci/bootstrap test
	@$(python) tests/soak/crashes.py $(if $(SEED),--seed $(SEED))

faults:
	@.ci/bootstrap test
	@$(python) tests/soak/faults.py $(if $(SEED),--seed $(SEED))

.PHONY: powerloss
powerloss:
	@.ci/bootstrap test
	@$(python) tests/soak/powerloss.py $(if $(SEED),--seed $(SEED))

killpoints:
	@.ci/bootstrap test
	@$(python) tests/soak/killpoints.py $(if $(EVERY),--every $(EVERY))

clean:
	@rm -rf .venv .cache build *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	@find compose engine net tests -name __pycache__ -type d -prune -exec rm -rf {} +
