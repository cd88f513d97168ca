# The project's commands. Each works from a fresh clone with Python 3.11 to 3.13, make and git.

.DEFAULT_GOAL := help
# Where it is set, every process compiles anew all that it imports, and pytest every test.
unexport PYTHONDONTWRITEBYTECODE
.PHONY: help demo demo-once test test-full check format bench deploy destroy restore account redrive texting number limit phone pos pos-check pos-try screens stack mutants clean chromium

SUPPORTED := import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))
PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11; do \
	$$python -c "$(SUPPORTED)" 2>/dev/null && echo $$python && break; done)
UV := $(shell grep '^uv==' requirements-dev.txt)
BIN := .venv/bin
READY := .venv/ready
RUN := $(BIN)/python -m

help: ## List the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(READY) ## The whole product with simulated POS and data; stays until Ctrl-C
	$(RUN) tools.demo

demo-once: $(READY) ## The same, checks the outcome, prints one line of JSON and stops
	$(RUN) tools.demo --once

test: chromium check ## Everything CI needs
	$(BIN)/pytest -n 2 -m "not stack and not browser and not full"
	$(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder -m "stack and not alone and not full"
	$(BIN)/pytest -m "stack and alone and not full"
	$(BIN)/pytest -m "browser and not full"

test-full: test ## The long runs too
	$(BIN)/pytest -m full

chromium: $(READY)
	@$(RUN) tools.chromium

check: $(READY) ## Format, lint, types, layers, API document, requirements, costs, dashboard, template, security scan
	$(BIN)/ruff format --check --quiet .
	$(BIN)/ruff check --quiet .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(RUN) tools.profiles
	$(RUN) tools.pos_reference --check
	$(RUN) tools.openapi --check
	$(RUN) tools.requirements --check
	$(RUN) tools.costs --check
	$(RUN) tools.dashboard check
	$(RUN) tools.scan

format: $(READY) ## Format the code
	$(BIN)/ruff check --fix --quiet .
	$(BIN)/ruff format --quiet .

bench: $(READY) ## Speed and memory beside their budgets: docs/performance.md; LONG=1 BENCH_JSON=path
	$(RUN) benchmarks

screens: $(READY) ## Pictures of every page of the running demo: docs/screens
	$(RUN) tools.screens

stack: $(READY) ## The local AWS with the product deployed, empty; stays until Ctrl-C
	$(RUN) tools.stack up

mutants: $(READY) ## Mutation testing of domain and pos, and its score: OF=chalicelib/domain/ledger.py SAMPLE=300 SEED=1
	$(RUN) tools.mutants $(if $(OF),--of $(OF)) $(if $(SAMPLE),--sample $(SAMPLE)) $(if $(SEED),--seed $(SEED)) $(if $(CHILDREN),--children $(CHILDREN))

deploy: $(READY) ## To AWS, with the AWS CLI's credentials: STAGE=dev with stages/dev.json; SET="Parameter=Value ..."
	$(RUN) tools.deploy up --stage "$(STAGE)" $(foreach pair,$(SET),--set '$(pair)') $(foreach name,$(REPLACE),--replace '$(name)')

destroy: $(READY) ## Take a stack away: STAGE=dev, for prod CONFIRM=aiq-pos-prod too
	$(RUN) tools.deploy down --stage "$(STAGE)" $(if $(CONFIRM),--confirm $(CONFIRM))

restore: $(READY) ## Tables back to a moment: STAGE=dev AT=2026-11-30T08:00:00Z; or of a destroyed stack: ADOPT=retained
	$(RUN) tools.restore --stage "$(STAGE)" --at "$(AT)" --adopt "$(ADOPT)"

account: $(READY) ## A retailer's account: NAME="Green Leaf" OWNER=owner@example.com STAGE=dev
	$(RUN) tools.account --stage "$(or $(STAGE),dev)" --name "$(NAME)" --owner "$(OWNER)"

redrive: $(READY) ## Dead-lettered messages back to their queue: QUEUE=sync STAGE=dev
	$(RUN) tools.redrive --stage "$(or $(STAGE),dev)" "$(QUEUE)"

texting: $(READY) ## The operator's kill switch of all texts: SWITCH=off REASON="..." STAGE=dev
	$(RUN) tools.texting --stage "$(or $(STAGE),dev)" --reason "$(REASON)" $(SWITCH)

number: $(READY) ## Keep an origination number for an account: NUMBER=+12065550100 ACCOUNT=3912 STAGE=dev
	$(RUN) tools.number --stage "$(or $(STAGE),dev)" --number "$(NUMBER)" --account "$(ACCOUNT)"

limit: $(READY) ## Raise a limit of an account: ACCOUNT=3912 LIMIT=checks TO=200 STAGE=dev; lists them without LIMIT
	$(RUN) tools.limit --stage "$(or $(STAGE),dev)" --account "$(ACCOUNT)" --limit "$(LIMIT)" --to "$(TO)"

phone: $(READY) ## A shopper's phone on the local stack: NUMBER=+12065550123 SAY=YES; a page without NUMBER
	$(RUN) simulators.phone --number "$(NUMBER)" --say "$(SAY)" --to "$(TO)"

pos: $(READY) ## The files of a new POS: NAME=newpos
	$(RUN) tools.pos "$(NAME)"

pos-check: $(READY) ## A POS's profile alone, each mistake with its line: NAME=newpos
	$(RUN) tools.profiles "$(NAME)"

pos-try: $(READY) ## What a recorded answer becomes: NAME=newpos STREAM=customers FILE=newpos.json ZONE=America/Chicago
	$(RUN) tools.pos_try "$(NAME)" "$(STREAM)" "$(FILE)" $(if $(ZONE),--zone "$(ZONE)") $(if $(CURRENCY),--currency "$(CURRENCY)")

clean: ## Everything the commands made, the environment too
	rm -rf .venv .local .cache mutants .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache dashboard/node_modules
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(READY): requirements-dev.txt
	@test -n "$(PYTHON)" || { echo "needs Python 3.11, 3.12 or 3.13; name one: make PYTHON=..." >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check $(UV)
	@$(RUN) uv pip sync --quiet --python $(BIN)/python requirements-dev.txt
	@touch $@
