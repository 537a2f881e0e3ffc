# The commands of a developer. Each target is a few lines; decisions are in scripts/ and .ci/run.

.PHONY: help run demo test test-trouble test-citus test-clients test-openapi bench chaos chaos-remote chaos-proof lint fmt clippy doc typos machete fix mutants deny advisories openapi configuration sqlx ci

# What is written by the code and committed; `make fix` writes all of it. The queries come first: the rest compiles them.
GENERATED = sqlx openapi configuration

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## Start the server with its own Postgres (ARGS="--listen 127.0.0.1:9000")
	@scripts/ensure-postgres.sh
	@test -e target/release/unibooks || echo "The first build takes some minutes."
	@cargo run --release --quiet --locked -- dev $(ARGS)

demo: ## Pay an invoice of a real Tryton with seeded books, all on this machine (PORT=8080 TRYTON_PORT=8000)
	@scripts/demo.sh

test: ## Run all Rust tests; they start their own Postgres and Tryton
	@scripts/ensure-postgres.sh
	@scripts/ensure-tryton.sh
	@scripts/ensure-receivers.sh >/dev/null
	cargo test --locked

test-trouble: ## Run the tests that need PgBouncer, or root to mount a small disk
	@scripts/ensure-postgres.sh
	@scripts/ensure-pgbouncer.sh
	cargo test --locked --test cli -- --ignored $(ARGS)

test-citus: ## Run the API's tests, those of deliveries and chaos on a database of Citus, where it is installed (RUNS=100)
	@scripts/ensure-postgres.sh
	@RUNS=$(RUNS) scripts/test-citus.sh

test-clients: ## Run the PyPI package panora-sdk against the server (ARGS="-k idempotency")
	@scripts/ensure-postgres.sh
	cargo build --locked
	tests/clients/run.sh $(ARGS)

test-openapi: ## Test the server with schemathesis against its OpenAPI document
	@scripts/ensure-postgres.sh
	cargo build --locked
	tests/openapi/run.sh

bench: ## Measure the server against pgbench, side by side (ARGS="create --rounds 2")
	@scripts/ensure-postgres.sh
	cargo bench --locked --bench bench -- $(ARGS)

chaos: ## Kill server and Postgres under load and compare (RUNS=1000 SEED=7 POOLER=transaction)
	@scripts/ensure-postgres.sh
	@$(if $(POOLER),scripts/ensure-pgbouncer.sh)
	cargo test --locked --test chaos -- $(if $(RUNS),--runs $(RUNS)) $(if $(SEED),--seed $(SEED)) $(if $(POOLER),--pooler $(POOLER)) $(ARGS)

chaos-remote: ## Kill servers, Postgres and a real Tryton, and compare the books (RUNS=200 SEED=7)
	@scripts/ensure-postgres.sh
	@scripts/ensure-tryton.sh
	cargo test --locked --test chaos_remote -- $(if $(PROVIDER),--provider $(PROVIDER)) $(if $(RUNS),--runs $(RUNS)) $(if $(SEED),--seed $(SEED)) $(ARGS)

chaos-proof: ## Show that `make chaos` and `make chaos-remote` find what is broken on purpose
	@scripts/ensure-postgres.sh
	@scripts/ensure-tryton.sh
	@scripts/chaos-proof.sh

lint: fmt clippy doc ## Check formatting, clippy and the documentation; warnings are errors

fmt:
	cargo fmt --check

clippy:
	cargo clippy --all-targets --locked -- -D warnings
	@# `--all-targets` leaves out what `cargo test` does not run.
	cargo clippy --test chaos --test chaos_remote --locked -- -D warnings

doc:
	RUSTDOCFLAGS="-D warnings" cargo doc --no-deps --locked --document-private-items

typos: ## Find misspelled words
	@scripts/typos/run.sh

machete: ## Find dependencies that no source names
	@scripts/machete.sh

fix: ## Write what tools can: clippy's suggestions, format, spelling, generated files
	cargo clippy --fix --allow-dirty --allow-staged --all-targets --locked
	cargo fmt
	@scripts/typos/run.sh --write-changes
	@$(MAKE) --no-print-directory $(GENERATED)

mutants: ## Show that tests notice when a query forgets its tenant
	@scripts/mutants.py

deny: ## Check licences, sources and banned crates of the dependencies
	@scripts/deny.sh

advisories: ## Check the dependencies for known faults; needs the network
	@scripts/deny.sh advisories

openapi: ## Write docs/openapi.json from the code
	cargo run --quiet --locked -- openapi > target/openapi.json
	mv target/openapi.json docs/openapi.json

configuration: ## Write docs/configuration.md from the flags
	cargo run --quiet --locked -- configuration > target/configuration.md
	mv target/configuration.md docs/configuration.md

sqlx: ## Write .sqlx from the queries and the migrations
	scripts/prepare-sqlx.sh

ci: ## Run everything that a change must pass
	.ci/run
