# syntax=docker/dockerfile:1

FROM node:22-bookworm-slim AS web
WORKDIR /source/web
COPY web/package.json web/package-lock.json web/.npmrc ./
RUN --mount=type=cache,target=/var/cache/npm npm ci --cache /var/cache/npm
COPY schema.graphql ../
COPY web ./
RUN npm run build

FROM rust:1.95-bookworm AS binary
WORKDIR /source
COPY . .
COPY --from=web /source/web/dist web/dist
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/source/target \
    cargo build --release --locked -p pulsegate --features kafka-tls \
    && cp target/release/pulsegate /usr/local/bin/pulsegate

FROM debian:bookworm-slim
# The newest of Debian's stable release, with its security updates.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --system --gid 10001 pulsegate \
    && useradd --system --uid 10001 --gid 10001 --create-home --home-dir /var/lib/pulsegate pulsegate
COPY --from=binary /usr/local/bin/pulsegate /usr/local/bin/pulsegate
USER 10001:10001
WORKDIR /var/lib/pulsegate
EXPOSE 8080 8081
# bash speaks TCP by itself, so the image needs no HTTP client. PROBE_PORT says which role runs: 8081 for `consume`.
ENV PROBE_PORT=8080
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
    CMD ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/$PROBE_PORT && printf 'GET /readyz HTTP/1.0\\r\\nHost: localhost\\r\\n\\r\\n' >&3 && read -r _ status _ <&3 && [ \"$status\" = 200 ]"]
ENTRYPOINT ["pulsegate"]
CMD ["serve"]
