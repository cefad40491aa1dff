# What a person types. Each target first makes what it needs (tools/setup.sh), which costs nothing when it is there.

BIN := .venv/bin
unexport PYTHONWARNINGS

.PHONY: help demo test lint coverage check bench pictures guides soak hardware fmt lock wheels clean

help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## /make \1\t/p' Makefile | expand -t 14

demo: ## a market week on virtual hardware; SCRIPT=1 ends by itself
	@tools/setup.sh demo
	@$(BIN)/clafoutis-demo $(if $(SCRIPT),--script)

test: lint ## everything that must hold: linters, types, import walls, tests
	$(BIN)/pytest -q -rs -n 3 --dist worksteal $(ARGS)

coverage: ## which lines no test of `make test` reaches; twice as long
	@tools/setup.sh test
	$(BIN)/pytest -q -n 2 --dist worksteal --cov --cov-report=term $(ARGS)

lint: ## the part of `make test` that runs nothing
	@tools/setup.sh test
	$(BIN)/ruff check --quiet
	$(BIN)/ruff format --check --quiet
	$(BIN)/mypy
	$(BIN)/lint-imports

check: ## what CI runs beyond `make test`: every pair of tears, 400 kills, real wheels, the demo twice
	@tools/setup.sh test
	$(BIN)/pytest -q -rs -n 2 --dist worksteal -m slow
	tools/check_wheels.sh
	$(MAKE) demo SCRIPT=1
	$(MAKE) demo SCRIPT=1

bench: ## NAME=sale, ui, ingest or console: what a sale, the screen, a delivery, a page costs, as ratios taken in one run
	@tools/setup.sh test
	@$(BIN)/python -m benchmarks $(or $(NAME),sale)

pictures: ## TO=pictures: every page of the console in a real browser, at two widths and in both languages; a few go to the guides
	@tools/setup.sh test
	$(BIN)/pytest -q -m slow tests/test_console_every_page.py --pictures "$(or $(TO),pictures)/fr"
	$(BIN)/pytest -q -m slow tests/test_console_every_page.py --pictures "$(or $(TO),pictures)/en" --locale en-GB
	$(BIN)/python -m tools.guide_pictures --console "$(or $(TO),pictures)"

guides: ## TO=dist/guides: what people print, as PDF: producers, coordinators, the workshop
	@tools/setup.sh test
	@$(BIN)/python -m tools.build_guides --out "$(or $(TO),dist/guides)"

soak: ## MINUTES=60: tries to break everything for so long, and adds to what docs/reliability.md counts
	@tools/setup.sh test
	@$(BIN)/python -m tools.soak --minutes $(or $(MINUTES),60)

hardware: ## READER=auto CARD=UID: the readers' contract on a real reader, with that card and no other
	@tools/setup.sh test
	@test -n "$(CARD)" || { echo "make hardware READER=pcsc: CARD=UID (14 hex digits; a wrong one is answered with the one that lies there)" >&2; exit 2; }
	$(BIN)/pytest -q -rs tests/test_reader_contract.py --reader "$(or $(READER),auto)" --card "$(CARD)"

fmt: ## bring the code into its one format
	@tools/setup.sh test
	$(BIN)/ruff check --fix --quiet
	$(BIN)/ruff format --quiet

lock: ## resolve the dependencies again and write both locks
	@tools/setup.sh test
	tools/lock.sh

wheels: ## dist/: one wheel a role
	@tools/setup.sh demo
	$(BIN)/python -m tools.build_wheel terminal server provisioning auditor --out dist

clean: ## remove what can be made again, the environment included
	rm -rf .venv build dist .coverage .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
