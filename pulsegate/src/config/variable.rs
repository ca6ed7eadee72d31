/// One thing that can be configured: by a flag, a variable of the environment, or a key of the file, all three named
/// after the variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Variable {
    /// The name in the environment, e.g. `HTTP_ADDR`.
    pub(crate) name: &'static str,
    /// What stands for the value in `--help`.
    pub(crate) value: &'static str,
    /// One line for `--help`; the default stands in it.
    pub(crate) help: &'static str,
}

impl Variable {
    /// `http-addr`
    pub(crate) fn flag(&self) -> String {
        self.name.to_ascii_lowercase().replace('_', "-")
    }

    /// `http_addr`
    pub(crate) fn key(&self) -> String {
        self.name.to_ascii_lowercase()
    }
}

/// A heading of `--help` and what stands under it.
pub(crate) type Group = (&'static str, &'static [Variable]);

macro_rules! variables {
    ($($constant:ident: $value:literal, $help:literal;)*) => {
        $(pub(crate) const $constant: Variable =
            Variable { name: stringify!($constant), value: $value, help: $help };)*

        /// All of them.
        pub(crate) const ALL: &[Variable] = &[$($constant),*];
    };
}

variables! {
    DATABASE_URL: "URL", "PostgreSQL 15 or later [default: a private PostgreSQL in DATA_DIR]";
    DATABASE_READ_URL: "URL", "A replica of it, which the gateway reads from where it is new enough [default: none]";
    DATA_DIR: "DIRECTORY", "Of the embedded database [default: ./.pulsegate]";
    PULSEGATE_PG_BIN: "DIRECTORY", "Where the embedded database's programs are [default: looked for]";
    REDIS_URL: "URL", "redis:// or rediss://, a cluster too [default: cache and bus in the process and the database]";
    CACHE: "on|off", "Whether answers may come from a cache; off is for measuring [default: on]";
    KAFKA_BROKERS: "HOST:PORT,...", "Kafka [default: an embedded broker]";
    KAFKA_GROUP_ID: "NAME", "The consumer group [default: pulsegate]";
    KAFKA_TOPIC_EVENT_CREATED: "NAME", "[default: event.created]";
    KAFKA_TOPIC_PARTICIPANT_REGISTERED: "NAME", "[default: participant.registered]";
    KAFKA_TOPIC_DISTRIBUTION_COMPLETED: "NAME", "[default: distribution.completed]";
    KAFKA_TOPIC_DEAD_LETTER: "NAME", "[default: analytics.dead-letter]";
    CHANNEL_API_TV_URL: "URL", "Base URL of the API of TV channels [default: none, they are not refreshed]";
    CHANNEL_API_SNS_URL: "URL", "Base URL of the API of SNS channels [default: none, they are not refreshed]";
    CHANNEL_API_VOICE_URL: "URL", "Base URL of the API of VOICE channels [default: none, they are not refreshed]";
    CHANNEL_REFRESH_INTERVAL: "DURATION", "How often the channels of an active event are read [default: 60s]";
    CHANNEL_API_TIMEOUT: "DURATION", "How long one reading may take, with all its tries [default: 2s]";
    CHANNEL_BREAKER_FAILURES: "N", "Failed calls in a row that open an API's breaker [default: 5]";
    CHANNEL_BREAKER_OPEN: "DURATION", "How long a breaker stays open [default: 30s]";
    HTTP_ADDR: "IP:PORT", "Where the gateway listens [default: 127.0.0.1:8080]";
    HTTP_TLS_CERT_FILE: "FILE", "A certificate (PEM, with those it leads to) to speak TLS with [default: no TLS]";
    HTTP_TLS_KEY_FILE: "FILE", "The private key of the certificate (PEM)";
    CONSUMER_HTTP_ADDR: "IP:PORT", "Where /healthz, /readyz and /metrics are [default: 127.0.0.1:8081]";
    AUTH: "off|jwt", "Who may ask [default: off on a loopback address, else it must be said]";
    JWT_HS256_SECRET: "SECRET", "What signs the tokens, shared with their issuer, 32 bytes at least (fewer on a loopback address)";
    JWT_PUBLIC_KEY_FILE: "FILE", "The issuer's public key (PEM: RSA, EC P-256 or Ed25519)";
    JWT_JWKS_URL: "URL", "Where the issuer publishes its public keys (JSON Web Key Set)";
    JWT_ISSUER: "TEXT", "What a token's `iss` must be [default: anything]";
    JWT_AUDIENCE: "TEXT", "What a token's `aud` must hold [default: none]";
    CORS_ALLOWED_ORIGINS: "ORIGIN,...|*", "Pages of other origins that may ask [default: none]";
    HTTP_HEADER_TIMEOUT: "DURATION", "How long the headers of a request may take, and a connection may say nothing [default: 10s]";
    SHUTDOWN_GRACE: "DURATION", "How long it still answers, as not ready, when it is asked to stop [default: 1s]";
    TIMELINE_MINUTE_DAYS: "DAYS", "Age at which minutes are merged into quarters of an hour; 0 = never [default: 8]";
    TIMELINE_RETENTION: "DURATION|off", "Age at which months of the timeline are dropped [default: off]";
    PROCESSED_RETENTION: "DURATION", "How long a message that comes again is known [default: 30d]";
    WS_INIT_TIMEOUT: "DURATION", "How long a WebSocket may take to introduce itself [default: 10s]";
    WS_SEND_TIMEOUT: "DURATION", "How long a client may take nothing of what it is sent [default: 20s]";
    LIVE_RESUME_WINDOW: "DURATION", "How long a live cursor can be resumed from [default: 1d]";
    LIMIT_BYTES: "N", "Bytes of a request [default: 65536]";
    LIMIT_TOKENS: "N", "Tokens of a document, fragments and variables written out [default: 2000]";
    LIMIT_DEPTH: "N", "Nested brackets of a document, fragments written out [default: 32]";
    LIMIT_ALIASES: "N", "Aliases in a document [default: 64]";
    LIMIT_DIRECTIVES: "N", "Directives in a document [default: 64]";
    LIMIT_COST: "N", "Fields of an answer at most, by the sizes of its lists [default: 200000]";
    LIMIT_BATCH: "N", "Operations in one batch [default: 10]";
    RATE_LIMIT_COST_PER_MINUTE: "N|off", "What each user may spend in a minute, in the cost of operations [default: off]";
    TRUSTED_DOCUMENTS: "FILE", "A manifest of documents (JSON) that clients may ask for by id [default: none]";
    TRUSTED_DOCUMENTS_ONLY: "on|off", "Whether nothing but the manifest's documents is executed [default: off]";
    RATE_LIMIT_REQUESTS_PER_MINUTE: "N|off", "Requests that each address may make in a minute [default: off]";
    TRUSTED_PROXIES: "NETWORK,...", "Proxies whose X-Forwarded-For is believed [default: none]";
    INTROSPECTION: "on|off", "Whether clients may ask for the schema [default: on where AUTH is off]";
    GRAPHIQL: "on|off", "Whether /graphiql is there [default: on where AUTH is off]";
    LOG: "FILTER", "What is logged, e.g. info or consumer=debug,info [default: info]";
    LOG_FORMAT: "text|json", "How it is logged [default: text]";
    OTEL_EXPORTER_OTLP_ENDPOINT: "URL", "Where traces go, by OTLP over HTTP [default: nowhere]";
}

pub(crate) const DATABASE: Group = ("Database", &[DATABASE_URL, DATA_DIR, PULSEGATE_PG_BIN]);
pub(crate) const REPLICA: Group = ("A replica of the database", &[DATABASE_READ_URL]);
pub(crate) const REDIS: Group = ("Redis", &[REDIS_URL]);
pub(crate) const KAFKA: Group = (
    "Kafka (any other setting of librdkafka by a variable KAFKA_<NAME>)",
    &[
        KAFKA_BROKERS,
        KAFKA_GROUP_ID,
        KAFKA_TOPIC_EVENT_CREATED,
        KAFKA_TOPIC_PARTICIPANT_REGISTERED,
        KAFKA_TOPIC_DISTRIBUTION_COMPLETED,
        KAFKA_TOPIC_DEAD_LETTER,
    ],
);
pub(crate) const CHANNELS: Group = (
    "External APIs of channels",
    &[
        CHANNEL_API_TV_URL,
        CHANNEL_API_SNS_URL,
        CHANNEL_API_VOICE_URL,
        CHANNEL_REFRESH_INTERVAL,
        CHANNEL_API_TIMEOUT,
        CHANNEL_BREAKER_FAILURES,
        CHANNEL_BREAKER_OPEN,
    ],
);
pub(crate) const GATEWAY: Group = (
    "Gateway",
    &[
        HTTP_ADDR,
        HTTP_TLS_CERT_FILE,
        HTTP_TLS_KEY_FILE,
        CACHE,
        AUTH,
        JWT_HS256_SECRET,
        JWT_PUBLIC_KEY_FILE,
        JWT_JWKS_URL,
        JWT_ISSUER,
        JWT_AUDIENCE,
        TRUSTED_DOCUMENTS,
        TRUSTED_DOCUMENTS_ONLY,
        CORS_ALLOWED_ORIGINS,
        INTROSPECTION,
        GRAPHIQL,
        WS_INIT_TIMEOUT,
        WS_SEND_TIMEOUT,
        LIVE_RESUME_WINDOW,
    ],
);
pub(crate) const LIMITS: Group = (
    "Limits of one request, one user and one address",
    &[
        LIMIT_BYTES,
        LIMIT_TOKENS,
        LIMIT_DEPTH,
        LIMIT_ALIASES,
        LIMIT_DIRECTIVES,
        LIMIT_COST,
        LIMIT_BATCH,
        RATE_LIMIT_COST_PER_MINUTE,
        RATE_LIMIT_REQUESTS_PER_MINUTE,
        TRUSTED_PROXIES,
    ],
);
pub(crate) const UPKEEP: Group =
    ("Housekeeping of the consumer", &[TIMELINE_MINUTE_DAYS, TIMELINE_RETENTION, PROCESSED_RETENTION]);
pub(crate) const PROBES: Group = ("Probes", &[CONSUMER_HTTP_ADDR]);
pub(crate) const CONNECTIONS: Group = ("Connections", &[HTTP_HEADER_TIMEOUT, SHUTDOWN_GRACE]);
pub(crate) const LOGGING: Group = ("Logs and traces", &[LOG, LOG_FORMAT, OTEL_EXPORTER_OTLP_ENDPOINT]);

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_variable_stands_in_the_example_and_nothing_else_does() {
        let example = include_str!("../../../.env.example");
        let listed: BTreeSet<&str> = example
            .lines()
            .filter_map(|line| line.strip_prefix('#').unwrap_or(line).split_once('='))
            .map(|(name, _)| name)
            .filter(|name| name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_'))
            .collect();
        // An example of the settings that are passed on to librdkafka.
        let known: BTreeSet<&str> = ALL
            .iter()
            .map(|variable| variable.name)
            .chain(["KAFKA_SECURITY_PROTOCOL", "KAFKA_SESSION_TIMEOUT_MS"])
            .collect();
        assert_eq!(listed, known);
    }

    #[test]
    fn every_variable_is_offered_by_a_group_exactly_once() {
        let grouped: Vec<&str> = [
            DATABASE,
            REPLICA,
            REDIS,
            KAFKA,
            CHANNELS,
            GATEWAY,
            LIMITS,
            UPKEEP,
            PROBES,
            CONNECTIONS,
            LOGGING,
        ]
        .iter()
        .flat_map(|(_, variables)| variables.iter().map(|variable| variable.name))
        .collect();
        let once: BTreeSet<&str> = grouped.iter().copied().collect();
        assert_eq!(grouped.len(), once.len());
        assert_eq!(once, ALL.iter().map(|variable| variable.name).collect());
    }
}
