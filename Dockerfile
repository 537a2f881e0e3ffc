# The server as an image: a compiler in the first stage, Debian and one binary in the second.
# Needs no database to build, and no builder newer than the one in docker-compose 1.29.

FROM rust:1.95-slim-bookworm AS build
WORKDIR /build
# The SQL is checked against .sqlx, which is committed, and not against a database.
ENV SQLX_OFFLINE=true

# The dependencies in a layer of their own: they take most of the time and change least. Cargo wants
# a crate around them, so it gets an empty one, and its product is thrown away again: left in place it
# would pass for the real one, because the real files are older than it.
COPY Cargo.toml Cargo.lock ./
RUN mkdir src \
 && touch src/lib.rs \
 && echo 'fn main() {}' > src/main.rs \
 && cargo build --release --locked \
 && cargo clean --release --locked --package unibooks

# What else is copied, .dockerignore decides.
COPY . .
RUN cargo build --release --locked


FROM debian:bookworm-slim
LABEL org.opencontainers.image.title="unibooks" \
      org.opencontainers.image.description="A self-hostable unified accounting API server" \
      org.opencontainers.image.licenses="MIT OR Apache-2.0"

# The server writes to one folder only, and there only the demo credentials, where they are asked for.
# A volume mounted here for the first time takes over its owner.
RUN groupadd --system --gid 10001 unibooks \
 && useradd --system --uid 10001 --gid 10001 --home-dir /var/lib/unibooks --shell /usr/sbin/nologin unibooks \
 && install --directory --mode 0700 --owner 10001 --group 10001 /var/lib/unibooks

# Without certificate authorities the TLS of a managed Postgres could not be verified.
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /build/target/release/unibooks /usr/local/bin/unibooks

# In a container, loopback is reachable from nowhere else.
ENV UNIBOOKS_LISTEN=0.0.0.0:8080 \
    UNIBOOKS_METRICS_LISTEN=0.0.0.0:9464
EXPOSE 8080 9464

# By number, so that Kubernetes can see that it is not root (runAsNonRoot).
USER 10001:10001
WORKDIR /var/lib/unibooks

HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 CMD ["unibooks", "healthcheck"]
ENTRYPOINT ["unibooks"]
CMD ["serve"]
