# papertape: everything a developer or CI runs. `make` alone prints the targets.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

UV      := .setup/uv/bin/uv
PY      := .venv/bin/python
COMPILE := $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
           --no-annotate --custom-compile-command "make lock" $(if $(UPGRADE),--upgrade)

comma   := ,

# What the web UI is built from; a change in any of them rebuilds it at the next `make run`.
UI_INPUTS := $(shell find web -type f -not -path '*/node_modules/*' -not -name '*.tsbuildinfo' \
               -not -name '*.test.ts' -not -name '*.test.tsx' 2>/dev/null)

# What the compiled kernel is built from, folders too: a module that is gone changes its folder.
KERNEL_INPUTS := $(shell find src/papertape -path '*/server/ui' -prune -o -name __pycache__ -prune -o \
                   \( -name '*.py' -o -type d \) -print) $(wildcard scripts/kernel_*.py) scripts/setup_kernel.sh

# PORT=, FEED=, STORE= and DATA= become options of `papertape run`; what is not given is left to papertape.
# STORE=questdb is the server of this checkout (as `make questdb` starts it): it is started first, and ends with the desk.
RUN_OPTIONS = $(if $(PORT),--port $(PORT)) $(if $(FEED),--feed $(FEED)) \
              $(if $(filter-out questdb,$(STORE)),--store '$(STORE)') $(if $(DATA),--data-dir "$(DATA)")
QUESTDB      = $(PY) scripts/run_questdb.py $(if $(QUESTDB_HTTP),--http $(QUESTDB_HTTP)) $(if $(QUESTDB_PG),--pg $(QUESTDB_PG))
WITH_STORE   = $(if $(filter questdb,$(STORE)),$(QUESTDB) with)
STORE_SET_UP = $(if $(filter questdb,$(STORE)),questdb-setup)

# A stamp whose result is gone says nothing.
$(shell [[ -x .venv/bin/python ]] || rm -f .setup/python; [[ -d web/node_modules ]] || rm -f .setup/node; \
        [[ -f src/papertape/server/ui/index.html ]] || rm -f .setup/ui; \
        [[ -f src/papertape/kernel.stamp ]] || rm -f .setup/kernel)

# The QuestDB server that is fetched, and the Java it runs on. Checksums: scripts/questdb.sha256; Java: 25 or 17.
QUESTDB_VERSION ?= 9.3.4
QUESTDB_JAVA    ?= 25
export PAPERTAPE_QUESTDB_VERSION := $(QUESTDB_VERSION)
export PAPERTAPE_QUESTDB_JAVA    := $(QUESTDB_JAVA)

.PHONY: help setup run test dev check bench bench-engine bench-engine-setup bench-lock soak stream kill storm conformance autobahn ui wheel lock clean questdb questdb-setup questdb-matrix

help: ## Print this help
	@echo "papertape: make TARGET [PORT=8420] [FEED=auto|simulated|binance|recorded:PATH] [STORE=sqlite|questdb|questdb://…] [DATA=DIR]"
	@echo
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/\1\t\2/' | awk -F'\t' '{printf "  make %-14s %s\n", $$1, $$2}'

setup: .setup/python .setup/kernel .setup/node ## Install what is needed into .venv and web/node_modules (only what changed)

run: .setup/python .setup/kernel .setup/ui $(STORE_SET_UP) ## Start the desk with a demo session; PORT= FEED= STORE= DATA= are passed on
	@exec $(WITH_STORE) .venv/bin/papertape run $(RUN_OPTIONS)

questdb: .setup/python questdb-setup ## Start a QuestDB server for the desk on 127.0.0.1, until Ctrl-C
	@exec $(QUESTDB) serve

questdb-matrix: .setup/python ## Run the QuestDB tests on each supported pair of server and Java (PAIRS="9.3.4:25 …")
	@$(PY) scripts/questdb_matrix.py $(PAIRS)

test: .setup/python .setup/kernel .setup/node .setup/ui chromium proxies questdb-setup ## Run everything: static checks, all tests, the wheel in a real browser
	@$(PY) scripts/run_suites.py

dev: .setup/python .setup/kernel .setup/node $(STORE_SET_UP) ## Start the desk and the web UI with hot reload (page: the address Vite prints)
	@$(WITH_STORE) scripts/dev.sh $(RUN_OPTIONS)

check: .setup/python .setup/node ## Static checks only: ruff, mypy, import contracts, TypeScript, web lint
	@$(PY) scripts/run_suites.py --only static

bench: .setup/python .setup/kernel questdb-setup ## Measure: events/s, latency, memory; prints the figures
	@scripts/bench.sh

bench-engine: .setup/python .setup/kernel bench-engine-setup ## Measure the engine beside its peers: ONLY=papertape,nautilus LOAD=rare SYMBOLS=1 ROUNDS=3 EVENTS=2000000
	@$(PY) bench/engine_peers.py $(if $(ONLY),--only $(ONLY)) $(if $(LOAD),--load $(LOAD)) $(if $(SYMBOLS),--symbols $(SYMBOLS)) \
	  $(if $(ROUNDS),--rounds $(ROUNDS)) $(if $(EVENTS),--events $(EVENTS)) $(if $(SEED),--seed $(SEED))

soak: .setup/python .setup/kernel .setup/ui chromium ## A browser through twenty cuts, then 20 clients, 3 of them browsers, for SECONDS_=300
	@PAPERTAPE_SOAK_SECONDS=60 $(PY) scripts/run_suites.py --only wheel --only soak
	@$(PY) bench/stream.py R1 --seconds $(or $(SECONDS_),300) $(if $(SEED),--seed $(SEED))

stream: .setup/python .setup/kernel .setup/ui chromium ## Measure the stream: R=R5 one figure, LONG=1 as long as the specification says
	@$(PY) bench/stream.py $(R) $(if $(LONG),--long) $(if $(SECONDS_),--seconds $(SECONDS_)) $(if $(SEED),--seed $(SEED))

storm: .setup/python .setup/kernel ## Stress scenarios of the stream for SECONDS_=60, replayable: SEED= ONLY="NAME NAME"
	@$(PY) -m papertape.testkit.storm --seconds $(or $(SECONDS_),60) $(if $(SEED),--seed $(SEED)) $(foreach name,$(ONLY),--only $(name))

kill: .setup/python questdb-setup ## Kill the store, its copy and the desk a hundred times, and count what is lost
	@PAPERTAPE_KILL_ROUNDS=$(or $(ROUNDS),100) $(PY) -m pytest -q -s tests/scenario/test_kill_rounds.py

conformance: .setup/python ## Check a stream server by its cases (URL=http://127.0.0.1:8420; ONLY=name SESSION=id)
	@$(PY) -m papertape.testkit.conformance server $(or $(URL),http://127.0.0.1:8420) $(if $(ONLY),--only $(ONLY)) $(if $(SESSION),--session $(SESSION))

autobahn: .setup/python ## Fuzz the WebSocket settings with Autobahn (needs a Python 2.7; installs into .setup/autobahn)
	@$(PY) scripts/run_autobahn.py

ui: .setup/ui ## Build the web UI into the Python package

wheel: .setup/python .setup/ui ## Build the wheel, web UI included, into dist/
	@scripts/wheel.sh

lock: .setup/uv/ready ## Resolve the dependencies again (UPGRADE=1: to the newest) and write the lock files
	$(COMPILE) pyproject.toml -o requirements.txt
	$(COMPILE) pyproject.toml --group dev -o requirements-dev.txt
	$(COMPILE) --group setup -o requirements-setup.txt
	$(COMPILE) --group java25 -o requirements-java25.txt
	$(COMPILE) --group java17 -o requirements-java17.txt
	cd web && npm install --package-lock-only --no-audit --no-fund

# Each peer of the measurement has an environment of its own, and a lock of its own.
BENCH_PEERS := backtesting backtrader hftbacktest nautilus vectorbt

bench-lock: .setup/uv/ready ## Resolve the peers of bench-engine again (UPGRADE=1: to the newest) and write their lock files
	$(foreach peer,$(BENCH_PEERS),$(subst make lock,make bench-lock,$(COMPILE)) --group bench-$(peer) -o requirements-bench-$(peer).txt &&) true

clean: ## Remove everything that can be made again, except what sessions wrote
	rm -rf .setup .venv dist build test-results web/node_modules src/papertape/server/ui
	find src -name '*.so' -delete; rm -f src/papertape/kernel.stamp
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

# Stamps: each is made by its script and made again only when one of its inputs changed.

.setup/uv/ready: requirements-setup.txt scripts/setup_uv.sh
	@scripts/setup_uv.sh
	@touch $@

.setup/python: .setup/uv/ready requirements-dev.txt pyproject.toml scripts/setup_python.sh
	@scripts/setup_python.sh
	@touch $@

.setup/kernel: .setup/python $(KERNEL_INPUTS)
	@scripts/setup_kernel.sh
	@touch $@

.setup/node: web/package.json web/package-lock.json web/.npmrc scripts/setup_node.sh
	@scripts/setup_node.sh
	@mkdir -p .setup && touch $@

.setup/ui: .setup/node $(UI_INPUTS)
	@echo "Building the web UI"
	@npm --prefix web run build
	@mkdir -p .setup && touch $@

questdb-setup: .setup/uv/ready
	@scripts/setup_questdb.sh "$(QUESTDB_VERSION)" "$(QUESTDB_JAVA)"

bench-engine-setup: .setup/uv/ready
	@scripts/setup_bench_peers.sh $(filter $(BENCH_PEERS),$(if $(ONLY),$(subst $(comma), ,$(ONLY)),$(BENCH_PEERS)))

.PHONY: chromium proxies
chromium:
	@scripts/setup_chromium.sh

proxies:
	@scripts/setup_proxies.sh
