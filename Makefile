# What a developer types. Each target is a few commands; none hides a decision.

.PHONY: help run test test-trouble test-clients test-openapi bench chaos chaos-proof lint fmt clippy doc mutants deny advisories openapi configuration sqlx ci

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## Start the server with a Postgres of its own (ARGS="--listen 127.0.0.1:9000")
	@scripts/ensure-postgres.sh
	@test -e target/release/unibooks || echo "The first build takes some minutes."
	@cargo run --release --quiet --locked -- dev $(ARGS)

test: ## Run all Rust tests against a real Postgres, which they start themselves
	@scripts/ensure-postgres.sh
	cargo test --locked

test-trouble: ## Run the tests that need PgBouncer, and root for a small disk of their own
	@scripts/ensure-postgres.sh
	@scripts/ensure-pgbouncer.sh
	cargo test --locked --test cli -- --ignored $(ARGS)

test-clients: ## Run the PyPI package panora-sdk against the server (ARGS="-k idempotency")
	@scripts/ensure-postgres.sh
	cargo build --locked
	tests/clients/run.sh $(ARGS)

test-openapi: ## Let schemathesis try the server by its OpenAPI document
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

chaos-proof: ## Show that `make chaos` finds what is broken on purpose
	@scripts/ensure-postgres.sh
	UNIBOOKS_BROKEN=answer_before_commit cargo test --locked --features broken --test chaos -- --must-find --runs 1000
	UNIBOOKS_BROKEN=key_outside_transaction cargo test --locked --features broken --test chaos -- --must-find --runs 1000

lint: fmt clippy doc ## Check formatting, clippy and the documentation; warnings are errors

fmt:
	cargo fmt --check

clippy:
	cargo clippy --all-targets --locked -- -D warnings

doc:
	RUSTDOCFLAGS="-D warnings" cargo doc --no-deps --locked --document-private-items

mutants: ## Show that tests notice when a query forgets its tenant
	@scripts/mutants.sh

deny: ## Check licences, sources and banned crates of the dependencies
	@scripts/deny.sh

advisories: ## Look for known faults of the dependencies; needs the network
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
